package synth

import "testing"

// TestNumbersOfOrganizations: no two organizations of a state share an NPI.
func TestNumbersOfOrganizations(t *testing.T) {
	seen := map[uint64]bool{}
	for st := range states {
		for sort := range orgs {
			for n := range orgs[sort].count {
				npi := organization{sort, n, &states[st]}.npi()
				if seen[npi] {
					t.Fatalf("%s %d of %s shares NPI %d", orgs[sort].name, n, states[st].postal, npi)
				}
				seen[npi] = true
			}
		}
	}
}
