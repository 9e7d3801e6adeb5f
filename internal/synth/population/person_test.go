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

// TestPatientV3: every person has a number of nine positive digits, and no two share
// one, nor one with a stranger.
func TestPatientV3(t *testing.T) {
	seen := map[int64]bool{}
	for index := range 300_000 {
		n := patientV3(index * 7)
		if n < 100_000_000 || n >= FirstStrangerV3 || seen[n] {
			t.Fatalf("person %d has number %d", index*7, n)
		}
		seen[n] = true
	}
}
