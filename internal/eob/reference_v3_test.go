package eob

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"ab2d/internal/coverage"
)

// staysV3 says for version 3, place by place, whether what is left of an object
// may stay. It is written from what a sponsor may see, not from the tables.
func staysV3(path string, o any) bool {
	const fhirSystems, terms = "http://hl7.org/fhir/sid/", "http://terminology.hl7.org/namingsystem/"
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return len(at(o, name)) > 0 })
	}
	system := lower(str(o, "system"))
	switch path {
	case ".careTeam[].role.coding[]":
		return slices.Contains(strings.Fields("attending operating otheroperating referring rendering supervisor"), lower(str(o, "code")))
	case ".careTeam[]":
		return has("role")
	case ".careTeam[].provider.identifier":
		return system == fhirSystems+"us-npi"
	case ".facility.identifier", ".contained[].identifier[]":
		return system == fhirSystems+"us-npi" || system == terms+"ccn"
	case ".contained[].performer[].identifier":
		return system == terms+"clia"
	case ".contained[]":
		return slices.Contains([]string{"organization", "practitioner", "observation"}, lower(str(o, "resourceType"))) && has("id") && has("identifier", "address", "performer")
	case ".supportingInfo[].code.coding[]":
		name, ofCMS := strings.CutPrefix(system, "https://bluebutton.cms.gov/fhir/codesystem/")
		if !ofCMS {
			return system == "https://www.cms.gov/medicare/medicare-fee-for-service-payment/acuteinpatientpps/ms-drg-classifications-and-software"
		}
		return name == "clm-nrln-ric-cd" || name == "clm-bill-fac-type-cd" || name == "clm-query-cd"
	case ".supportingInfo[]":
		return has("code", "valueReference")
	case ".item[].detail[].productOrService.coding[]":
		return system == fhirSystems+"ndc"
	}
	return true
}

// refersV3 keeps, of references, those to contained resources.
func refersV3(path, to string) bool {
	return !slices.Contains([]string{".provider.reference", ".careTeam[].provider.reference", ".supportingInfo[].valueReference.reference"}, path) || strings.HasPrefix(to, "#")
}

// pairedV3 also leaves out contained resources without a reference and
// references without a contained resource, as they show in what is left.
func pairedV3(t any) reference {
	ids, refs := map[string]bool{}, map[string]bool{}
	for _, id := range at(t, "contained", "id") {
		ids["#"+id.(string)] = true
	}
	for _, path := range []string{"provider", "careTeam.provider", "supportingInfo.valueReference"} {
		for _, to := range at(t, strings.Split(path+".reference", ".")...) {
			refs[to.(string)] = true
		}
	}
	r := references(3, false)
	r.stays = func(path string, o any) bool {
		return staysV3(path, o) && (path != ".contained[]" || refs["#"+str(o, "id")])
	}
	r.refers = func(path, to string) bool {
		return refersV3(path, to) && (!strings.HasPrefix(to, "#") || !strings.HasSuffix(path, ".reference") || ids[to])
	}
	return r
}

// typesV3 are the types by their codes.
var typesV3 = map[string]coverage.ClaimType{
	"10": coverage.HHA, "20": coverage.SNF, "30": coverage.SNF, "40": coverage.Outpatient, "50": coverage.Hospice, "60": coverage.Inpatient, "61": coverage.Inpatient,
	"62": coverage.Inpatient, "63": coverage.Inpatient, "64": coverage.Inpatient, "71": coverage.Carrier, "72": coverage.Carrier, "81": coverage.DME, "82": coverage.DME,
}

// refFactsV3 reads what only version 3 tells.
func refFactsV3(c *Claim, t any) error {
	const systems = "https://bluebutton.cms.gov/fhir/CodeSystem/"
	kind, strange := coverage.OtherClaim, false
	for _, p := range codes(t, "type", "coding") {
		c.ShowsVersion = c.ShowsVersion || newerURL.MatchString(p.system)
		switch code := strings.TrimLeft(strings.TrimSpace(p.code), "0"); {
		case p.system == "http://terminology.hl7.org/CodeSystem/claim-type":
			c.PartD = c.PartD || strings.EqualFold(p.code, "pharmacy")
		case p.system != systems+"CLM-TYPE-CD":
		case slices.Contains([]string{"1", "2", "3", "4"}, code):
			c.PartD, strange = true, true
		default:
			kind, strange = typesV3[code], strange || typesV3[code] == coverage.OtherClaim
		}
	}
	if c.Type == coverage.OtherClaim {
		c.Type = kind
	}
	if strange {
		c.Type = coverage.OtherClaim
	}
	var sources []string
	for _, s := range at(t, "meta", "source") {
		sources = append(sources, strings.Replace(s.(string), "NCH", "NationalClaimsHistory", 1))
	}
	for _, p := range append(codes(t, "meta", "security"), codes(t, "meta", "tag")...) {
		c.ShowsVersion = c.ShowsVersion || newerURL.MatchString(p.system)
		c.NotFinalAction = c.NotFinalAction || p == pair{systems + "Final-Action", "NotFinalAction"}
		if p.system == systems+"System-Type" {
			sources = append(sources, p.code)
		}
	}
	other := slices.ContainsFunc(sources, func(s string) bool { return s != "NationalClaimsHistory" })
	if !c.ShowsVersion || !c.PartD && !c.Part2 && (other || len(sources) == 0 || !c.HasStart || !c.HasEnd) {
		return errors.New("not of version 3 or the National Claims History, or without a period")
	}
	return nil
}

// lower makes ASCII letters small.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// checkPairs wants each contained resource to be referred to, and each reference
// to lead to one, without the help of what decides about them.
func checkPairs(t testing.TB, kept []byte) {
	t.Helper()
	ids, refs := map[string]bool{}, map[string]bool{}
	var walk func(v any, name string)
	walk = func(v any, name string) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				walk(value, name)
			}
		case []any:
			for _, e := range v {
				walk(e, name)
			}
		case string:
			if to, contained := strings.CutPrefix(v, "#"); contained && name == "reference" {
				refs[to] = true
			}
		}
	}
	all := tree(string(kept))
	walk(all, "")
	for _, id := range at(all, "contained", "id") {
		ids[id.(string)] = true
	}
	if !maps.Equal(ids, refs) {
		t.Fatalf("contained are %v, and referred to are %v, in\n%s", ids, refs, kept)
	}
}
