package auth

import (
	"slices"
	"strings"
)

// Scope is the scope of AB2D's own clients, and the one granted when none is
// asked for.
const Scope = "clientCreds"

// scopes are those that can be granted: AB2D's, and what SMART App Launch
// (versions 1 and 2) calls reading all claims. All of them allow the same.
func scopes() []string {
	return []string{
		Scope, "system/*.read", "system/*.rs",
		"system/ExplanationOfBenefit.read", "system/ExplanationOfBenefit.rs",
	}
}

// grantedScopes reads a list of scopes separated by spaces, RFC 6749 §3.3.
func grantedScopes(asked string) ([]string, *Error) {
	var granted []string
	for _, scope := range strings.Fields(asked) {
		if !slices.Contains(scopes(), scope) {
			return nil, invalid(InvalidScope, "There is no such scope. Ask for one or more of, separated by spaces: %s.", strings.Join(scopes(), ", "))
		}
		if !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 {
		return []string{Scope}, nil
	}
	return granted, nil
}
