package population

import (
	"testing"

	"ab2d/internal/synth/codes"
)

// TestNumbersOfOrganizations: no two organizations of a state share an NPI.
func TestNumbersOfOrganizations(t *testing.T) {
	seen := map[uint64]bool{}
	for st := range codes.States {
		for sort := range codes.Organizations {
			for n := range codes.Organizations[sort].Count {
				npi := Organization{sort, n, &codes.States[st]}.NPI()
				if seen[npi] {
					t.Fatalf("%s %d of %s shares NPI %d", codes.Organizations[sort].Name, n, codes.States[st].Postal, npi)
				}
				seen[npi] = true
			}
		}
	}
}
