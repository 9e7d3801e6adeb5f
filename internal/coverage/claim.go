package coverage

import "time"

// ClaimType is one of the seven kinds of Part A and B claims.
type ClaimType uint8

// The claim types that may be delivered. Anything else, Part D events first
// of all, is OtherClaim and never leaves.
const (
	OtherClaim ClaimType = iota
	Carrier
	DME
	HHA
	Hospice
	Inpatient
	Outpatient
	SNF
)

var claimTypeNames = [...]string{"other", "carrier", "dme", "hha", "hospice", "inpatient", "outpatient", "snf"}

// String gives the lower-case name that claim ids begin with.
func (t ClaimType) String() string {
	if int(t) < len(claimTypeNames) {
		return claimTypeNames[t]
	}
	return claimTypeNames[OtherClaim]
}

// ParseClaimType finds a claim type by its lower-case name; OtherClaim when
// there is none of that name.
func ParseClaimType(name string) ClaimType {
	for t := Carrier; t <= SNF; t++ {
		if claimTypeNames[t] == name {
			return t
		}
	}
	return OtherClaim
}

// Claim holds the facts about one ExplanationOfBenefit that decide whether it
// is delivered. Sources of claims fill it; Selection.Verdict reads it.
type Claim struct {
	Patient  EnrolleeID
	Type     ClaimType
	PartD    bool // a prescription drug event
	Part2    bool // substance-use treatment, 42 CFR Part 2 ("SAMHSA")
	Start    Date // billablePeriod.start
	End      Date // billablePeriod.end
	HasStart bool
	HasEnd   bool
	// LastUpdated is meta.lastUpdated; zero when the claim has none.
	LastUpdated time.Time
}
