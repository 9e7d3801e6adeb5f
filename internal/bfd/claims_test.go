package bfd_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// TestAllClaimsArriveOnce compares what comes with the file of the same data: every
// claim of everybody, byte by byte and once, but for those that are not asked for.
func TestAllClaimsArriveOnce(t *testing.T) {
	for _, v := range fhir.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			w := start(t, v)
			c := w.client(t, func(c *bfd.Config) { c.PageSize = 7 })
			var got []string
			for _, id := range w.Patients(v) {
				list, r, err := lines(t, c, bfd.ClaimQuery{Version: v, Patient: id})
				if err != nil {
					t.Fatal(err)
				}
				if r.Count != len(list) || r.Short() || r.Total != int64(r.Count) || r.Repeated+r.Other != 0 {
					t.Errorf("%+v for %d claims", r, len(list))
				}
				got = append(got, list...)
			}
			want := fromFile(t, v)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%d claims came, the file has %d", len(got), len(want))
			}
		})
	}
}

// fromFile lists the claims of a file that a client of ours gets.
func fromFile(t *testing.T, v fhir.Version) (list []string) {
	t.Helper()
	var file bytes.Buffer
	if _, err := dataset(t, 8).WriteClaims(t.Context(), &file, v); err != nil {
		t.Fatal(err)
	}
	left := 0
	m := eob.New(v)
	for line := range strings.Lines(file.String()) {
		claim, err := m.Minimize([]byte(line))
		// Version 3 marks Part D events by their source, which is left out.
		drug := strings.Contains(line[:100], `"id":"pde-`) || v == fhir.V3 && !strings.Contains(line, `"source":"NCH"`)
		if err != nil || claim.Part2 || drug {
			left++
			continue
		}
		list = append(list, strings.TrimSuffix(line, "\n"))
	}
	if left == 0 || len(list) < 100 {
		t.Fatalf("the file proves nothing: %d claims, %d left out", len(list), left)
	}
	return list
}

// TestQueries holds the calls to what BFD understands.
func TestQueries(t *testing.T) {
	w := start(t, fhir.V2, fhir.V3)
	zone := time.FixedZone("", -5*3600)
	since, until := time.Date(2024, 1, 1, 0, 0, 0, 0, zone), time.Date(2025, 1, 1, 0, 0, 0, 5e6, zone)
	c := w.client(t, func(c *bfd.Config) { c.PageSize, c.ClientID, c.JobID = 100, "S0001", "mirror-1" })
	for _, q := range []struct {
		query bfd.ClaimQuery
		want  map[string][]string
	}{
		{bfd.ClaimQuery{Version: fhir.V2, Patient: -7, Since: since, Until: until, TaxNumbers: true}, map[string][]string{
			"patient": {"-7"}, "excludeSAMHSA": {"true"}, "type": {"carrier,dme,hha,hospice,inpatient,outpatient,snf"}, "_count": {"100"},
			"_lastUpdated": {"ge2024-01-01T05:00:00.000Z", "le2025-01-01T05:00:00.005Z"},
		}},
		{bfd.ClaimQuery{Version: fhir.V3, Patient: 7}, map[string][]string{
			"patient": {"7"}, "_security:not": {"42CFRPart2"}, "_source": {"NCH"}, "_count": {"100"},
		}},
	} {
		if _, _, err := lines(t, c, q.query); err != nil {
			t.Fatal(err)
		}
		r := w.Requests()[0]
		if diff := cmp.Diff(q.want, map[string][]string(r.Query)); diff != "" || r.Path != "/"+q.query.Version.String()+"/fhir/ExplanationOfBenefit" {
			t.Errorf("%s: %s", r.Path, diff)
		}
		for name, want := range map[string]string{"BULK-CLIENTID": "S0001", "BULK-JOBID": "mirror-1", "Accept-Encoding": "gzip", "IncludeTaxNumbers": map[bool]string{true: "true"}[q.query.TaxNumbers]} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
}

// TestPagesOfAnyLength: the claims of a person do not depend on where pages end,
// whether they were asked for, or repeat claims at their edges; and bounds of time
// leave out what they should.
func TestPagesOfAnyLength(t *testing.T) {
	for _, v := range fhir.Versions() {
		w := start(t, v)
		ids := slices.DeleteFunc(w.Patients(v), func(id coverage.EnrolleeID) bool { return len(w.Claims(v, id)) > 60 }) // for speed
		rapid.Check(t, func(rt *rapid.T) {
			id := rapid.SampledFrom(ids).Draw(rt, "patient")
			w.SetLimit(rapid.IntRange(2, 400).Draw(rt, "limit"))
			w.Set(bfdtest.Fault{Mode: rapid.SampledFrom([]bfdtest.Mode{bfdtest.None, bfdtest.Repeat, bfdtest.Gzip, bfdtest.Bare, bfdtest.Outcome}).Draw(rt, "mode")})
			q := bfd.ClaimQuery{Version: v, Patient: id}
			if rapid.Bool().Draw(rt, "bounded") {
				q.Since = asOf().Add(-time.Duration(rapid.IntRange(0, 60_000).Draw(rt, "hours")) * time.Hour)
			}
			c := w.client(t, func(c *bfd.Config) { c.PageSize = rapid.SampledFrom([]int{0, 2, 3, 10, 1000}).Draw(rt, "page") })
			got, r, err := lines(t, c, q)
			if err != nil {
				rt.Fatal(err)
			}
			want := w.since(v, id, q.Since)
			if !slices.Equal(got, want) || r.Count != len(want) {
				rt.Fatalf("%d claims, want %d: %+v", len(got), len(want), r)
			}
		})
	}
}

// since is what is wanted of a person and was stored at a time or later.
func (w *world) since(v fhir.Version, id coverage.EnrolleeID, t time.Time) []string {
	late := map[string]bool{}
	for _, c := range w.Claims(v, id) {
		late[string(c.Raw)] = !c.Stored.Before(t)
	}
	return slices.DeleteFunc(w.wanted(v, id), func(raw string) bool { return !late[raw] })
}

func TestLoadTime(t *testing.T) {
	w := start(t, fhir.V2)
	_, r, err := lines(t, w.client(t, nil), bfd.ClaimQuery{Version: fhir.V2, Patient: w.busiest(fhir.V2)})
	if err != nil || r.Updated.IsZero() || r.Updated.After(asOf()) || !r.Began.Equal(asOf()) {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestStrangerHasNothing(t *testing.T) {
	w := start(t, fhir.V1)
	list, r, err := lines(t, w.client(t, nil), bfd.ClaimQuery{Version: fhir.V1, Patient: 12345})
	if err != nil || len(list) != 0 || r.Total != 0 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestOwnError: an error of the caller ends the search at once and comes back as it
// is, whatever it is.
func TestOwnError(t *testing.T) {
	w := start(t, fhir.V1)
	c := w.client(t, nil)
	for _, own := range []error{errors.New("full"), &bfd.Error{Kind: bfd.Busy}, bfd.ErrEmpty} {
		w.Requests()
		_, err := c.Claims(t.Context(), bfd.ClaimQuery{Version: fhir.V1, Patient: w.busiest(fhir.V1)}, func([]byte) error { return own })
		if !errors.Is(err, own) || len(w.Requests()) != 1 {
			t.Errorf("%v became %v", own, err)
		}
	}
}

// TestPanic: a caller that panics and recovers does not keep its place among the
// calls.
func TestPanic(t *testing.T) {
	w := start(t, fhir.V1)
	c := w.client(t, func(c *bfd.Config) { c.InFlight = 1 })
	defer c.Close()
	q := bfd.ClaimQuery{Version: fhir.V1, Patient: w.busiest(fhir.V1)}
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Claims(t.Context(), q, func([]byte) error { panic("full") })
	}()
	if _, _, err := lines(t, c, q); err != nil {
		t.Error(err)
	}
}

// TestShort: a server that says there is more than came is caught by it.
func TestShort(t *testing.T) {
	for _, c := range []struct {
		r    bfd.Result
		want bool
	}{
		{bfd.Result{Count: 3, Total: 3}, false}, {bfd.Result{Count: 2, Total: 3}, true}, {bfd.Result{Count: 2, Other: 1, Total: 3}, false},
		{bfd.Result{Count: 3, Total: -1}, false},
	} {
		if c.r.Short() != c.want {
			t.Errorf("%+v", c.r)
		}
	}
}

func TestCanceled(t *testing.T) {
	w := start(t, fhir.V1)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.client(t, nil).Claims(ctx, bfd.ClaimQuery{Version: fhir.V1, Patient: w.busiest(fhir.V1)}, func([]byte) error {
		cancel()
		return nil
	})
	if err == nil {
		// The body had come whole before. The next call must not begin.
		_, err = w.client(t, nil).Claims(ctx, bfd.ClaimQuery{Version: fhir.V1, Patient: 1}, nil)
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// quiet tells whether a text is free of a person's number.
func quiet(text string, id coverage.EnrolleeID) bool {
	return !strings.Contains(text, strings.TrimPrefix(strconv.FormatInt(int64(id), 10), "-"))
}
