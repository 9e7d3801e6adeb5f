package coverage

import "regexp"

// Contract is a sponsor's Part D contract, for which claims are exported.
type Contract struct {
	Number  string // one capital letter and four digits: S1234, in the sandbox Z0000
	Sponsor string // the sponsor's name, for people to read

	// Attested is the day the sponsor accepted the terms. A contract without
	// attestation gets no data.
	Attested    Date
	HasAttested bool
}

// FirstMonth returns the first month of enrollment that counts for the contract:
// that of its attestation, and none before January 2020. The month of the
// attestation counts as a whole, whichever day the attestation is.
func (c Contract) FirstMonth() Month { return max(c.Attested, EarliestService).Month() }

var contractNumber = regexp.MustCompile(`^[A-Z][0-9]{4}$`)

// ValidContractNumber tells whether s has the form of a contract number.
func ValidContractNumber(s string) bool { return contractNumber.MatchString(s) }
