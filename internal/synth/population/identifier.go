package population

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// mbiShape has the characters of each position of a Medicare Beneficiary
// Identifier (CMS, "Understanding the MBI format"): letters leave out S, L, O,
// I, B and Z. Position 2 is always S here, which a real one never has.
var mbiShape = [11]string{
	"123456789", "S", mbiDigits + mbiLetters, mbiDigits, mbiLetters, mbiDigits + mbiLetters, mbiDigits,
	mbiLetters, mbiLetters, mbiDigits, mbiDigits,
}

const (
	mbiDigits  = "0123456789"
	mbiLetters = "ACDEFGHJKMNPQRTUVWXY"
	mbiSpace   = 9 * 30 * 10 * 20 * 30 * 10 * 20 * 20 * 100
	// mbiStride shares no factor with mbiSpace, so that steps of it
	// reach every identifier once before any repeats.
	mbiStride = 982_451_653
)

// MaxMBIs is how many MBIs a person has at most.
const MaxMBIs = 4

// mbi returns an MBI of a person. Version 0 is the first that was issued. No two
// people share an MBI.
func (s *Population) mbi(index, version int) coverage.MBI {
	n := (random.Mix(s.seed)%mbiSpace + uint64(MaxMBIs*index+version)*mbiStride) % mbiSpace
	var b [len(mbiShape)]byte
	for i := len(b) - 1; i >= 0; i-- {
		set := mbiShape[i]
		b[i] = set[n%uint64(len(set))]
		n /= uint64(len(set))
	}
	return coverage.MBI(b[:])
}

// Version 3 of the API numbers patients by another system than versions 1 and 2: with
// nine positive digits, in no order that the ids of enrollees have. Who joins the
// claims of two versions needs the MBI, as with real claims.
const (
	firstPatientV3 = 400_000_000
	patientSpace   = 500_000_000
	// patientStride shares no factor with patientSpace, so that no number repeats.
	patientStride = 217_645_199
	// FirstStrangerV3 is the first of the numbers that no patient has.
	FirstStrangerV3 = firstPatientV3 + patientSpace
)

// patientV3 returns the number of a person's patient in version 3.
func patientV3(index int) int64 {
	return firstPatientV3 + int64(index)*patientStride%patientSpace
}

// patientStrideInverse takes a step of patientStride back: their product is 1 modulo
// patientSpace.
const patientStrideInverse = 191_314_799

// indexOfPatientV3 returns the index of which patientV3 returns the number, or -1.
func indexOfPatientV3(number int64) int {
	if number < firstPatientV3 || number >= FirstStrangerV3 {
		return -1
	}
	return int((number - firstPatientV3) * patientStrideInverse % patientSpace)
}

// An NPI has ten digits, the last of them Luhn's check digit over 80840 and
// the others (CMS, NPI check digit standard). Real ones begin with 1 or 2,
// synthetic ones with 8 for an organization and 9 for a person.
const (
	NPIPerson       = 999_000000
	npiOrganization = 888_000000
	npiPerState     = 10_000 // providers of one kind in a state
)

// NPI returns the NPI of the n-th provider of a state in the series base.
func NPI(base int, st *codes.State, n int) uint64 {
	nine := uint64(base + st.Number*npiPerState + n)
	// 24 is Luhn's sum over the prefix 80840, whose own digits never change.
	sum, double := uint64(24), true
	for rest := nine; rest > 0; rest /= 10 {
		d := rest % 10
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return nine*10 + (10-sum%10)%10
}
