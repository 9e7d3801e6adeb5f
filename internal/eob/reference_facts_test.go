package eob

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// refMinimise is Minimise.
func refMinimise(v fhir.Version, raw []byte) (*Claim, error) {
	value, err := parse(raw)
	if err != nil {
		return nil, err
	}
	kept := references[v].keep("", value)
	if kept == "" {
		return nil, errors.New("nothing is left")
	}
	return refFacts(kept)
}

// tree reads JSON of this file's own making.
func tree(s string) any {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber() // 1e999 is a number of JSON, and no float64
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// at gives the values at a path, through any arrays.
func at(v any, names ...string) []any {
	if list, ok := v.([]any); ok {
		var all []any
		for _, e := range list {
			all = append(all, at(e, names...)...)
		}
		return all
	}
	if len(names) == 0 {
		return []any{v}
	}
	if m, ok := v.(map[string]any); ok && m[names[0]] != nil {
		return at(m[names[0]], names[1:]...)
	}
	return nil
}

func str(v any, names ...string) string {
	for _, x := range at(v, names...) {
		return x.(string)
	}
	return ""
}

type pair struct{ system, code string }

func codes(v any, names ...string) (all []pair) {
	for _, c := range at(v, names...) {
		all = append(all, pair{str(c, "system"), str(c, "code")})
	}
	return all
}

// refFacts reads the facts from what is left of a claim.
func refFacts(kept string) (*Claim, error) {
	t := tree(kept)
	c := &Claim{ID: []byte(str(t, "id")), JSON: []byte(kept), Cancelled: str(t, "status") == "cancelled"}
	number, isPatient := strings.CutPrefix(str(t, "patient", "reference"), "Patient/")
	id, err := strconv.ParseInt(number, 10, 64)
	switch {
	case str(t, "resourceType") != "ExplanationOfBenefit":
		return nil, errors.New("resourceType")
	case !isPatient || err != nil:
		return nil, errors.New("patient")
	case !fhirID.MatchString(str(t, "id")):
		return nil, errors.New("id")
	}
	c.Patient = coverage.EnrolleeID(id)
	c.Start, c.HasStart = refDate(str(t, "billablePeriod", "start"))
	c.End, c.HasEnd = refDate(str(t, "billablePeriod", "end"))
	if u, err := time.Parse(time.RFC3339, str(t, "meta", "lastUpdated")); err == nil {
		c.LastUpdated = u.UTC()
	}
	for _, p := range codes(t, "type", "coding") {
		if !strings.HasSuffix(strings.ToLower(p.system), "eob-type") {
			continue
		}
		c.PartD = c.PartD || strings.EqualFold(p.code, "pde")
		if c.Type == coverage.OtherClaim {
			c.Type = coverage.ParseClaimType(strings.ToLower(p.code))
		}
	}
	for _, i := range at(t, "identifier") {
		if str(i, "system") == "https://bluebutton.cms.gov/resources/identifier/claim-group" {
			c.Group = []byte(str(i, "value"))
		}
	}
	c.Part2 = refPart2(t)
	c.ExtensionAt, c.HasExtension = refPlace(kept)
	return c, nil
}

var fhirID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

func refDate(s string) (coverage.Date, bool) {
	d, err := coverage.ParseDate(s)
	if err != nil {
		return 0, false
	}
	return d, true
}

// refPart2 tells whether what is left of a claim, read as a tree, is of substance
// use: each code counts if its days, compared as texts, include the through date.
func refPart2(t any) bool {
	for _, p := range append(codes(t, "meta", "security"), codes(t, "meta", "tag")...) {
		if strings.EqualFold(p.code, "42CFRPart2") {
			return true
		}
	}
	list := newPart2Codes()
	through, known := refDate(str(t, "billablePeriod", "end"))
	counts := func(days dayRange, found bool) bool {
		return found && (!known || days.first <= through && through <= days.last)
	}
	found := false
	for _, p := range codes(t, "diagnosis", "diagnosisCodeableConcept", "coding") {
		found = found || counts(list.diagnosis([]byte(p.code)))
	}
	for _, p := range codes(t, "procedure", "procedureCodeableConcept", "coding") {
		found = found || counts(list.procedure([]byte(p.code)))
	}
	for _, p := range append(codes(t, "item", "service", "coding"), codes(t, "item", "productOrService", "coding")...) {
		found = found || counts(list.service([]byte(p.code)))
	}
	for _, p := range codes(t, "diagnosis", "packageCode", "coding") {
		found = found || counts(list.drg([]byte(p.code)))
	}
	for _, p := range codes(t, "supportingInfo", "code", "coding") {
		found = found || isDRGSystem([]byte(p.system)) && counts(list.drg([]byte(p.code)))
	}
	return found
}

// refPlace finds where the MBI extensions go.
func refPlace(kept string) (at int, within bool) {
	ends := map[string]int{}
	d := jsontext.NewDecoder(strings.NewReader(kept))
	d.ReadToken()
	for d.PeekKind() != '}' {
		name, _ := d.ReadToken()
		key := name.String()
		d.SkipValue()
		ends[key] = int(d.InputOffset())
	}
	if ends["extension"] != 0 {
		return ends["extension"] - 1, true
	}
	if ends["meta"] != 0 {
		return ends["meta"], false
	}
	return ends["id"], false
}

// compare holds a minimiser and the reference equal on one input.
func compare(t testing.TB, v fhir.Version, m *Minimiser, raw []byte) {
	t.Helper()
	got, err := m.Minimise(raw)
	want, wantErr := refMinimise(v, raw)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%s: minimiser says %v, reference says %v", v, err, wantErr)
	}
	if err != nil {
		checkError(t, err, raw)
		return
	}
	if string(got.JSON) != string(want.JSON) {
		t.Fatalf("%s: minimiser keeps\n%s\nreference keeps\n%s", v, got.JSON, want.JSON)
	}
	if g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *want); g != w {
		t.Fatalf("%s: minimiser finds\n%s\nreference finds\n%s", v, g, w)
	}
}

// checkError wants a reason and a place within the claim.
func checkError(t testing.TB, err error, raw []byte) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason == "" || e.Offset < 0 || e.Offset > len(raw) {
		t.Fatalf("error %#v has no reason, or no place in %d bytes", err, len(raw))
	}
}
