package feed

import (
	"io"
	"strings"

	"ab2d/internal/coverage"
)

// mostSponsor bounds the name of a contract's sponsor, in bytes. There are 260,000
// numbers of contracts at most, and so all names together are bounded, too.
const mostSponsor = 400

// ReadContracts reads contracts: CSV with the columns contract, sponsor and
// attested, which is a date or empty. The error is LineErrors when lines are wrong.
func ReadContracts(r io.Reader) ([]coverage.Contract, error) {
	b, err := inflated(r)
	if err != nil {
		return nil, err
	}
	t, err := openTable(b, tableLimits(), []string{"contract", "sponsor", "attested"}, nil)
	if err != nil {
		return nil, err
	}
	var list []coverage.Contract
	seen := map[string]bool{}
	for t.next() {
		// A clone, because a field holds its whole row in memory.
		c := coverage.Contract{Number: strings.Clone(t.get("contract")), Sponsor: strings.Clone(t.get("sponsor"))}
		if !t.contract(c.Number) {
			continue
		}
		if len(c.Sponsor) > mostSponsor {
			t.fault("sponsor is longer than %d bytes", mostSponsor)
		}
		if seen[c.Number] {
			t.fault("contract %s occurs twice", c.Number)
		}
		seen[c.Number] = true
		if s := t.get("attested"); s != "" {
			day, err := coverage.ParseDay(s)
			if err != nil {
				t.fault("attested is not a date of the form YYYY-MM-DD; leave it empty if the contract has not attested")
			}
			c.Attested, c.HasAttested = day, true
		}
		list = append(list, c)
	}
	return list, t.err()
}

// contract checks a contract's number. A wrong one is not quoted: where columns
// are mixed up it is an identifier of a person.
func (t *table) contract(number string) bool {
	ok := coverage.ValidContractNumber(number)
	if !ok {
		t.fault("contract is not a capital letter and four digits, for example S1234")
	}
	return ok
}
