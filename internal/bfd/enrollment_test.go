package bfd_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
)

// members collects people.
func members(t *testing.T, c *bfd.Client, q bfd.EnrollmentQuery) (list []bfd.Member, e bfd.Enrollment, err error) {
	t.Helper()
	e, err = c.Enrollment(t.Context(), q, func(m bfd.Member) error {
		list = append(list, m)
		return nil
	})
	return list, e, err
}

// enrolled is who must come, by the data themselves.
func (w *world) enrolled(contract string, month coverage.Month) (list []bfd.Member) {
	for _, e := range w.People(contract) {
		if e.Months.Has(month) {
			list = append(list, bfd.Member{ID: e.ID, Current: e.MBIs[0], Historic: e.MBIs[1:]})
		}
	}
	return list
}

// TestEnrollment compares the people of each contract and month with the file of the
// same data.
func TestEnrollment(t *testing.T) {
	w := start(t)
	c := w.client(t, func(c *bfd.Config) { c.PeoplePage = 2 })
	some := 0
	for _, contract := range []string{"Z9001", "Z9002", "Z0009"} {
		for month := coverage.MonthOf(2019, 12); month <= coverage.MonthOf(2026, 11); month += 7 {
			got, e, err := members(t, c, bfd.EnrollmentQuery{Contract: contract, Month: month})
			if err != nil {
				t.Fatal(err)
			}
			want := w.enrolled(contract, month)
			same := func(a, b bfd.Member) bool {
				return a.ID == b.ID && a.Current == b.Current && slices.Equal(a.Historic, b.Historic)
			}
			if !slices.EqualFunc(got, want, same) || e.Count != len(want) || e.OtherYear+e.Unclear+e.BadMBIs != 0 {
				t.Errorf("%s %s: %d people, want %d: %+v", contract, month, len(got), len(want), e)
			}
			some += len(got)
		}
	}
	if some < 20 {
		t.Errorf("only %d people came", some)
	}
}

func TestEnrollmentCall(t *testing.T) {
	w := start(t)
	q := bfd.EnrollmentQuery{Contract: "S0001", Month: coverage.MonthOf(3, 2)}
	if _, _, err := members(t, w.client(t, nil), q); err != nil {
		t.Fatal(err)
	}
	r := w.Requests()[0]
	const variables = "https://bluebutton.cms.gov/resources/variables/"
	want := map[string][]string{
		"_has:Coverage.extension": {variables + "ptdcntrct02|S0001"}, "_has:Coverage.rfrncyr": {variables + "rfrnc_yr|0003"},
		"_count": {"4000"}, "_format": {"json"},
	}
	if diff := cmp.Diff(want, map[string][]string(r.Query)); diff != "" || r.Path != "/v1/fhir/Patient" || r.Header.Get("IncludeIdentifiers") != "mbi" {
		t.Errorf("%s %v: %s", r.Path, r.Header, diff)
	}
}

// TestEnrollmentFaults: the search of people fails as that of claims does.
func TestEnrollmentFaults(t *testing.T) {
	w := start(t)
	c := w.client(t, func(c *bfd.Config) { c.PeoplePage = 2 })
	q := bfd.EnrollmentQuery{Contract: "Z9001", Month: coverage.MonthOf(2024, 6), Known: true}
	want := len(w.enrolled(q.Contract, q.Month))
	for mode, is := range map[bfdtest.Mode]error{bfdtest.Empty: bfd.ErrEmpty, bfdtest.ForeignLink: bfd.ErrLink, bfdtest.SelfLink: bfd.ErrLoop} {
		w.Set(bfdtest.Fault{Mode: mode})
		if _, _, err := members(t, c, q); !errors.Is(err, is) || !strings.HasPrefix(err.Error(), "search people of a contract: ") {
			t.Errorf("got %v, want %v", err, is)
		}
	}
	for _, mode := range []bfdtest.Mode{bfdtest.Cut, bfdtest.Stop, bfdtest.Page} {
		w.Set(bfdtest.Fault{Mode: mode, Skip: 1, Times: 2})
		if list, e, err := members(t, c, q); err != nil || len(list) != want || e.Count != want || want < 3 {
			t.Errorf("%d people, want %d: %v", len(list), want, err)
		}
	}
	w.Set(bfdtest.Fault{Mode: bfdtest.OldYear})
	if list, e, err := members(t, c, q); err != nil || len(list) != 0 || e.OtherYear != want {
		t.Errorf("of another year: %v, %+v", err, e)
	}
	if _, _, err := members(t, c, bfd.EnrollmentQuery{Contract: "-199900001"}); err == nil || strings.Contains(err.Error(), "1999") {
		t.Error(err)
	}
	own := errors.New("full")
	w.Set(bfdtest.Fault{})
	if _, err := c.Enrollment(t.Context(), q, func(bfd.Member) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
}
