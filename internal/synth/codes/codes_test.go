package codes

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
func tableCodes() (diagnoses, procedures, others []Code) {
	for i := range Conditions {
		diagnoses = append(diagnoses, Conditions[i].Codes...)
	}
	for _, list := range [][]Code{AcuteDiagnoses[:], Symptoms[:], Complications[:],
		{checkUp, immunization, colonScreen, heartScreen, moodScreen, chemotherapy, immunotherapy, Fall}} {
		diagnoses = append(diagnoses, list...)
	}
	for i := range Stays {
		diagnoses = append(diagnoses, Stays[i].Principal, Stays[i].Admitting, Stays[i].AfterCare)
		procedures = append(procedures, Stays[i].Procedures...)
	}
	for i := range Specialties {
		others = append(others, Specialties[i].Code)
	}
	for i := range ClaimTypes {
		k := &ClaimTypes[i]
		others = append(others, k.NCH, k.STU3Type, k.R4Type, k.NearLine, k.SubType, k.Facility, k.OtherType)
	}
	for i := range ClaimTypesV3 {
		others = append(append(others, ClaimTypesV3[i].NCH...), ClaimTypesV3[i].EOB, ClaimTypesV3[i].Shared)
	}
	others = append(others, placeOffice, PlaceHome, placeHospital, placeSurgery, placeNursing, placeAmbulance, placeLab,
		ambulanceSupplier, laboratory, portableXray, medicalOncology, dmePharmacy, dmeRespiratory)
	for _, b := range []*Code{betosAmbulance, betosDrug, betosVaccine, BETOSColon, betosBed, betosOxygen, betosChair, betosDME, betosOrthotic} {
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
		if had, ok := displays[c.Code]; ok && had != c.Display {
			t.Errorf("%s has two displays: %q and %q", c.Code, had, c.Display)
		}
		displays[c.Code] = c.Display
		if c.Display != strings.ToUpper(c.Display) || c.Display == "" {
			t.Errorf("%s: display %q", c.Code, c.Display)
		}
	}
	for _, c := range diagnoses {
		if !diagnosisForm.MatchString(c.Code) || part2.MatchString(c.Code) {
			t.Errorf("diagnosis %q", c.Code)
		}
	}
	for _, c := range procedures {
		if !procedureForm.MatchString(c.Code) {
			t.Errorf("procedure %q", c.Code)
		}
	}
	for _, c := range append(append(diagnoses, procedures...), others...) {
		for _, r := range c.Code + c.Display {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				t.Errorf("%s: JSON would escape %q", c.Code, r)
			}
		}
	}
}

func TestServices(t *testing.T) {
	lists := [][]Service{officeServices[:], labServices[:], ambulanceServices[:], AmbulanceMiles[:], xrayServices[:],
		screeningServices[:], imagingServices[:], infusionServices[:], clinicVisit[:], observation[:], HospitalDrugs[:],
		bloodServices[:], NursingServices[:], HomeServices[:], HospicePlaces[:], HospiceVisits[:]}
	for i := range Equipment {
		lists = append(lists, Equipment[i].Items)
	}
	for _, list := range lists {
		for _, s := range list {
			if !hcpcsForm.MatchString(s.HCPCS) || s.Units < 1 || s.Charge < 1 {
				t.Errorf("%+v", s)
			}
		}
	}
}

func TestStates(t *testing.T) {
	seen := map[string]bool{}
	total := 0
	for i, st := range States {
		if st.Number != i || seen[st.Postal] || seen[st.SSA] || len(st.Postal) != 2 || len(st.SSA) != 2 || len(st.ZIP) != 3 || len(st.Locality) != 2 || len(st.Carrier) != 5 {
			t.Errorf("%+v", st)
		}
		seen[st.Postal], seen[st.SSA] = true, true
		total += int(st.weight)
	}
	if total < 900 || total > 1100 {
		t.Errorf("weights sum to %d", total)
	}
}
