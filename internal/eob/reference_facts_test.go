package eob

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// refMinimize is Minimize.
func refMinimize(v fhir.Version, raw []byte) (*Claim, error) {
	value, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if err := refShape(v, value); err != nil {
		return nil, err
	}
	kept := references(v, false).keep("", value)
	if v == fhir.V3 && kept != "" {
		kept = pairedV3(tree(kept)).keep("", value)
	}
	if kept == "" {
		return nil, errors.New("nothing is left")
	}
	c, err := refFacts(kept)
	if err != nil {
		return nil, err
	}
	// Supporting information counts also where it is not kept.
	c.Part2 = refPart2(tree(references(v, true).keep("", value)))
	if v == fhir.V3 {
		err = refFactsV3(c, tree(kept))
	} else {
		refShows(v, c, tree(kept))
	}
	for _, p := range codes(tree(kept), "type", "coding") {
		if p.system == shapes(v).otherTypeSystem {
			return nil, errors.New("type of the other version")
		}
	}
	return c, err
}

// refShows looks for what shows version 1 or 2.
func refShows(v fhir.Version, c *Claim, t any) {
	for _, p := range codes(t, "type", "coding") {
		c.ShowsVersion = c.ShowsVersion || p.system == shapes(v).typeSystem
	}
	for _, p := range append(codes(t, "item", "service", "coding"), codes(t, "item", "productOrService", "coding")...) {
		c.ShowsVersion = c.ShowsVersion || p.code != ""
	}
}

// refShape looks for what another version has, and for what is not a claim.
func refShape(v fhir.Version, value any) error {
	claim, _ := value.([]member)
	for _, m := range claim {
		if s, ok := m.value.(scalar); ok && m.name == "use" && s.kind == '"' && unquote(s.raw) != "claim" {
			return errors.New("another use")
		}
		if slices.Contains(shapes(v).foreign, m.name) {
			return errors.New("a field of the other version")
		}
		if items, ok := m.value.([]any); ok && m.name == "item" {
			for _, item := range items {
				fields, _ := item.([]member)
				for _, f := range fields {
					if slices.Contains(shapes(v).foreign, "item[]."+f.name) {
						return errors.New("a field of the other version")
					}
				}
			}
		}
	}
	if refAlien(v, value) {
		return errors.New("of another server")
	}
	return nil
}

var (
	newerURL = regexp.MustCompile(`^https?://bluebutton\.cms\.gov/fhir/`)
	olderURL = regexp.MustCompile(`^https?://bluebutton\.cms\.gov/resources/`)
)

// refAlien looks at all strings of a value.
func refAlien(version fhir.Version, value any) bool {
	alien := func(s string) bool {
		if version == fhir.V3 {
			return olderURL.MatchString(s) && !strings.HasSuffix(s, "//bluebutton.cms.gov/resources/codesystem/identifier-currency")
		}
		return newerURL.MatchString(s)
	}
	switch v := value.(type) {
	case scalar:
		return v.kind == '"' && alien(unquote(v.raw))
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return refAlien(version, e) })
	case []member:
		return slices.ContainsFunc(v, func(m member) bool { return alien(m.name) || refAlien(version, m.value) })
	}
	return false
}

// names tells whether a system or category is one of diagnosis related groups.
func names(s string) bool { return strings.Contains(strings.ToLower(s), "drg") }

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
	c := &Claim{ID: []byte(str(t, "id")), JSON: []byte(kept), Canceled: str(t, "status") == "cancelled"}
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

// part2Lists are parsed once.
var part2Lists = sync.OnceValue(newPart2Codes)

// refPart2 tells whether what is left of a claim, read as a tree, is of substance
// use: each code counts if its days, compared as texts, include the through date.
func refPart2(t any) bool {
	for _, p := range append(codes(t, "meta", "security"), codes(t, "meta", "tag")...) {
		if strings.EqualFold(p.code, "42CFRPart2") {
			return true
		}
	}
	list := part2Lists()
	through, known := refDate(str(t, "billablePeriod", "end"))
	counts := func(days dayRange, found bool) bool {
		return found && (!known || days.first <= through && through <= days.last)
	}
	found := false
	for _, p := range codes(t, "diagnosis", "diagnosisCodeableConcept", "coding") {
		found = found || counts(list.diagnosis([]byte(p.code)))
	}
	for _, p := range codes(t, "procedure", "procedureCodeableConcept", "coding") {
		found = found || counts(list.procedure([]byte(p.code))) || counts(list.service([]byte(p.code)))
	}
	for _, path := range []string{"service", "productOrService", "detail.productOrService"} {
		for _, p := range codes(t, strings.Split("item."+path+".coding", ".")...) {
			found = found || counts(list.service([]byte(p.code)))
		}
	}
	for _, p := range codes(t, "diagnosis", "packageCode", "coding") {
		found = found || counts(list.drg([]byte(p.code)))
	}
	for _, info := range at(t, "supportingInfo") {
		isDRG := slices.ContainsFunc(codes(info, "category", "coding"), func(p pair) bool { return names(p.code) })
		for _, p := range codes(info, "code", "coding") {
			found = found || (isDRG || p.system == "" || names(p.system)) && counts(list.drg([]byte(p.code)))
		}
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

// compare holds a minimizer and the reference equal on one input.
func compare(t testing.TB, v fhir.Version, m *Minimizer, raw []byte) {
	t.Helper()
	got, err := m.Minimize(raw)
	want, wantErr := refMinimize(v, raw)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%s: minimizer says %v, reference says %v", v, err, wantErr)
	}
	if err != nil {
		checkError(t, err, raw)
		return
	}
	if string(got.JSON) != string(want.JSON) {
		t.Fatalf("%s: minimizer keeps\n%s\nreference keeps\n%s", v, got.JSON, want.JSON)
	}
	if v == fhir.V3 {
		checkPairs(t, got.JSON)
	}
	if g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *want); g != w {
		t.Fatalf("%s: minimizer finds\n%s\nreference finds\n%s", v, g, w)
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
