package eob

import (
	"fmt"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// TestLinks: contained resources and references to them stay in pairs, in
// whatever order they come.
func TestLinks(t *testing.T) {
	const hospital = `{"resourceType":"Organization","id":"a","identifier":[{"system":"` + npi + `","value":"1"}]`
	const tested = `{"sequence":1,"valueReference":{"reference":"#a"}}`
	provider := func(to string) string { return `{"reference":"` + to + `"}` }
	member := func(to, role string) string {
		return `[{"sequence":1,"provider":` + provider(to) + `,"role":{"coding":[{"code":"` + role + `"}]}}]`
	}
	for name, c := range map[string]struct {
		contained string
		with      map[string]string
		want      []string // of what is kept
		not       []string
	}{
		"a pair":                   {hospital + `}`, map[string]string{"provider": provider("#a")}, []string{`"contained":[` + hospital + `}]`, `"provider":{"reference":"#a"}`}, nil},
		"a pair by its escape":     {hospital + `}`, map[string]string{"provider": provider(`\u0023\u0061`)}, []string{hospital, `"provider"`}, nil},
		"no reference":             {hospital + `}`, nil, nil, []string{"contained"}},
		"no resource":              {`{"resourceType":"Organization","id":"b"}`, map[string]string{"provider": provider("#a")}, nil, []string{"contained", "provider"}},
		"the reason is left":       {hospital + `}`, map[string]string{"provider": `{"reference":"#b","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}`}, []string{"unknown"}, []string{"reference\":\"#", "contained"}},
		"elsewhere":                {hospital + `}`, map[string]string{"provider": provider("Organization/a")}, nil, []string{"contained", "provider"}},
		"no such id":               {hospital + `}`, map[string]string{"provider": provider("#")}, nil, []string{"contained", "provider"}},
		"a member of the team":     {hospital + `}`, map[string]string{"careTeam": member("#a", "attending")}, []string{hospital, `"provider":{"reference":"#a"}`}, nil},
		"one that is not kept":     {hospital + `}`, map[string]string{"careTeam": member("#a", "billing")}, nil, []string{"contained", "careTeam"}},
		"a member without":         {`{}`, map[string]string{"careTeam": member("#a", "supervisor")}, []string{`"careTeam":[{"sequence":1,"role"`}, []string{"provider"}},
		"a laboratory":             {`{"resourceType":"Observation","id":"a","valueString":"9","performer":[{"identifier":{"system":"` + clia + `","value":"1"}}]}`, map[string]string{"supportingInfo": `[` + tested + `]`}, []string{tested, clia}, []string{"valueString"}},
		"a result and nobody":      {`{"resourceType":"Observation","id":"a","valueString":"9"}`, map[string]string{"supportingInfo": `[` + tested + `]`}, nil, []string{"contained", "supportingInfo"}},
		"a tax number":             {`{"resourceType":"Organization","id":"a","identifier":[{"system":"urn:oid:2.16.840.1.113883.4.4","value":"1"},{"value":"2"}],"name":"x"}`, map[string]string{"provider": provider("#a")}, nil, []string{"contained", "provider"}},
		"a person insured":         {`{"resourceType":"Patient","id":"a","address":[{"postalCode":"1"}]}`, map[string]string{"provider": provider("#a")}, nil, []string{"contained", "provider"}},
		"only an address":          {`{"resourceType":"Practitioner","id":"a","name":[{"family":"x"}],"address":[{"city":"y","postalCode":"1"}]}`, map[string]string{"provider": provider("#a")}, []string{`{"resourceType":"Practitioner","id":"a","address":[{"postalCode":"1"}]}`}, nil},
		"one of two, and no other": {hospital + `},{"resourceType":"Practitioner","id":"b","address":[{"postalCode":"1"}]}`, map[string]string{"provider": provider("#b"), "careTeam": member("#c", "attending")}, []string{`"id":"b"`, `"#b"`}, []string{`"id":"a"`, `"#c"`}},
		"the same id twice":        {hospital + `},` + hospital + `}`, map[string]string{"provider": provider("#a"), "careTeam": member("#a", "attending")}, []string{hospital + `},` + hospital}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			// In smallV3 fields are sorted, and contained comes after careTeam and before
			// the others. At the end it comes after all.
			fields := map[string]string{"contained": `[` + c.contained + `]`}
			for name, value := range c.with {
				fields[name] = value
			}
			sorted := string(smallV3(fields))
			fields["contained"] = ""
			last := strings.TrimSuffix(string(smallV3(fields)), "}") + `,"contained":[` + c.contained + `]}`
			for _, raw := range []string{sorted, last} {
				compare(t, fhir.V3, New(fhir.V3), []byte(raw))
				kept := string(minimize(t, fhir.V3, []byte(raw)).JSON)
				for _, part := range c.want {
					if !strings.Contains(kept, part) {
						t.Errorf("%s\nis left, without %s", kept, part)
					}
				}
				for _, part := range c.not {
					if strings.Contains(kept, part) {
						t.Errorf("%s\nis left, with %s", kept, part)
					}
				}
			}
		})
	}
}

// TestLinks_Many: a claim full of resources and references takes no longer than
// one of the same size.
func TestLinks_Many(t *testing.T) {
	const n = 100_000
	var contained, careTeam strings.Builder
	for i := range n {
		fmt.Fprintf(&contained, `{"resourceType":"Organization","id":"%d","address":[{"postalCode":"1"}]},`, i)
		fmt.Fprintf(&careTeam, `{"provider":{"reference":"#%d"},"role":{"coding":[{"code":"attending"}]}},`, 2*i)
	}
	raw := smallV3(map[string]string{"contained": "[" + strings.TrimSuffix(contained.String(), ",") + "]", "careTeam": "[" + strings.TrimSuffix(careTeam.String(), ",") + "]"})
	kept := string(minimize(t, fhir.V3, raw).JSON)
	if got := strings.Count(kept, `"reference":"#`); got != n/2 || strings.Count(kept, "postalCode") != n/2 {
		t.Errorf("%d references and %d resources", got, strings.Count(kept, "postalCode"))
	}
}
