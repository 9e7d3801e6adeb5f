package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// asOf is the time at which the tests ask.
var asOf = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func sourceAt(seed uint64, now time.Time) *Source { return New(seed, func() time.Time { return now }) }

// offer is a claim offered to a sink, with its line when it was wanted.
type offer struct {
	facts coverage.Claim
	line  []byte
}

// collector is a sink that applies the rules, or wants all.
type collector struct {
	selection *coverage.Selection
	all       bool
	offers    []offer
	verdicts  map[coverage.Verdict]int
	fail      error // returned by Line
}

func (s *collector) Wants(c *coverage.Claim) bool {
	s.offers = append(s.offers, offer{facts: *c})
	v := s.selection.Verdict(c)
	if s.verdicts == nil {
		s.verdicts = map[coverage.Verdict]int{}
	}
	s.verdicts[v]++
	return s.all || v == coverage.Deliver
}

func (s *collector) Line(line []byte) error {
	if s.fail != nil {
		return s.fail
	}
	s.offers[len(s.offers)-1].line = bytes.Clone(line)
	return nil
}

// bytes joins the lines of the wanted claims.
func (s *collector) bytes() []byte {
	var all []byte
	for _, o := range s.offers {
		all = append(all, o.line...)
	}
	return all
}

func (s *collector) delivered() (n int) {
	for _, o := range s.offers {
		if o.line != nil {
			n++
		}
	}
	return n
}

// enrollees lists a whole contract.
func enrollees(t testing.TB, s *Source, contract string) []coverage.Enrollee {
	t.Helper()
	snapshot, err := s.Snapshot(context.Background(), contract)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Enrollees(context.Background(), contract, snapshot, math.MinInt64, math.MaxInt32)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// selectionOf asks for an enrollee of a contract from the beginning until asOf.
func selectionOf(t testing.TB, s *Source, contract string, e *coverage.Enrollee) *coverage.Selection {
	t.Helper()
	c, err := s.Contract(context.Background(), contract)
	if err != nil {
		t.Fatal(err)
	}
	return &coverage.Selection{Contract: c, Enrollee: e, Until: asOf}
}

// claimsOf collects the claims of a selection; all: also those that the rules reject.
func claimsOf(t testing.TB, s *Source, v fhir.Version, selection *coverage.Selection, all bool) *collector {
	t.Helper()
	sink := &collector{selection: selection, all: all}
	if err := write(context.Background(), s, v, selection, sink); err != nil {
		t.Fatal(err)
	}
	return sink
}

// document is a parsed claim.
type document = map[string]any

func parse(t testing.TB, line []byte) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(line, &d); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return d
}

// at follows a path of keys through objects and the first elements of lists;
// nil when it ends early.
func at(v any, path ...string) any {
	for _, key := range path {
		if list, ok := v.([]any); ok {
			if len(list) == 0 {
				return nil
			}
			v = list[0]
		}
		object, ok := v.(document)
		if !ok {
			return nil
		}
		v = object[key]
	}
	return v
}

// values collects, in order, the strings and numbers at a path through all
// elements of lists.
func values(v any, path ...string) (found []any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			found = append(found, values(e, path...)...)
		}
	case document:
		if len(path) > 0 && v[path[0]] != nil {
			found = values(v[path[0]], path[1:]...)
		}
	default:
		if len(path) == 0 {
			found = []any{v}
		}
	}
	return found
}

// sample is some enrollees of the first contracts.
func sample(t testing.TB, s *Source, n int) []*coverage.Selection {
	t.Helper()
	var list []*coverage.Selection
	for _, contract := range []string{"Z0000", "Z0010"} {
		all := enrollees(t, s, contract)
		for i := range slices.Clip(all[:n/2]) {
			list = append(list, selectionOf(t, s, contract, &all[i*len(all)/(n/2)]))
		}
	}
	return list
}

// sampledClaim is one claim in both versions.
type sampledClaim struct {
	facts    coverage.Claim
	lines    map[fhir.Version][]byte
	enrollee *coverage.Enrollee
}

// byType collects up to perType claims of each type from contract Z0000, also
// claims that the rules reject because of their dates.
func byType(t testing.TB, s *Source, perType int) (list []sampledClaim) {
	t.Helper()
	people := enrollees(t, s, "Z0000")
	var got [coverage.SNF + 1]int
	for i := range people {
		selection := selectionOf(t, s, "Z0000", &people[i])
		one, two := claimsOf(t, s, fhir.V1, selection, true), claimsOf(t, s, fhir.V2, selection, true)
		if len(one.offers) != len(two.offers) {
			t.Fatalf("enrollee %d has %d claims in v1, %d in v2", people[i].ID, len(one.offers), len(two.offers))
		}
		for j, o := range one.offers {
			if c := o.facts; c.PartD || c.Part2 || !c.HasEnd || c.Patient != people[i].ID {
				continue
			}
			if got[o.facts.Type]++; got[o.facts.Type] <= perType {
				lines := map[fhir.Version][]byte{fhir.V1: o.line, fhir.V2: two.offers[j].line}
				list = append(list, sampledClaim{o.facts, lines, &people[i]})
			}
		}
	}
	return list
}

// write writes one enrollee's claims.
func write(ctx context.Context, s *Source, v fhir.Version, selection *coverage.Selection, sink export.Sink) error {
	r, err := s.Open(ctx, export.Query{Version: v})
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Write(ctx, selection, sink)
}

// Segment is never called: nothing is stored.
func (s *collector) Segment(segment.Segment, []byte, int64) error {
	return errors.New("a synthetic source has no segments")
}
