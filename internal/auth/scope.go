package auth

import (
	"slices"
	"strings"
	"time"
)

// Scope is the scope of AB2D's own clients, and the one granted when none is
// asked for.
const Scope = "clientCreds"

// AccountScope lets a client see and change its account. It is asked for alone: a token
// for the account does not read claims, and one that reads claims does not change the
// account.
const AccountScope = "account"

// AccountLifetime is the most that a token for the account is valid, so that whoever
// changes the account has proved a short while ago who it is.
const AccountLifetime = 10 * time.Minute

// scopes are those that can be granted to read claims: AB2D's, and what SMART App Launch
// (versions 1 and 2) calls reading all claims. All of them allow the same.
func scopes() []string {
	return []string{
		Scope, "system/*.read", "system/*.rs",
		"system/ExplanationOfBenefit.read", "system/ExplanationOfBenefit.rs",
	}
}

// grantedScopes reads a list of scopes separated by spaces, RFC 6749 §3.3. Of several
// scopes of SMART, in either version, those are granted that there are, and the answer
// says which. A client that asks for
// none gets AB2D's; but not one with an assertion, of which SMART Backend Services
// wants that it asks.
func grantedScopes(asked string, assertion bool) ([]string, *Error) {
	var granted []string
	all := strings.Fields(asked)
	if slices.Contains(all, AccountScope) {
		if len(all) > 1 {
			return nil, invalid(InvalidScope, "The scope %s is asked for alone: its token is for the account only.", AccountScope)
		}
		return all, nil
	}
	for _, scope := range all {
		if !slices.Contains(scopes(), scope) && !strings.HasPrefix(scope, "system/") {
			return nil, noScope()
		}
		if slices.Contains(scopes(), scope) && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	switch {
	case len(granted) > 0:
		return granted, nil
	case len(all) == 0 && assertion:
		return nil, invalid(InvalidScope, "The scope is missing. With a client_assertion, ask for one or more of, separated by spaces: %s.", strings.Join(scopes(), ", "))
	case len(all) == 0:
		return []string{Scope}, nil
	}
	return nil, noScope()
}

func noScope() *Error {
	return invalid(InvalidScope, "There is no such scope. Ask for one or more of, separated by spaces: %s; or for %s alone.", strings.Join(scopes(), ", "), AccountScope)
}
