package store_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/files"
	"ab2d/internal/store"
)

const day = 24 * time.Hour

// year is a server that lives fast: each day has exports, tokens and downloads, each
// week an import and a mirror pass, each month another enrollment. Its sponsors are one
// who exports every day without _since, one client that sends the end of its last
// export as _since every week, and a contract that exports on the first day only.
type year struct {
	*claims
	address   string
	random    *rand.Rand
	intake    *export.Intake
	worker    export.Worker
	retention store.Retention
	archive   string // directory
	monthDays int

	people    []coverage.EnrolleeID
	away      coverage.EnrolleeID // not enrolled this month
	optedOut  bool                // the first of the people
	truth     map[string]int64    // when the newest stored version of each claim was updated
	delivered map[string]bool     // to the one without _since: claim and when it was updated
	continued map[string]bool     // to the one with _since
	last      *export.Job         // of that one
	exports   int
}

const sleeper = "Z0001"

func newYear(t *testing.T, address string, r store.Retention) *year {
	y := &year{address: address, retention: r, archive: t.TempDir(), random: rand.New(rand.NewPCG(1, 2)), truth: map[string]int64{}, delivered: map[string]bool{}, continued: map[string]bool{}}
	y.claims = newClaims(t, func(t *testing.T, now func() time.Time) *store.DB { return openDB(t, address, now) })
	y.version = fhir.V2
	y.ok(y.PutContracts(t.Context(), []coverage.Contract{{Number: sleeper, Sponsor: "PDP", Attested: coverage.DateOf(1970, 1, 1), HasAttested: true}}, false))
	stored, err := files.Open("dir:" + t.TempDir())
	y.ok(err)
	notifier := export.NewNotifier()
	y.intake = &export.Intake{Jobs: y.DB, Roster: y.DB, Notifier: notifier, Now: y.clock.Now, Removed: y.DB, Source: y.Source()}
	settings := export.DefaultSettings()
	settings.Idle = 20 * time.Millisecond
	y.worker = export.Worker{Name: "test", Queue: y.DB, Jobs: y.DB, Ledgers: y.DB, Roster: y.DB, Claims: y.DB, Source: y.Source(), Files: stored, Notifier: notifier,
		Now: y.clock.Now, Log: slog.New(slog.DiscardHandler), Settings: settings}
	for id := range coverage.EnrolleeID(12) {
		y.people = append(y.people, id+1)
	}
	y.month(0)
	y.work(t)
	return y
}

// month enrolls everybody but one, who comes back the next month.
func (y *year) month(n int) {
	y.Helper()
	y.away = y.people[1+n%(len(y.people)-1)]
	for number, ids := range map[string][]coverage.EnrolleeID{contract: y.people, sleeper: {50}} {
		var all []coverage.Enrollee
		for _, id := range ids {
			e := coverage.Enrollee{ID: id, MBIs: []coverage.MBI{mbi(id, "A")}}
			e.Months.AddRange(coverage.MonthOf(2020, 1), coverage.MonthOf(2027, 12))
			if id != y.away {
				all = append(all, e)
			}
		}
		_, err := y.PutEnrollment(y.Context(), number, all, true)
		y.ok(err)
	}
	y.optedOut = n%3 == 1
	_, err := y.PutOptOuts(y.Context(), []store.OptOut{{MBI: mbi(y.people[0], "A"), Share: !y.optedOut, Effective: coverage.DateOf(2020, 1, 1) + coverage.Date(n)}})
	y.ok(err)
}

// week imports a new version of some claims, which were updated up to a month ago, and
// runs a mirror pass that finds nothing.
func (y *year) week() {
	y.Helper()
	now := y.clock.Now().UnixMilli()
	var all []store.Claim
	for _, id := range append([]coverage.EnrolleeID{50}, y.people...) {
		for n := range 3 {
			name := int(id)*10 + n
			updated := now - y.random.Int64N(30*day.Milliseconds())
			key := fmt.Sprintf("carrier-%d", name)
			if _, stored := y.truth[key]; y.random.IntN(3) > 0 && stored || updated <= y.truth[key] {
				continue
			}
			y.truth[key] = updated
			all = append(all, claim(id, name, updated, fmt.Sprint(updated)))
		}
	}
	y.load(all...)
	pass, err := y.BeginMirrorPass(y.Context(), store.MirrorPlan{Version: fhir.V1, Source: "upstream", People: 100})
	y.ok(err)
	p, err := y.LeaseMirrorPart(y.Context(), pass.ID, "test", time.Minute)
	y.ok(err)
	y.ok(y.FinishMirrorPart(y.Context(), p))
	_, err = y.PublishMirrorPass(y.Context(), pass, "nothing")
	y.ok(err)
}

// export runs an export of a contract to its end.
func (y *year) export(number string, since time.Time) *export.Job {
	y.Helper()
	y.exports++
	c, err := y.intake.Entitled(y.Context(), number)
	y.ok(err)
	j, err := y.intake.Accept(y.Context(), export.Request{Contract: c, Client: "client", MaxJobs: 9, Version: fhir.V2, URL: "http://h/x", Since: since})
	y.ok(err)
	y.until(func() bool { return y.job(j.ID).State == export.Completed })
	return y.job(j.ID)
}

func (y *year) job(id string) *export.Job {
	y.Helper()
	j, err := y.Job(y.Context(), id)
	y.ok(err)
	return j
}

// work starts the worker, which works until the test ends.
func (y *year) work(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() { y.worker.Run(ctx) })
	t.Cleanup(func() { cancel(); worker.Wait() })
}

// until waits for something that the worker does.
func (y *year) until(done func() bool) {
	y.Helper()
	look, patience := time.NewTicker(4*time.Millisecond), time.After(time.Minute)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-patience:
			y.Fatal("waited in vain for the worker")
		}
	}
}

// download downloads all files of a job and notes which claims they have.
func (y *year) download(j *export.Job, into map[string]bool) {
	y.Helper()
	list, err := y.Files(y.Context(), j.ID)
	y.ok(err)
	for i := range list {
		f := &list[i]
		d := export.Delivery{To: f.Length, Size: f.Length}
		id, err := y.BeginDelivery(y.Context(), f, d, 1, time.Minute)
		y.ok(err)
		y.ok(y.EndDelivery(y.Context(), id, f, d))
		if f.Kind != export.Data {
			continue
		}
		r, err := y.worker.Files.Open(y.Context(), f.Key)
		y.ok(err)
		z, err := gzip.NewReader(r)
		y.ok(err)
		b, err := io.ReadAll(z)
		y.ok(errors.Join(err, r.Close()))
		for line := range strings.Lines(string(b)) {
			var c struct{ ID, Status string }
			y.ok(json.Unmarshal([]byte(line), &c))
			into[c.ID+" "+c.Status] = true
		}
	}
}

// today is a day of the server.
func (y *year) today(n int) {
	y.Helper()
	y.clock.Add(day)
	if n > 0 && n%y.monthDays == 0 {
		y.month(n / y.monthDays)
	}
	if n%7 == 0 {
		y.week()
	}
	j := y.export(contract, time.Time{})
	switch {
	case n == 0:
		y.download(j, y.delivered)
		y.download(y.export(sleeper, time.Time{}), map[string]bool{})
	case n%5 == 1: // it is not downloaded, and expires
	case n%5 == 2:
		_, err := y.Delete(y.Context(), j.ID)
		y.ok(err)
	default:
		y.download(j, y.delivered)
	}
	if n%7 == 3 {
		since := export.EarliestSince
		if y.last != nil {
			since = y.last.TransactionTime
		}
		y.clock.Add(time.Second)
		y.last = y.export(contract, since)
		y.download(y.last, y.continued)
	}
	_, err := y.UseAssertion(y.Context(), "client", fmt.Sprint(n), y.clock.Now().Add(5*time.Minute))
	y.ok(err)
	y.ok(y.AddAdminToken(y.Context(), store.AdminToken{ID: fmt.Sprint(n), Name: "a", Digest: "d", Created: y.clock.Now(), Expires: y.clock.Now().Add(time.Hour)}))
	y.removeOld()
	if n%6 == 5 {
		_, err := y.ArchiveAudit(y.Context(), y.archive, y.clock.Now().Add(-y.retention.Jobs))
		y.ok(err)
	}
}

// complete: all that the contract may have was delivered.
func (y *year) complete(n int) {
	y.Helper()
	y.clock.Add(time.Minute)
	y.download(y.export(contract, time.Time{}), y.delivered)
	y.clock.Add(time.Minute)
	if y.last = y.export(contract, y.last.TransactionTime); len(y.last.Notes) > 0 {
		y.Errorf("day %d: the notes of an export that continues: %q", n, y.last.Notes)
	}
	y.download(y.last, y.continued)
	always := y.people[len(y.people)-1] // who was never away so far, and always shared
	for key, updated := range y.truth {
		var claim int
		fmt.Sscanf(key, "carrier-%d", &claim)
		id := coverage.EnrolleeID(claim / 10)
		if id == 50 || id == y.away || id == y.people[0] && y.optedOut {
			continue
		}
		if !y.delivered[fmt.Sprintf("%s %d", key, updated)] {
			y.Errorf("day %d: claim %s of enrollee %d, updated at %d, was never delivered", n, key, id, updated)
		}
		if id == always && n < y.monthDays*(len(y.people)-2) && !y.continued[fmt.Sprintf("%s %d", key, updated)] {
			y.Errorf("day %d: claim %s of enrollee %d, updated at %d, was never delivered to the client with _since", n, key, id, updated)
		}
	}
}

// TestAYear: the database does not grow for ever, and exports that continue from
// others stay complete. By default the year has 26 days with short retentions;
// with AB2D_TEST_LONG it is a year.
func TestAYear(t *testing.T) {
	days, month, r := 26, 4, store.Retention{Jobs: 6 * day, Ledgers: 3 * day, Imports: 4 * day}
	if os.Getenv("AB2D_TEST_LONG") != "" {
		days, month, r = 365, 30, store.Retention{Jobs: 60 * day, Ledgers: 20 * day, Imports: 30 * day}
	}
	settled := 4 * month
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			y := newYear(t, address(t), r)
			y.monthDays = month
			before, after := map[string]int64{}, map[string]int64{}
			var first *export.Job
			for n := range days {
				if y.today(n); n == 3 {
					first = y.last
				}
				if n%6 == 5 {
					y.vacuum()
				}
				if n%12 == 11 {
					y.complete(n)
				}
				switch { // the days of a week and of a month are not alike
				case n%3 == 2 && n < settled && n >= settled-2*month:
					highest(before, y.sizes())
				case n%3 == 2 && n >= days-2*month:
					highest(after, y.sizes())
				}
			}
			y.bounded(before, after)
			y.removed(first)
			y.auditHolds()
			t.Logf("%d days, %d exports, %d claims delivered, in %s", days, y.exports, len(y.delivered), time.Since(began).Round(time.Second))
			for _, name := range slices.Sorted(maps.Keys(after)) {
				t.Logf("%-20s at most %9d until day %d, %9d until day %d", name, before[name], settled, after[name], days)
			}
		})
	}
}

// highest notes what is more than before.
func highest(sizes, now map[string]int64) {
	for name, n := range now {
		sizes[name] = max(sizes[name], n)
	}
}

// TestTheLastExportIsRemembered: the next one continues from it however old its ledger
// is, until its job is removed. Then the next one has everything.
func TestTheLastExportIsRemembered(t *testing.T) {
	y := newYear(t, databases["sqlite"](t), store.Retention{Jobs: 60 * day, Ledgers: 5 * day, Imports: 5 * day})
	y.week()
	early := y.export(contract, time.Time{})
	y.download(early, y.delivered)
	y.clock.Add(day)
	last := y.export(contract, time.Time{})
	y.clock.Add(30 * day)
	y.until(func() bool { // both have expired and are swept
		var n int
		y.ok(y.Pools()["read"].QueryRowContext(t.Context(), `select count(*) from job where state <> 'expired' or swept = 0`).Scan(&n))
		return n == 0
	})
	if n := y.removeOld().Ledgers; n != 1 {
		t.Errorf("%d ledgers were removed, want that of the first export", n)
	}
	if j := y.export(contract, time.Time{}); j.Base != last.ID || j.Totals.Claims != 0 {
		t.Errorf("%d claims, since %s; want none, since the last export", j.Totals.Claims, j.SinceSource)
	}
	y.clock.Add(70 * day)
	for jobs := int64(0); jobs < 3; {
		y.until(func() bool { n := y.removeOld().Jobs; jobs += n; return n > 0 })
	}
	if j := y.export(contract, time.Time{}); j.SinceSource != export.SinceNone || j.Totals.Claims != early.Totals.Claims {
		t.Errorf("%d claims, since %s; want all %d", j.Totals.Claims, j.SinceSource, early.Totals.Claims)
	}
}

func (y *year) removeOld() store.Removed {
	y.Helper()
	removed, err := y.RemoveOld(y.Context(), y.retention)
	y.ok(err)
	return removed
}
