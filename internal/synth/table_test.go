package synth

import (
	"regexp"
	"strings"
	"testing"

	"ab2d/internal/coverage"
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

// TestCodes checks the form of every code and provider number in the claims.
func TestCodes(t *testing.T) {
	for _, c := range byType(t, sourceAt(42, asOf), 60) {
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

// tableCodes are all codes with displays, by the form of the code.
func tableCodes() (diagnoses, procedures, others []code) {
	for i := range conditions {
		diagnoses = append(diagnoses, conditions[i].codes...)
	}
	for _, list := range [][]code{acute[:], symptoms[:], complications[:],
		{checkUp, immunization, colonScreen, heartScreen, moodScreen, chemotherapy, immunotherapy, fall}} {
		diagnoses = append(diagnoses, list...)
	}
	for i := range stays {
		diagnoses = append(diagnoses, stays[i].principal, stays[i].admitting, stays[i].after)
		procedures = append(procedures, stays[i].procedures...)
	}
	for i := range specialties {
		others = append(others, specialties[i].code)
	}
	for i := range claimTypes {
		k := &claimTypes[i]
		others = append(others, k.nch, k.stu3Type, k.r4Type, k.nearLine, k.subType, k.facility, k.otherType)
	}
	others = append(others, placeOffice, placeHome, placeHospital, placeSurgery, placeNursing, placeAmbulance, placeLab,
		ambulanceSupplier, laboratory, portableXray, medicalOncology, dmePharmacy, dmeRespiratory)
	for _, b := range []*code{betosAmbulance, betosDrug, betosVaccine, betosColon, betosBed, betosOxygen, betosChair, betosDME, betosOrthotic} {
		others = append(others, *b)
	}
	return diagnoses, procedures, others
}

// TestTables checks the tables whole, also rows that a sample would not meet:
// forms of codes, one display a code, and nothing that JSON would escape.
func TestTables(t *testing.T) {
	diagnoses, procedures, others := tableCodes()
	displays := map[string]string{}
	for _, c := range append(diagnoses, procedures...) {
		if had, ok := displays[c.code]; ok && had != c.display {
			t.Errorf("%s has two displays: %q and %q", c.code, had, c.display)
		}
		displays[c.code] = c.display
		if c.display != strings.ToUpper(c.display) || c.display == "" {
			t.Errorf("%s: display %q", c.code, c.display)
		}
	}
	for _, c := range diagnoses {
		if !diagnosisShape.MatchString(c.code) || protected.MatchString(c.code) {
			t.Errorf("diagnosis %q", c.code)
		}
	}
	for _, c := range procedures {
		if !procedureShape.MatchString(c.code) {
			t.Errorf("procedure %q", c.code)
		}
	}
	for _, c := range append(append(diagnoses, procedures...), others...) {
		for _, r := range c.code + c.display {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				t.Errorf("%s: JSON would escape %q", c.code, r)
			}
		}
	}
}

func TestServices(t *testing.T) {
	lists := [][]service{officeServices[:], labServices[:], ambulanceServices[:], ambulanceMiles[:], xrayServices[:],
		screeningServices[:], imagingServices[:], infusionServices[:], clinicVisit[:], observation[:], hospitalDrugs[:],
		bloodServices[:], nursingServices[:], homeServices[:], hospicePlaces[:], hospiceVisits[:]}
	for i := range equipment {
		lists = append(lists, equipment[i].items)
	}
	for _, list := range lists {
		for _, s := range list {
			if !hcpcsShape.MatchString(s.hcpcs) || s.units < 1 || s.charge < 1 {
				t.Errorf("%+v", s)
			}
		}
	}
}

func TestStates(t *testing.T) {
	seen := map[string]bool{}
	total := 0
	for i, st := range states {
		if st.number != i || seen[st.postal] || seen[st.ssa] || len(st.postal) != 2 || len(st.ssa) != 2 || len(st.zip) != 3 || len(st.locality) != 2 || len(st.carrier) != 5 {
			t.Errorf("%+v", st)
		}
		seen[st.postal], seen[st.ssa] = true, true
		total += int(st.weight)
	}
	if total < 900 || total > 1100 {
		t.Errorf("weights sum to %d", total)
	}
}

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

// TestCivil holds the calendar arithmetic equal to package time's.
func TestCivil(t *testing.T) {
	for d := coverage.Date(0); d < 60_000; d++ {
		y, m, day := civil(d)
		if want := d.Time(); y != want.Year() || m != int(want.Month()) || day != want.Day() {
			t.Fatalf("%s: got %d-%d-%d", d, y, m, day)
		}
	}
}

// TestBuffer holds the writing of numbers and instants.
func TestBuffer(t *testing.T) {
	w := new(buffer)
	w.number(-10_000_000_000_099)
	w.text(" ")
	w.number(0)
	w.text(" ")
	w.cents(123_405)
	w.text(" ")
	w.digits(42, 5)
	w.text(" ")
	w.instant(1_598_659_200_007)
	if got := string(w.b); got != "-10000000000099 0 1234.05 00042 2020-08-29T00:00:00.007+00:00" {
		t.Error(got)
	}
}

// TestStreams: weights are kept, and draws stay in range.
func TestStreams(t *testing.T) {
	r := streamOf(1, facts)
	var got [3]int
	for range 60_000 {
		got[r.pick([]uint16{10, 0, 50})]++
		if n := r.between(-2, 2); n < -2 || n > 2 {
			t.Fatal(n)
		}
	}
	if got[1] != 0 || got[0] < 9_500 || got[0] > 10_500 {
		t.Error(got)
	}
}
