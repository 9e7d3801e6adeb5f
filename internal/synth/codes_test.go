package synth

import (
	"regexp"
	"testing"

	"ab2d/internal/fhir"
)

var (
	hcpcsShape        = regexp.MustCompile(`^[A-CE-HJ-RU-V][0-9]{4}$`)
	diagnosisShape    = regexp.MustCompile(`^[A-TV-Z][0-9][0-9A-Z]{1,5}$`)
	procedureShape    = regexp.MustCompile(`^[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}$`)
	drgShape          = regexp.MustCompile(`^[0-9]{3}$`)
	npiShape          = regexp.MustCompile(`^[89][0-9]{9}$`)
	organizationShape = regexp.MustCompile(`^8[0-9]{9}$`)
	ccnShape          = regexp.MustCompile(`^[0-9]{6}$`)

	// protected are the categories of ICD-10-CM that 42 CFR Part 2 protects.
	protected = regexp.MustCompile(`^F(1[0-689]|55)|^HZ|^Z714`)
)

// testCodes checks the form of every code and provider number in the claims.
func testCodes(t *testing.T, claims []sampledClaim) {
	for _, c := range claims {
		one, two := parse(t, c.lines[fhir.V1]), parse(t, c.lines[fhir.V2])
		for _, c := range []struct {
			shape *regexp.Regexp
			found []any
		}{
			{hcpcsShape, values(two, "item", "productOrService", "coding", "code")},
			{diagnosisShape, values(two, "diagnosis", "diagnosisCodeableConcept", "coding", "code")},
			{procedureShape, values(two, "procedure", "procedureCodeableConcept", "coding", "code")},
			{drgShape, values(two, "supportingInfo", "code", "coding", "code")},
			{npiShape, values(two, "careTeam", "provider", "identifier", "value")},
			{organizationShape, values(one, "organization", "identifier", "value")},
			{ccnShape, values(one, "provider", "identifier", "value")},
		} {
			for _, found := range c.found {
				text := found.(string)
				isNPI := c.shape == npiShape || c.shape == organizationShape
				if !c.shape.MatchString(text) || protected.MatchString(text) || isNPI && !luhn("80840"+text) {
					t.Fatalf("%s: %q is not of the form %s", two["id"], text, c.shape)
				}
			}
		}
	}
}

// luhn checks a number with its check digit, from the definition.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func TestLuhnItself(t *testing.T) {
	// The example of CMS's NPI check digit standard.
	if !luhn("80840"+"1234567893") || luhn("80840"+"1234567890") {
		t.Error("the checker is wrong")
	}
}
