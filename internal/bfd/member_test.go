package bfd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
)

// Identifiers, as the server may mark them.
const (
	markedCurrent  = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA01","extension":[{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency","valueCoding":{"code":"current"}}]}`
	markedHistoric = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA02","extension":[{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency","valueCoding":{"code":"historic"}}]}`
	codedCurrent   = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA03","type":{"coding":[{"extension":[{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency","valueCoding":{"code":"current"}}]}]}}`
	periodNow      = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA04","period":{"start":"2020-01-01"}}`
	periodPast     = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA05","period":{"start":"2019","end":"2025-12"}}`
	unmarked       = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA06"}`
	otherUnmarked  = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA07"}`
	noMBI          = `{"system":"http://hl7.org/fhir/sid/us-mbi","value":"123"}`
)

func TestCurrentMBI(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		identifiers []string
		want        string // the current one / the historic ones / bad ones
	}{
		{nil, "/[]/0"},
		{[]string{markedHistoric, markedCurrent}, "1/[2]/0"},
		{[]string{periodNow, codedCurrent}, "3/[4]/0"},
		{[]string{unmarked, periodPast, periodNow}, "4/[5 6]/0"},
		{[]string{otherUnmarked, unmarked, unmarked}, "7/[6]/0"},
		{[]string{markedHistoric, periodPast}, "/[2 5]/0"},
		{[]string{noMBI, unmarked}, "6/[]/1"},
	} {
		raw := `{"extension":[{"url":"https://bluebutton.cms.gov/resources/variables/rfrnc_yr","valueDate":"2026"}],"identifier":[` +
			strings.Join(append(c.identifiers, `{"system":"https://bluebutton.cms.gov/resources/variables/bene_id","value":"-7"}`), ",") + `]}`
		var e Enrollment
		m, ok := e.read([]byte(raw), coverage.MonthOf(2026, 1), now)
		short := func(mbi coverage.MBI) string { return strings.TrimPrefix(string(mbi), "1S00A00AA0") }
		historic := []string{}
		for _, mbi := range m.Historic {
			historic = append(historic, short(mbi))
		}
		if got := fmt.Sprintf("%s/%v/%d", short(m.Current), historic, e.BadMBIs); !ok || m.ID != -7 || got != c.want {
			t.Errorf("%v: got %s, want %s", c.identifiers, got, c.want)
		}
	}
}

func TestUnclearPeople(t *testing.T) {
	year := `"extension":[{"url":"https://bluebutton.cms.gov/resources/variables/rfrnc_yr","valueDate":"2026-01-01"}]`
	for raw, want := range map[string]string{
		`{` + year + `}`: "0 1", `{}`: "1 0", `{"identifier":7}`: "0 1",
		`{"extension":[{"url":"https://bluebutton.cms.gov/resources/variables/rfrnc_yr","valueDate":"0003"}]}`:          "1 0",
		`{` + year + `,"identifier":[{"system":"https://bluebutton.cms.gov/resources/variables/bene_id","value":"x"}]}`: "0 1",
	} {
		var e Enrollment
		if _, ok := e.read([]byte(raw), coverage.MonthOf(2026, 1), time.Time{}); ok || fmt.Sprint(e.OtherYear, e.Unclear) != want {
			t.Errorf("%s: %+v", raw, e)
		}
	}
}
