package store_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

func ids(list []coverage.Enrollee) []coverage.EnrolleeID {
	var all []coverage.EnrolleeID
	for _, e := range list {
		all = append(all, e.ID)
	}
	return all
}

func TestEnrollmentIsReplacedAsAWhole(t *testing.T) { each(t, testEnrollmentIsReplacedAsAWhole) }

func testEnrollmentIsReplacedAsAWhole(t *testing.T, open opener) {
	c := newClaims(t, open)
	if s := c.snapshot(); s != "enrollment-0.load-0" {
		t.Errorf("before the first enrollment the snapshot is %s", s)
	}
	if list, err := c.Enrollees(t.Context(), contract, c.snapshot(), -1<<63, 9); err != nil || len(list) != 0 {
		t.Errorf("before the first enrollment there are %v, %v", list, err)
	}
	c.enroll("A", -3, 1, 2, 5)
	first := c.snapshot()
	page, err := c.Enrollees(t.Context(), contract, first, 1, 2)
	c.ok(err)
	if diff := gocmp.Diff([]coverage.EnrolleeID{1, 2}, ids(page)); diff != "" {
		t.Error(diff)
	}
	if page[0].MBIs[0] != mbi(1, "A") || !page[0].Months.Has(coverage.MonthOf(2026, time.January)) || page[0].Months.Has(coverage.MonthOf(2026, time.February)) {
		t.Error("an enrollee is not read as it was stored")
	}
	c.enroll("A", -3, 1, 2, 5) // the same
	if s := c.snapshot(); s != first {
		t.Errorf("the same enrollment again is snapshot %s, was %s", s, first)
	}
	c.enroll("A", 1, 2, 7)
	page, err = c.Enrollees(t.Context(), contract, c.snapshot(), -1<<63, 9)
	c.ok(err)
	if diff := gocmp.Diff([]coverage.EnrolleeID{1, 2, 7}, ids(page)); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Enrollees(t.Context(), contract, first, -1<<63, 9); !errors.Is(err, export.ErrNoSnapshot) {
		t.Errorf("a snapshot that nobody needs: %v, want ErrNoSnapshot", err)
	}
	for _, bad := range []string{"", "x", "enrollment-1", "enrollment-1.load-1x", "synth-1.seed-1.2026-01"} {
		if _, err := c.Enrollees(t.Context(), contract, bad, 0, 1); !errors.Is(err, export.ErrNoSnapshot) {
			t.Errorf("snapshot %q: %v, want ErrNoSnapshot", bad, err)
		}
	}
}

func TestEnrollmentThatAJobNeedsIsKept(t *testing.T) { each(t, testEnrollmentThatAJobNeedsIsKept) }

func testEnrollmentThatAJobNeedsIsKept(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1)
	first := c.snapshot()
	j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, Version: fhir.V2, Continuous: true, State: export.Accepted, TransactionTime: c.clock.Now()}
	c.ok(c.Accept(t.Context(), j, 1))
	plan, err := c.Lease(t.Context(), "w", "test:", time.Minute)
	c.ok(err)
	c.ok(c.SavePlan(t.Context(), plan.Lease, first, nil))
	c.enroll("A", 1, 2)
	kept := func(when string) {
		t.Helper()
		if list, err := c.Enrollees(t.Context(), contract, first, 0, 9); err != nil || len(list) != 1 {
			t.Errorf("%s the job's enrollment is %v, %v", when, list, err)
		}
	}
	kept("while it runs")
	finish, err := c.Lease(t.Context(), "w", "test:", time.Minute)
	c.ok(err)
	c.ok(c.Finish(t.Context(), finish.Lease, nil, export.Totals{}, c.clock.Now().Add(time.Hour)))
	if _, err := c.Delete(t.Context(), j.ID); err != nil { // downloaded, deleted: the next job goes on from it
		t.Fatal(err)
	}
	c.enroll("A", 1, 2, 3)
	kept("when the next job may go on from it")
}

func TestEnrollmentIsNotLostByABrokenFile(t *testing.T) {
	each(t, testEnrollmentIsNotLostByABrokenFile)
}

func testEnrollmentIsNotLostByABrokenFile(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	put := func(n int, force bool) error {
		var all []coverage.Enrollee
		for i := range n {
			all = append(all, coverage.Enrollee{ID: coverage.EnrolleeID(i + 1)})
		}
		_, err := c.PutEnrollment(t.Context(), contract, all, force)
		return err
	}
	var shrinks *store.ShrinkError
	for _, n := range []int{0, 7} {
		if err := put(n, false); !errors.As(err, &shrinks) || shrinks.Before != 10 || shrinks.Then != int64(n) {
			t.Errorf("from 10 enrollees to %d: %v, want *ShrinkError", n, err)
		}
	}
	c.ok(put(8, false))
	c.ok(put(0, true))
	if _, err := c.PutEnrollment(t.Context(), "Z9999", nil, true); !errors.Is(err, export.ErrNoContract) {
		t.Errorf("an unknown contract: %v, want ErrNoContract", err)
	}
}

func TestOpenEnrollmentGrows(t *testing.T) { each(t, testOpenEnrollmentGrows) }

// testOpenEnrollmentGrows: an enrollment without an end is stored once, and an
// export counts its months up to its own.
func testOpenEnrollmentGrows(t *testing.T, open opener) {
	c := newClaims(t, open)
	all, err := feed.ReadEnrollment(strings.NewReader("contract,beneficiary_id,mbi,from,to\n" + contract + ",1,1S00E00AA01,2026-01,\n"))
	c.ok(err)
	_, err = c.PutEnrollment(t.Context(), contract, all[contract], false)
	c.ok(err)
	page, err := c.Enrollees(t.Context(), contract, c.snapshot(), 0, 9)
	c.ok(err)
	con, err := c.Contract(t.Context(), contract)
	c.ok(err)
	verdict := func(service, export time.Time) coverage.Verdict {
		s := coverage.Selection{Contract: con, Enrollee: &page[0], Until: export}
		day := coverage.DateOf(service.Date())
		return s.Verdict(&coverage.Claim{Patient: 1, Type: coverage.SNF, Start: day, End: day, HasStart: true, HasEnd: true, LastUpdated: con.Attested.Time()})
	}
	august, september := time.Date(2026, 8, 31, 12, 0, 0, 0, time.UTC), time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, e := range []struct {
		service, export time.Time
		want            coverage.Verdict
	}{
		{august, august, coverage.Deliver}, {september, august, coverage.NotEnrolled}, {september, september, coverage.Deliver},
		{september.AddDate(5, 0, 0), september.AddDate(5, 0, 0), coverage.Deliver}, {august.AddDate(-1, 0, 0), august, coverage.NotEnrolled},
	} {
		if got := verdict(e.service, e.export); got != e.want {
			t.Errorf("a service on %s in an export on %s: got %q, want %q", e.service.Format(time.DateOnly), e.export.Format(time.DateOnly), got, e.want)
		}
	}
}

func TestContracts(t *testing.T) { each(t, testContracts) }

func testContracts(t *testing.T, open opener) {
	c := newClaims(t, open)
	if _, err := c.Contract(t.Context(), "Z0001"); !errors.Is(err, export.ErrNoContract) {
		t.Errorf("got %v, want ErrNoContract", err)
	}
	var unattests *store.AttestationLossError
	changed := []coverage.Contract{{Number: "Z0001", Sponsor: "new"}, {Number: contract, Sponsor: "PDP"}}
	if err := c.PutContracts(t.Context(), changed, false); !errors.As(err, &unattests) || len(unattests.Contracts) != 1 {
		t.Errorf("got %v, want *AttestationLossError", err)
	}
	if _, err := c.Contract(t.Context(), "Z0001"); !errors.Is(err, export.ErrNoContract) {
		t.Error("a refused file was stored in part")
	}
	c.ok(c.PutContracts(t.Context(), changed, true))
	got, err := c.Contract(t.Context(), contract)
	c.ok(err)
	if got.HasAttested {
		t.Errorf("got %+v", got)
	}
}

func TestAnEarlierAttestationStartsAnew(t *testing.T) {
	each(t, testAnEarlierAttestationStartsAnew)
}

// testAnEarlierAttestationStartsAnew: what an earlier attestation adds is older
// than the default _since, which therefore goes back to the beginning.
func testAnEarlierAttestationStartsAnew(t *testing.T, open opener) {
	c := newClaims(t, open)
	attest := func(day coverage.Date, has bool) {
		t.Helper()
		c.ok(c.PutContracts(t.Context(), []coverage.Contract{{Number: contract, Sponsor: "PDP", Attested: day, HasAttested: has}}, true))
	}
	export1 := func() {
		t.Helper()
		j := &export.Job{ID: uuid.NewString(), Contract: contract, Version: fhir.V2, Continuous: true, State: export.Accepted, TransactionTime: c.clock.Now()}
		c.ok(c.Accept(t.Context(), j, 1))
		plan, err := c.Lease(t.Context(), "w", "test:", time.Minute)
		c.ok(err)
		c.ok(c.SavePlan(t.Context(), plan.Lease, c.snapshot(), nil))
		finish, err := c.Lease(t.Context(), "w", "test:", time.Minute)
		c.ok(err)
		c.ok(c.Finish(t.Context(), finish.Lease, nil, export.Totals{}, c.clock.Now().Add(time.Hour)))
	}
	goesOn := func(want bool, when string) {
		t.Helper()
		if _, err := c.Base(t.Context(), contract, fhir.V2); (err == nil) != want || err != nil && !errors.Is(err, export.ErrNoJob) {
			t.Errorf("%s: the next export goes on from the last one: %v, want %v", when, err, want)
		}
	}
	day := coverage.DateOf(2025, 3, 31)
	attest(day, true)
	export1()
	attest(day, true)
	goesOn(true, "the same attestation")
	attest(day+1, true)
	goesOn(true, "a later one")
	attest(day, true)
	goesOn(false, "an earlier one")
	export1()
	goesOn(true, "after another export")
	attest(0, false)
	attest(day, true)
	goesOn(false, "taken away and given again")
}

func TestOptOuts(t *testing.T) { each(t, testOptOuts) }

func testOptOuts(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	put := func(want store.OptOutCounts, share bool, m coverage.MBI, effective coverage.Date) {
		t.Helper()
		got, err := c.PutOptOuts(t.Context(), []store.OptOut{{MBI: m, Share: share, Effective: effective}})
		c.ok(err)
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	changed, same, older := store.OptOutCounts{Changed: 1}, store.OptOutCounts{}, store.OptOutCounts{Older: 1}
	out := func() (list []bool) {
		page, err := c.Enrollees(t.Context(), contract, c.snapshot(), 0, 9)
		c.ok(err)
		for _, e := range page {
			list = append(list, e.OptedOut)
		}
		return list
	}
	snapshot := c.snapshot()
	put(changed, false, mbi(2, "A"), 100)
	put(same, false, mbi(2, "A"), 100)
	put(changed, true, mbi(1, "A"), 100)
	if diff := gocmp.Diff([]bool{false, true}, out()); diff != "" {
		t.Error(diff)
	}
	put(older, true, mbi(2, "A"), 99)
	put(same, false, mbi(2, "A"), 110) // the same word, said again later
	put(older, true, mbi(2, "A"), 109)
	put(same, false, mbi(2, "A"), 90) // does not take the later day away
	put(older, true, mbi(2, "A"), 109)
	if diff := gocmp.Diff([]bool{false, true}, out()); diff != "" {
		t.Error(diff)
	}
	put(changed, true, mbi(2, "A"), 110)
	if diff := gocmp.Diff([]bool{false, false}, out()); diff != "" {
		t.Error(diff)
	}
	if c.snapshot() != snapshot {
		t.Error("an opt-out changed the snapshot")
	}
}

// TestMembers: patients are found by their number in each version, and those of other
// contracts are not.
func TestMembers(t *testing.T) { each(t, testMembers) }

func testMembers(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.ok(c.PutContracts(t.Context(), []coverage.Contract{{Number: contract, Sponsor: "PDP"}, {Number: "S9999", Sponsor: "Other"}}, true))
	var all, others []coverage.Enrollee
	for id := coverage.EnrolleeID(1); id <= 2500; id++ {
		all = append(all, coverage.Enrollee{ID: 2 * id, PatientV3: 9000 - id, MBIs: []coverage.MBI{mbi(2*id, "A")}})
		others = append(others, coverage.Enrollee{ID: 2*id + 1, PatientV3: 90000 + id, MBIs: []coverage.MBI{mbi(2*id+1, "A")}})
	}
	all[10].PatientV3 = 0
	for number, enrollees := range map[string][]coverage.Enrollee{contract: all, "S9999": others} {
		if _, err := c.PutEnrollment(t.Context(), number, enrollees, true); err != nil {
			t.Fatal(err)
		}
	}
	for v, wanted := range map[fhir.Version]int{fhir.V2: 2500, fhir.V3: 2499} {
		asked := []coverage.EnrolleeID{0, -5, 1 << 62}
		for i := range all {
			asked = append(asked, export.PatientOf(v, &others[i]), export.PatientOf(v, &all[i]))
		}
		got, err := c.Members(t.Context(), contract, c.snapshot(), v, asked)
		c.ok(err)
		if len(got) != wanted || !slices.IsSortedFunc(got, func(a, b coverage.Enrollee) int { return cmp.Compare(a.ID, b.ID) }) {
			t.Errorf("%s: %d found, want %d in order", v, len(got), wanted)
		}
		got, err = c.Members(t.Context(), contract, c.snapshot(), v, []coverage.EnrolleeID{export.PatientOf(v, &all[7])})
		c.ok(err)
		if diff := gocmp.Diff([]coverage.Enrollee{all[7]}, got); diff != "" {
			t.Errorf("%s: %s", v, diff)
		}
	}
	if _, err := c.Members(t.Context(), contract, "enrollment-77.load-0", fhir.V2, nil); !errors.Is(err, export.ErrNoSnapshot) {
		t.Errorf("a snapshot that is not there: %v", err)
	}
}
