package export_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
)

// TestDeleted: an export with _since names the claims that were withdrawn since, if the
// contract could have received them; and an export without _since names none. It is the
// same file whenever it is made.
func TestDeleted(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 25))
	since := e.clock.Now().Add(-time.Hour)
	optedOut, outside := &e.source.Enrollees["Z0000"][4], coverage.DateOf(2024, time.March, 1)
	optedOut.OptedOut = true
	gone := func(patient coverage.EnrolleeID, id string, change ...func(*export.Withdrawal)) {
		w := export.Withdrawal{ID: id, At: since.Add(time.Minute), Claim: coverage.Claim{Patient: patient, Type: coverage.Carrier, HasStart: true, HasEnd: true,
			Start: coverage.DateOf(2025, time.March, 1), End: coverage.DateOf(2025, time.March, 1), LastUpdated: since.Add(-24 * time.Hour)}}
		for _, f := range change {
			f(&w)
		}
		e.source.Gone = append(e.source.Gone, w)
	}
	gone(1, "carrier-1", func(w *export.Withdrawal) { w.At = since }) // not after it
	gone(2, "carrier-2a")
	gone(2, "carrier-2b", func(w *export.Withdrawal) { w.At = since.Add(time.Hour) })
	gone(3, "carrier-3", func(w *export.Withdrawal) { w.Claim.Start, w.Claim.End = outside, outside }) // not enrolled
	gone(optedOut.ID, "carrier-5")
	gone(6, "carrier-6", func(w *export.Withdrawal) { w.Home = 7 })           // comes with 7
	gone(7, "carrier-7", func(w *export.Withdrawal) { w.Home = optedOut.ID }) // comes with nobody
	gone(8, "carrier-8", func(w *export.Withdrawal) { w.Home = 999 })         // of another contract
	gone(25, "carrier-25")
	var last string
	for _, workers := range []int{1, 3} {
		j := e.run(e.accept(func(r *export.Request) { r.Since = since }), workers)
		got := e.deleted(j)
		want := "carrier-2a carrier-2b|carrier-7|carrier-8|carrier-25"
		if ids := deletedIDs(t, got); ids != want {
			t.Errorf("deleted are %s, want %s", ids, want)
		}
		if last != "" && got != last {
			t.Error("the same export has another file")
		}
		last = got
	}
	if !strings.Contains(last, `"meta":{"lastUpdated":"`+since.Add(time.Hour).Format("2006-01-02T15:04:05.000Z")+`"}`) {
		t.Errorf("no Bundle is as late as its last deletion: %s", last)
	}
	if got := e.deleted(e.run(e.accept(), 1)); got != "" {
		t.Errorf("without _since: %s", got)
	}
	if got := e.deleted(e.run(e.accept(func(r *export.Request) { r.Since, r.Patients = since, []coverage.EnrolleeID{8, 9} }), 1)); deletedIDs(t, got) != "carrier-8" {
		t.Errorf("of two patients: %s", got)
	}
}

// deleted is what a job's files of deletions hold.
func (e *engine) deleted(j *export.Job) string {
	e.Helper()
	files, err := e.db.Files(e.Context(), j.ID)
	if err != nil || j.State != export.Completed {
		e.Fatalf("%+v %v", j, err)
	}
	var all strings.Builder
	number := 0
	for _, f := range files {
		if f.Kind != export.Deleted {
			continue
		}
		if number++; f.Number != number || f.Name != export.FileName("Z0000", export.Deleted, number) {
			e.Errorf("file %d is %+v", number, f)
		}
		stored, err := e.files.Open(e.Context(), f.Key)
		if err != nil {
			e.Fatal(err)
		}
		z, err := gzip.NewReader(stored)
		if err != nil {
			e.Fatal(err)
		}
		b, err := io.ReadAll(z)
		stored.Close()
		if err != nil || int64(len(b)) != f.Length || int64(strings.Count(string(b), "\n")) != f.Count {
			e.Errorf("%s: %v", f.Name, err)
		}
		all.Write(b)
	}
	return all.String()
}

// deletedIDs are the claims that Bundles delete, by Bundle.
func deletedIDs(t *testing.T, bundles string) string {
	t.Helper()
	var all []string
	for line := range strings.Lines(bundles) {
		var b struct {
			ResourceType, Type string
			Entry              []struct{ Request struct{ Method, URL string } }
		}
		if err := json.Unmarshal([]byte(line), &b); err != nil || b.ResourceType != "Bundle" || b.Type != "transaction" {
			t.Fatalf("%s: %v", line, err)
		}
		var ids []string
		for _, e := range b.Entry {
			id, ok := strings.CutPrefix(e.Request.URL, "ExplanationOfBenefit/")
			if !ok || e.Request.Method != "DELETE" {
				t.Errorf("%+v", e)
			}
			ids = append(ids, id)
		}
		all = append(all, strings.Join(ids, " "))
	}
	return strings.Join(all, "|")
}
