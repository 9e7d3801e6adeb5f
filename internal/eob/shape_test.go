package eob

import (
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// TestShape_NotOfItsVersion: what is written in another version than the one it
// is given for is refused with the reason, and so is what is not a claim.
func TestShape_NotOfItsVersion(t *testing.T) {
	const v3, stu3, r4 = "it is a claim of BFD's version 3, but version ", "FHIR STU3", "FHIR R4"
	for name, c := range map[string]struct {
		field  string
		v1, v2 string // reasons; "" if it is accepted
	}{
		"v3 code system":         {`"type":{"coding":[{"system":"https://bluebutton.cms.gov/fhir/CodeSystem/CLM-TYPE-CD","code":"40"}]}`, v3, v3},
		"v3 code system, http":   {`"type":{"coding":[{"system":"http://bluebutton.cms.gov/fhir/CodeSystem/CLM-TYPE-CD","code":"40"}]}`, v3, v3},
		"v3 code system escaped": {`"type":{"coding":[{"system":"https:\/\/bluebutton.cms.gov\/fhir\/CodeSystem\/CLM-TYPE-CD","code":"40"}]}`, v3, v3},
		"v3 escaped in part":     {`"x":"https:/\/bluebutton.cms.gov/\u0066hir/CodeSystem/CLM-TYPE-CD"`, v3, v3},
		"v3 in a field not kept": {`"contained":[{"extension":[{"url":"https://bluebutton.cms.gov/fhir/StructureDefinition/A"}]}]`, v3, v3},
		"v3 in a profile":        {`"meta":{"profile":["https://bluebutton.cms.gov/fhir/StructureDefinition/A|1"]}`, v3, v3},
		"preauthorization":       {`"use" : "preauthorization"`, r4, "not a claim"},
		"another use":            {`"use":"exploratory"`, r4, "not a claim"},
		"use claim":              {`"use":"claim"`, r4, ""},
		"words about a use":      {`"disposition":"preauthorization"`, "", ""},
		"type of STU3":           {`"type":{"coding":[{"system":"http://hl7.org/fhir/ex-claimtype","code":"pharmacy"}]}`, "", stu3},
		"type of R4":             {`"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"pharmacy"}]}`, r4, ""},
		"lines of STU3":          {`"item":[{"sequence":1},{"service":{"coding":[{"code":"H0005"}]}}]`, "", stu3},
		"lines of R4":            {`"item":[{"sequence":1},{"productOrService":{"coding":[{"code":"99213"}]}}]`, r4, ""},
		"information":            {`"information":[]`, "", stu3},
		"supportingInfo":         {`"supportingInfo":[]`, r4, ""},
		"of neither":             {`"status":"active"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for v, want := range map[fhir.Version]string{fhir.V1: c.v1, fhir.V2: c.v2} {
				_, err := New(v).Minimize(small(c.field))
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s: %v, want %q", v, err, want)
				}
			}
		})
	}
}

// TestShape_OnlyItsOwn: a claim passes as one of its version only, and is never
// found to be of another.
func TestShape_OnlyItsOwn(t *testing.T) {
	claims := map[fhir.Version][][]byte{}
	for _, v := range versions {
		claims[v] = append(claims[v], readMade(t, v), minimize(t, v, readMade(t, v)).JSON)
	}
	for _, s := range samplesV3 {
		claims[fhir.V3] = append(claims[fhir.V3], readV3(t, s.name))
	}
	for of, list := range claims {
		for i, raw := range list {
			if found, err := Detect(raw); found != of {
				t.Errorf("claim %d of %s is found to be %s: %v", i, of, found, err)
			}
			for _, v := range versions {
				if _, err := New(v).Minimize(raw); v != of && err == nil {
					t.Errorf("claim %d of %s passes as one of %s", i, of, v)
				}
			}
		}
	}
}

// TestShape_Shown: a claim tells its version by the code system of its type, or by
// the service of a line.
func TestShape_Shown(t *testing.T) {
	for v, c := range map[fhir.Version]struct{ system, service string }{
		fhir.V1: {"http://hl7.org/fhir/ex-claimtype", "service"},
		fhir.V2: {"http://terminology.hl7.org/CodeSystem/claim-type", "productOrService"},
	} {
		for field, want := range map[string]bool{
			`"type":{"coding":[{"system":"x","code":"y"},{"system":"` + c.system + `","code":"z"}]}`: true,
			`"item":[{"` + c.service + `":{"coding":[{"code":"99213"}]}}]`:                           true,
			`"item":[{"sequence":1}],"type":{"coding":[{"system":"x"}]}`:                             false,
		} {
			if got := minimize(t, v, small(field)).ShowsVersion; got != want {
				t.Errorf("%s: %s: %v, want %v", v, field, got, want)
			}
		}
	}
}
