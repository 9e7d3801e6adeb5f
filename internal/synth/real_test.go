package synth

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
)

var (
	cpt       = regexp.MustCompile(`^[0-9]{4}[0-9AFTU]$`)
	dental    = regexp.MustCompile(`^D[0-9]{4}$`)
	tenDigits = regexp.MustCompile(`^[0-9]{10}$`)
	realMBI   = regexp.MustCompile(`^[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}$`)
)

// Code systems as they are written in claims.
const (
	ndcSystem   = "http://hl7.org/fhir/sid/ndc"
	npiSystem   = "http://hl7.org/fhir/sid/us-npi"
	hcpcsSystem = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"
)

// realLooking says what of a coding or text could be real, or may not be used
// without a license; empty when nothing is.
func realLooking(system, value string) string {
	switch {
	case strings.Contains(strings.ToLower(system), "hcpcs") && cpt.MatchString(value), strings.HasSuffix(system, "/cpt"):
		return "a CPT code"
	case dental.MatchString(value):
		return "a CDT code"
	case tenDigits.MatchString(value) && luhn("80840"+value) && (value[0] == '1' || value[0] == '2'):
		return "a real NPI"
	case strings.HasSuffix(system, "us-npi") && !npiShape.MatchString(value):
		return "an NPI not of the synthetic series"
	case realMBI.MatchString(value):
		return "a real MBI"
	case system == ndcSystem && !strings.HasPrefix(value, "99999"):
		return "a real drug code"
	case strings.Contains(system, "nubc") || strings.Contains(system, "x12"):
		return "a licensed code system"
	}
	return ""
}

// TestNothingReal looks at every text of raw claims, Part D events and all,
// in all versions.
func TestNothingReal(t *testing.T) {
	s := sourceAt(42, asOf)
	set, err := s.Dataset(asOf, "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	set.people = set.people[:20]
	for _, v := range allVersions {
		var raw bytes.Buffer
		if _, err := set.WriteClaims(context.Background(), &raw, v); err != nil {
			t.Fatal(err)
		}
		texts := 0
		for line := range bytes.Lines(raw.Bytes()) {
			eachText(parse(t, line), "", func(system, value string) {
				texts++
				if what := realLooking(system, value); what != "" {
					t.Fatalf("%s: %q of %s in %s", what, value, system, line)
				}
			})
		}
		if texts < 50_000 {
			t.Errorf("only %d texts", texts)
		}
	}
}

// eachText calls f for every text of a document; with the system beside it, if
// it is a code or a value.
func eachText(v any, system string, f func(system, value string)) {
	switch v := v.(type) {
	case document:
		of, _ := v["system"].(string)
		for key, e := range v {
			beside := ""
			if key == "code" || key == "value" {
				beside = of
			}
			eachText(e, beside, f)
		}
	case []any:
		for _, e := range v {
			eachText(e, system, f)
		}
	case string:
		f(system, v)
	}
}

// TestRealLookingItself: what it looks for, it finds.
func TestRealLookingItself(t *testing.T) {
	for _, c := range []struct{ system, value string }{
		{hcpcsSystem, "99213"}, {hcpcsSystem, "0001U"}, {hcpcsSystem, "D0120"}, {"", "1EG4TE5MK73"}, {"", "1EG4-TE5-MK73"},
		{npiSystem, "1234567893"}, {"", "1234567893"}, {ndcSystem, "00002751001"},
	} {
		if realLooking(c.system, c.value) == "" {
			t.Errorf("%q of %q passes", c.value, c.system)
		}
	}
}
