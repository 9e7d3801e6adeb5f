package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

const contract = "Z0000"

// claims is a store with a contract and its enrollment.
type claims struct {
	testing.TB
	*store.DB
	clock   *exporttest.Clock
	version fhir.Version
}

// newClaims opens a store. On PostgreSQL it encrypts claims, and on SQLite it does not:
// what holds of claims holds either way.
func newClaims(t *testing.T, open opener) *claims {
	c := plainClaims(t, open)
	if strings.Contains(t.Name(), "/postgres") {
		encrypt(t, c.DB, keys(t, "a"))
	}
	return c
}

func plainClaims(t *testing.T, open opener) *claims {
	clock := exporttest.NewClock()
	c := &claims{TB: t, DB: open(t, clock.Now), clock: clock, version: fhir.V1}
	c.ok(c.PutContracts(t.Context(), []coverage.Contract{{Number: contract, Sponsor: "PDP", Attested: coverage.DateOf(1970, 1, 1), HasAttested: true}}, false))
	return c
}

func (c *claims) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// enroll makes enrollees the current enrollment, each with one identifier that
// tells the id and a letter.
func (c *claims) enroll(letter string, ids ...coverage.EnrolleeID) {
	c.Helper()
	var all []coverage.Enrollee
	for _, id := range ids {
		e := coverage.Enrollee{ID: id, MBIs: []coverage.MBI{mbi(id, letter)}}
		e.Months.AddRange(coverage.MonthOf(2020, 1), coverage.MonthOf(2026, 1))
		all = append(all, e)
	}
	_, err := c.PutEnrollment(c.Context(), contract, all, true)
	c.ok(err)
}

func mbi(id coverage.EnrolleeID, letter string) coverage.MBI {
	return coverage.MBI(fmt.Sprintf("1S00E00%s%s%02d", letter, letter, id))
}

// claim is a claim before it has identifiers. Claims with an even id have
// another extension.
func claim(patient coverage.EnrolleeID, id int, updated int64, text string) store.Claim {
	c := store.Claim{Patient: patient, Entry: segment.Entry{
		ID: fmt.Sprintf("carrier-%d", id), Type: uint8(coverage.Carrier), Start: 19000, End: 19000, HasStart: true, HasEnd: true, LastUpdated: updated,
	}}
	head := fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"carrier-%d"`, id)
	tail := fmt.Sprintf(`,"status":%q}`, text)
	if id%2 == 0 {
		head += `,"extension":[{"url":"x"}`
		tail = "]" + tail
		c.Entry.HasExtension = true
	}
	c.Entry.ExtensionAt = uint32(len(head))
	c.JSON = []byte(head + tail)
	return c
}

// load imports claims in one load, and publishes it.
func (c *claims) load(all ...store.Claim) store.Merged {
	c.Helper()
	l := c.begin(fmt.Sprint(c.clock.Now()))
	sum := c.merge(l, all...)
	c.ok(c.Publish(c.Context(), l, audit.Entry{}))
	c.clock.Add(time.Minute)
	return sum
}

func (c *claims) begin(digest string) *store.Load {
	c.Helper()
	l, err := c.BeginLoad(c.Context(), "file "+digest, digest, c.version)
	c.ok(err)
	return l
}

func (c *claims) merge(l *store.Load, all ...store.Claim) store.Merged {
	c.Helper()
	m, err := c.NewMerger(l)
	c.ok(err)
	sum, err := m.Merge(c.Context(), slices.Clone(all), l.Position+1, l.Line+1, func(store.Merged) string { return "{}" })
	c.ok(err)
	return sum
}

func (c *claims) snapshot() string {
	c.Helper()
	s, err := c.Snapshot(c.Context(), contract)
	c.ok(err)
	return s
}

// delivery is what a sink was given.
type delivery struct {
	sel      *coverage.Selection
	lines    []string
	segments int
}

func (d *delivery) Wants(c *coverage.Claim) bool { return d.sel.Verdict(c) == coverage.Deliver }

func (d *delivery) Line(b []byte) error {
	d.lines = append(d.lines, string(b))
	return nil
}

func (d *delivery) Segment(s segment.Segment, plain []byte, n int64) error {
	d.segments++
	d.lines = append(d.lines, strings.SplitAfter(strings.TrimSuffix(string(plain), "\n"), "\n")...)
	if int64(len(d.lines)) != n {
		return fmt.Errorf("%d lines, said to be %d", len(d.lines), n)
	}
	d.lines[len(d.lines)-1] += "\n"
	return nil
}

// read reads what a snapshot holds of its enrollees, updated after since. It comes to
// the same when they are read one by one.
func (c *claims) read(snapshot string, since time.Time) map[coverage.EnrolleeID]*delivery {
	c.Helper()
	all, single := c.readAs(snapshot, since, false), c.readAs(snapshot, since, true)
	for id, d := range all {
		if !slices.Equal(d.lines, single[id].lines) {
			c.Errorf("enrollee %d, one by one: %q, want %q", id, single[id].lines, d.lines)
		}
	}
	return all
}

func (c *claims) readAs(snapshot string, since time.Time, members bool) map[coverage.EnrolleeID]*delivery {
	c.Helper()
	enrollees, err := c.Enrollees(c.Context(), contract, snapshot, -1<<63, 1000)
	c.ok(err)
	con, err := c.Contract(c.Context(), contract)
	c.ok(err)
	r, err := c.Open(c.Context(), export.Query{Version: c.version, Snapshot: snapshot, First: -1 << 63, Last: 1<<63 - 1, Members: members, Since: since})
	c.ok(err)
	defer r.Close()
	all := map[coverage.EnrolleeID]*delivery{}
	for i := range enrollees {
		e := &enrollees[i]
		d := &delivery{sel: &coverage.Selection{Contract: con, Enrollee: e, Since: since, Until: time.UnixMilli(1 << 50)}}
		c.ok(r.Write(c.Context(), d.sel, d))
		all[e.ID] = d
	}
	return all
}

// want is a claim as it is delivered.
func want(cl store.Claim, mbis ...coverage.MBI) string {
	var m map[string]any
	if err := json.Unmarshal(cl.JSON, &m); err != nil {
		panic(err)
	}
	list, _ := m["extension"].([]any)
	for i, id := range mbis {
		currency := "current"
		if i > 0 {
			currency = "historic"
		}
		list = append(list, map[string]any{"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier", "valueIdentifier": map[string]any{
			"extension": []any{map[string]any{"url": "https://bluebutton.cms.gov/resources/codesystem/identifier-currency", "valueCoding": map[string]any{"code": currency}}},
			"system":    "http://hl7.org/fhir/sid/us-mbi", "value": string(id)}})
	}
	if len(list) > 0 {
		m["extension"] = list
	}
	return normal(m)
}

func normal(m map[string]any) string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// check compares a delivery with the claims it should hold, in any order.
func (c *claims) check(d *delivery, mbis []coverage.MBI, wanted ...store.Claim) {
	c.Helper()
	var got, expect []string
	for _, line := range d.lines {
		if !strings.HasSuffix(line, "}\n") {
			c.Errorf("not a line: %q", line)
		}
		var m map[string]any
		c.ok(json.Unmarshal([]byte(line), &m))
		got = append(got, normal(m))
	}
	for _, cl := range wanted {
		expect = append(expect, want(cl, mbis...))
	}
	slices.Sort(got)
	slices.Sort(expect)
	if diff := gocmp.Diff(expect, got); diff != "" {
		c.Error(diff)
	}
}
