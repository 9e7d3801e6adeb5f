package table

import (
	"testing"

	"github.com/go-json-experiment/json"
)

// TestServices: lines.hcpcs holds codes of HCPCS and CPT only, whatever else servers
// write of a service, and lines.ndc the drugs.
func TestServices(t *testing.T) {
	const (
		hcpcs  = `{"system":"https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets","code":"J7030"}`
		cpt    = `{"system":"http://www.ama-assn.org/go/cpt","code":"99213"}`
		snomed = `{"system":"http://snomed.info/sct","code":"185349003"}`
		cvx    = `{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}`
		ndc    = `{"system":"http://hl7.org/fhir/sid/ndc","code":"00338004904"}`
		absent = `{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"not-applicable"}`
		own    = `{"system":"https://payer.example/codes","code":"X1"}`
		bare   = `{"code":"99214"}`
	)
	for _, tt := range []struct{ name, item, hcpcs, ndc string }{
		{"v1", `{"service":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","code":"G0446","version":"0"}]}}`, "G0446", ""},
		{"v2", `{"productOrService":{"coding":[{"system":"https://bluebutton.cms.gov/resources/variables/hcpcs_cd","code":"A0425"}]}}`, "A0425", ""},
		{"HCPCS", `{"productOrService":{"coding":[` + hcpcs + `]}}`, "J7030", ""},
		{"CPT after others", `{"productOrService":{"coding":[` + snomed + `,` + own + `,` + cpt + `]}}`, "99213", ""},
		{"by OID", `{"productOrService":{"coding":[` + own + `,{"system":"urn:oid:2.16.840.1.113883.6.12","code":"99215"}]}}`, "99215", ""},
		{"SNOMED CT", `{"productOrService":{"coding":[` + snomed + `]}}`, "", ""},
		{"vaccine", `{"productOrService":{"coding":[` + cvx + `,` + snomed + `]}}`, "", ""},
		{"drug", `{"productOrService":{"coding":[` + ndc + `]}}`, "", "00338004904"},
		{"no service", `{"productOrService":{"coding":[` + absent + `]}}`, "", ""},
		{"system of its own", `{"productOrService":{"coding":[` + snomed + `,` + own + `]}}`, "X1", ""},
		{"without a system", `{"productOrService":{"coding":[` + bare + `]}}`, "99214", ""},
		{"nothing", `{}`, "", ""},
		{"drugs of a service", `{"productOrService":{"coding":[` + hcpcs + `]},"detail":[{"productOrService":{"coding":[` + ndc + `]}},{},` +
			`{"productOrService":{"coding":[` + ndc + `,` + snomed + `,{"system":"http://hl7.org/fhir/sid/ndc","code":"00264180032"}]}}]}`, "J7030", "00338004904 00264180032"},
		{"the drug that v2 tells", `{"productOrService":{"extension":[{"url":"http://hl7.org/fhir/sid/ndc","valueCoding":{"code":"1"}}],"coding":[` + ndc + `]}}`, "", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var i item
			if err := json.Unmarshal([]byte(tt.item), &i); err != nil {
				t.Fatal(err)
			}
			if row, err := i.row(); err != nil || row.HCPCS != tt.hcpcs || row.NDC != tt.ndc {
				t.Errorf("got %q and %q, %v, want %q and %q", row.HCPCS, row.NDC, err, tt.hcpcs, tt.ndc)
			}
		})
	}
}
