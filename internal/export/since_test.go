package export_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
)

func TestTheDefaultSince(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 10))
	first := e.run(e.accept(), 1)
	if first.SinceSource != export.SinceNone || e.content(first.ID, export.Errors) != "" {
		t.Errorf("the first job starts at %v (%s)", first.Since, first.SinceSource)
	}
	e.clock.Add(time.Hour)
	if again := e.accept(); again.SinceSource != export.SinceNone {
		t.Errorf("before the download the next job starts at %v (%s)", again.Since, again.SinceSource)
	}
	e.download(first)
	e.source.Claims[3][0].LastUpdated = first.TransactionTime // has been delivered
	e.source.Claims[3][1].LastUpdated = first.TransactionTime.Add(time.Millisecond)
	next := e.run(e.accept(), 1)
	if next.SinceSource != export.SinceDefault || !next.Since.Equal(first.TransactionTime) || next.Base != first.ID {
		t.Errorf("after the download the next job starts at %v (%s)", next.Since, next.SinceSource)
	}
	if got, want := e.content(next.ID, export.Data), e.source.Claims[3][1].Line+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if errs := e.content(next.ID, export.Errors); !strings.Contains(errs, fhir.FormatInstant(first.TransactionTime)) || !strings.Contains(errs, `"severity":"information"`) {
		t.Errorf("the error file does not tell of the default: %s", errs)
	}
	v1 := e.accept(func(r *export.Request) { r.Version = fhir.V1 })
	if v1.SinceSource != export.SinceNone {
		t.Error("v1 has a default")
	}
	early := time.Date(2020, 2, 20, 0, 0, 0, 0, time.UTC)
	user := e.accept(func(r *export.Request) { r.Since = early })
	if user.SinceSource != export.SinceUser || !user.Since.Equal(time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a _since before the attestation is %v, want it raised to the attestation", user.Since)
	}
}

// TestTheDefaultSinceSkipsNobody: whoever was not in the job before, was not
// delivered in it, or has new months, gets what the sponsor does not have yet.
func TestTheDefaultSinceSkipsNobody(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 24))
	all := e.source.Enrollees["Z0000"]
	late := all[23] // is enrolled only later
	e.source.Enrollees["Z0000"] = all[:23:23]
	all[13].OptedOut = true                    // 14
	e.source.Fail(19, errors.New("no answer")) // twice
	e.source.Fail(9, errors.New("no answer"))  // once
	all[3].Months = coverage.MonthSet{}        // 4: only one month, then also June
	all[3].Months.Add(coverage.MonthOf(2025, time.January))

	first := e.run(e.accept(), 2)
	if first.Totals.NotRead != 2 || first.Totals.OptedOut != 1 {
		t.Fatalf("totals %+v", first.Totals)
	}
	e.download(first)
	e.clock.Add(time.Hour)
	e.source.Fail(9, nil)
	second := e.run(e.accept(), 2)
	if got, want := e.content(second.ID, export.Data), e.lines(9); got != want {
		t.Errorf("the second job delivers\n%s\nwant those of the enrollee who could not be read\n%s", got, want)
	}
	e.download(second)
	e.clock.Add(time.Hour)
	e.source.Fail(19, nil)
	all[13].OptedOut = false
	all[3].Months.Add(coverage.MonthOf(2025, time.June))
	e.source.Enrollees["Z0000"] = append(all[:23:23], late)
	third := e.run(e.accept(), 2)
	if got, want := e.content(third.ID, export.Data), e.lines(4, 14, 19, 24); got != want {
		t.Errorf("the third job delivers\n%s\nwant\n%s", got, want)
	}
	e.download(third)
	e.clock.Add(time.Hour)
	if fourth := e.run(e.accept(), 2); fourth.Totals.Claims != 0 || fourth.Base != third.ID {
		t.Errorf("the fourth job delivers %+v", fourth.Totals)
	}
}

// lines are all claims of some enrollees.
func (e *engine) lines(ids ...coverage.EnrolleeID) string {
	var b strings.Builder
	for _, id := range ids {
		for _, c := range e.source.Claims[id] {
			b.WriteString(c.Line + "\n")
		}
	}
	return b.String()
}

// TestPartsOfWhatIsNewAreLarger: an export of little has few parts and files.
func TestPartsOfWhatIsNewAreLarger(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 95))
	for since, want := range map[time.Duration]int{100 * 24 * time.Hour: 10, 80 * 24 * time.Hour: 1} {
		j := e.run(e.accept(func(r *export.Request) { r.Since = e.clock.Now().Add(-since) }), 2)
		if j.Parts != want || j.Totals.Enrollees() != 95 {
			t.Errorf("since %s: %d parts, %d enrollees; want %d and 95", since, j.Parts, j.Totals.Enrollees(), want)
		}
	}
}

func TestWhoIsEntitled(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 1))
	e.source.Contracts["Z0009"] = coverage.Contract{Number: "Z0009"}
	if _, err := e.intake.Entitled(t.Context(), "Z0009"); !errors.Is(err, export.ErrNotAttested) {
		t.Errorf("got %v, want ErrNotAttested", err)
	}
	if _, err := e.intake.Entitled(t.Context(), "Z0008"); !errors.Is(err, export.ErrNoContract) {
		t.Errorf("got %v, want ErrNoContract", err)
	}
}

// TestLateClaimsAreDelivered: a claim that the source gets after an export, and that
// was updated before it, is in the next export that continues from that one, and in
// no other.
func TestLateClaimsAreDelivered(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  func(first *export.Job) func(*export.Request)
		late bool
	}{
		{"default _since", func(*export.Job) func(*export.Request) { return func(*export.Request) {} }, true},
		{"_since is the transactionTime", func(j *export.Job) func(*export.Request) {
			return func(r *export.Request) { r.Since = j.TransactionTime }
		}, true},
		{"_since is another time", func(j *export.Job) func(*export.Request) {
			return func(r *export.Request) { r.Since = j.TransactionTime.Add(-time.Millisecond) }
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, exporttest.NewSource("Z0000", 10))
			first := e.run(e.accept(), 1)
			e.download(first)
			e.clock.Add(time.Hour)
			late := e.source.Claims[3][1]
			late.Line = strings.Replace(late.Line, "carrier-3-1", "carrier-3-9", 1)
			e.source.Arrive(late)
			second := e.run(e.accept(c.ask(first)), 1)
			got := e.content(second.ID, export.Data)
			if strings.Contains(got, "carrier-3-9") != c.late || strings.Contains(got, "carrier-4-") {
				t.Errorf("got %s", got)
			}
			e.download(second)
			e.clock.Add(time.Hour)
			third := e.run(e.accept(func(r *export.Request) { r.Since = second.TransactionTime }), 1)
			if got := e.content(third.ID, export.Data); got != "" {
				t.Errorf("a third export has %s", got)
			}
		})
	}
}
