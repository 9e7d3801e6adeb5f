package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What is asked of the view for Tuva. Its columns are counted, because Tuva wants all.
const (
	tuvaQuery = `select claim_id, claim_line_number, claim_type, person_id, place_of_service_code, hcpcs_code, rendering_npi,
		diagnosis_code_1, diagnosis_code_2, diagnosis_code_type, procedure_code_1, cast(procedure_date_1 as varchar)
		from tuva_medical_claim order by claim_id, claim_line_number`
	tuvaColumns = `select count(*) from duckdb_columns() where table_name = 'tuva_medical_claim'`
)

// tuvaRows are the rows of tuvaQuery, computed from the claims.
func tuvaRows(claims []*fhirClaim) (rows [][]string) {
	for _, c := range claims {
		kind := "institutional"
		if c.kind() == "CARRIER" || c.kind() == "DME" {
			kind = "professional"
		}
		codes := append(c.tuvaDiagnoses(), "", "")
		procedure, date := "", ""
		if len(c.Procedure) > 0 {
			procedure, date = c.Procedure[0].Concept.Coding[0].Code, c.Procedure[0].Date[:10]
		}
		for i, item := range c.Item {
			rows = append(rows, []string{c.ID, fmt.Sprint(i + 1), kind, strings.TrimPrefix(c.Patient.Reference, "Patient/"),
				item.Location.of("line_place_of_srvc_cd"), item.Service.of("hcpcs"), c.renderer(item.CareTeamSequence),
				codes[0], codes[1], "icd-10-cm", procedure, date})
		}
	}
	slices.SortFunc(rows, func(a, b []string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(len(a[1]), len(b[1])), cmp.Compare(a[1], b[1]))
	})
	return rows
}

// tuvaDiagnoses are the codes of the diagnoses that Tuva wants: the principal one, and
// then the others that were there during the service.
func (c *fhirClaim) tuvaDiagnoses() (codes []string) {
	for _, principal := range []bool{true, false} {
		for _, d := range c.Diagnosis {
			switch kind := d.Type[0].Coding[0].Code; {
			case (kind == "principal") != principal, kind == "admitting", kind == "patientreasonforvisit", kind == "externalcauseofinjury":
			default:
				codes = append(codes, d.Concept.Coding[0].Code)
			}
		}
	}
	return codes
}

// renderer is the NPI of who rendered a line with these members of the care team.
func (c *fhirClaim) renderer(sequences []int) (npi string) {
	for _, p := range c.CareTeam {
		switch role := p.Role.Coding[0].Code; {
		case slices.Contains(sequences, p.Sequence) && (role == "performing" || role == "primary"):
			return p.Provider.Identifier.Value
		case role == "attending":
			npi = p.Provider.Identifier.Value
		}
	}
	return npi
}
