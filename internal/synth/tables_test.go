package synth

import (
	"regexp"
	"strings"
	"testing"
)

var (
	hcpcsForm     = regexp.MustCompile(`^[A-CE-HJ-RU-V][0-9]{4}$`)
	diagnosisForm = regexp.MustCompile(`^[A-TV-Z][0-9][0-9A-Z]{1,5}$`)
	procedureForm = regexp.MustCompile(`^[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}$`)

	// part2 are the categories of ICD-10-CM that 42 CFR Part 2 protects.
	part2 = regexp.MustCompile(`^F(1[0-689]|55)|^HZ|^Z714`)
)

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
		if !diagnosisForm.MatchString(c.code) || part2.MatchString(c.code) {
			t.Errorf("diagnosis %q", c.code)
		}
	}
	for _, c := range procedures {
		if !procedureForm.MatchString(c.code) {
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
			if !hcpcsForm.MatchString(s.hcpcs) || s.units < 1 || s.charge < 1 {
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
