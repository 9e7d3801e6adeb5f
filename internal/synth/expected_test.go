package synth

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
)

// drawQuery draws a question, with moments near those at which something
// happens to a claim.
func drawQuery(t *rapid.T, stamps []time.Time) ExpectedQuery {
	moment := func(name string) time.Time {
		stamp := rapid.SampledFrom(stamps).Draw(t, name)
		return stamp.Add(time.Duration(rapid.SampledFrom([]int{-1, 0, 0, 1, 86_400_000}).Draw(t, name+" later")) * time.Millisecond)
	}
	q := ExpectedQuery{AsOf: moment("as of")}
	if rapid.Bool().Draw(t, "with since") {
		q.Since = moment("since")
	}
	if rapid.Bool().Draw(t, "with until") {
		q.Until = moment("until")
	}
	if rapid.IntRange(0, 3).Draw(t, "with service-date") == 0 {
		from := coverage.DateOf(2020, 1, 1) + coverage.Date(rapid.IntRange(0, 2500).Draw(t, "from"))
		q.From, q.To = from.String(), (from + coverage.Date(rapid.IntRange(0, 200).Draw(t, "days"))).String()
	}
	return q
}

// TestExportsAreAsExpected holds whole exports, through the rules of coverage and the
// readers of all versions, equal to the expected results: over seeds, contracts, moments
// and queries.
func TestExportsAreAsExpected(t *testing.T) {
	outcomes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64Range(0, 5).Draw(t, "seed")
		month := coverage.MonthOf(2020, 1) + coverage.Month(rapid.IntRange(1, 70).Draw(t, "attested in month"))
		edge := month.First() - coverage.Date(rapid.IntRange(0, 1).Draw(t, "attested on the last day"))
		sponsors := []Sponsor{
			{Name: "A", Contract: "Z9001", Enrollees: 12}, {Name: "B", Contract: "Z9002", Enrollees: 30, Attested: coverage.DateOf(2023, 1, 1)},
			{Name: "C", Contract: "Z9003", Enrollees: 5, Unattested: true},
			{Name: "D", Contract: "Z9004", Enrollees: 12, Attested: edge},
		}
		now := asOf
		s := NewPopulation(seed, func() time.Time { return now }, sponsors...)
		q := drawQuery(t, stampsOf(t, s))
		q.Contract = rapid.SampledFrom([]string{"Z9001", "Z9002", "Z9003", "Z9004"}).Draw(t, "contract")
		now = q.AsOf
		v := rapid.SampledFrom(allVersions).Draw(t, "version")
		q.Version = v
		got := exported(t, s, v, q)
		err := s.Expected(context.Background(), q, func(want ExpectedResult) error {
			outcomes[want.Outcome]++
			if len(want.Claims) == 0 {
				want.Patient = 0 // no claim shows it
			}
			if d := cmp.Diff(want, got[0]); d != "" {
				t.Fatalf("%+v: %s", q, d)
			}
			got = got[1:]
			return nil
		})
		if err != nil || len(got) > 0 {
			t.Fatalf("%v; %d enrollees more than expected", err, len(got))
		}
	})
	if len(outcomes) != 3 {
		t.Errorf("the outcomes are %v", outcomes)
	}
}

// stampsOf are the moments at which something happens to the claims of some.
func stampsOf(t *rapid.T, s *Source) []time.Time {
	var stamps []time.Time
	d := new(claimgen.Generator)
	for index := range 3 {
		d.Begin(s.population, index)
		err := d.Each(context.Background(), asOf.UnixMilli(), func(c *claimgen.Claim) error {
			stamps = append(stamps, c.LastUpdated, mondayOf(c, c.UpdatedMillis))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(stamps, asOf)
}

// exported goes the way of a job: snapshot, roster, reader, and the verdict on
// every claim.
func exported(t *rapid.T, s *Source, v fhir.Version, q ExpectedQuery) (all []ExpectedResult) {
	ctx := context.Background()
	contract, err := s.Contract(ctx, q.Contract)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, _ := s.Snapshot(ctx, q.Contract)
	list, err := s.Enrollees(ctx, q.Contract, snapshot, -1<<63, 1000)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := s.Open(ctx, export.Query{Version: v, Snapshot: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for i := range list {
		got := ExpectedResult{Enrollee: list[i].ID, Outcome: ExpectNoClaims}
		selection := &coverage.Selection{Contract: contract, Enrollee: &list[i], Since: q.Since, Until: q.AsOf}
		if !q.Until.IsZero() && q.Until.Before(q.AsOf) {
			selection.Until = q.Until
		}
		if q.From != "" {
			from, _ := coverage.ParseDate(q.From)
			to, _ := coverage.ParseDate(q.To)
			dates := coverage.AnyServiceDates()
			dates.EndFrom, dates.EndTo = from, to
			selection.ServiceDates = []coverage.ServiceDates{dates}
		}
		if list[i].OptedOut {
			got.Outcome = ExpectOptedOut
			all = append(all, got)
			continue
		}
		sink := &collector{selection: selection}
		if err := reader.Write(ctx, selection, sink); err != nil {
			t.Fatal(err)
		}
		for _, o := range sink.offers {
			if o.line != nil {
				got.Claims = append(got.Claims, claimIn(o.line))
				got.Outcome = ExpectDelivered
				got.Patient = patientIn(t, o.line)
			}
		}
		slices.SortFunc(got.Claims, func(a, b ExpectedClaim) int { return strings.Compare(a.ID, b.ID) })
		all = append(all, got)
	}
	return all
}

// patientIn reads the number in the reference to the patient.
func patientIn(t *rapid.T, line []byte) int64 {
	_, rest, _ := strings.Cut(string(line), `"reference":"Patient/`)
	number, _, _ := strings.Cut(rest, `"`)
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// claimIn reads out of a line what the expected results say about it.
func claimIn(line []byte) (c ExpectedClaim) {
	between := func(before string) string {
		_, rest, _ := strings.Cut(string(line), before+`":"`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	updated, _ := time.Parse(time.RFC3339Nano, between("lastUpdated"))
	return ExpectedClaim{ID: between(`,"id`), LastUpdated: updated.UTC(), Status: between(`,"status`)}
}

// TestExpected_UnknownContract: a contract that is not known is an error.
func TestExpected_UnknownContract(t *testing.T) {
	err := sourceAt(42, asOf).Expected(context.Background(), ExpectedQuery{Contract: "Z9999", AsOf: asOf}, func(ExpectedResult) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "Z9999") {
		t.Error(err)
	}
}
