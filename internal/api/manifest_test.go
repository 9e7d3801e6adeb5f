package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// manyFiles completes a job with n files of 200 MB, as far as the database knows.
func (s *server) manyFiles(n int) (status string) {
	s.Helper()
	ok := func(err error) {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
	}
	ctx := s.Context()
	j := &export.Job{ID: uuid.NewString(), Contract: "Z0000", Client: one, Version: fhir.V2, Request: s.url + patientV2, SinceSource: export.SinceNone, TransactionTime: s.clock.Now(), State: export.Accepted, Partial: s.partial}
	ok(s.db.Accept(ctx, j, 9))
	lease := func() *export.Task {
		s.Helper()
		t, err := s.db.Lease(ctx, "test", "", time.Minute)
		ok(err)
		return t
	}
	ok(s.db.SavePlan(ctx, lease().Lease, "snapshot", []export.Part{{Number: 1, First: 1, Last: 1, Enrollees: 1}}))
	part := lease()
	var r export.PartResult
	r.Ledger.Record(export.Entry{Enrollee: coverage.EnrolleeID(1), Outcome: export.Delivered, Claims: int64(n)})
	for i := range n {
		r.Files = append(r.Files, export.File{Job: j.ID, Kind: export.Data, Part: 1, Order: i, Key: fmt.Sprintf("%s/%d", j.ID, i), Count: 1, Length: 200 << 20, Stored: 20 << 20,
			SHA256: make([]byte, 32), Checksums: make([]byte, 320)})
	}
	ok(s.db.CommitPart(ctx, part.Lease, r))
	finish := lease()
	files := r.Files
	for i := range files {
		files[i].Number, files[i].Name = i+1, export.FileName("Z0000", export.Data, i+1)
	}
	ok(s.db.Finish(ctx, finish.Lease, files, export.Totals{Delivered: 1, Claims: int64(n)}, s.clock.Now().Add(time.Hour)))
	return "/api/v2/fhir/Job/" + j.ID + "/$status"
}

// TestManifest_ManyFiles: the manifest of a large job names all of its files, without
// reading the checksums of their blocks.
func TestManifest_ManyFiles(t *testing.T) {
	t.Parallel()
	const files = 2000
	s := newServer(t, func(s *server) { s.workers = 0 })
	a := s.do(one, "GET", s.manyFiles(files))
	var m fhir.Manifest
	if err := json.Unmarshal(a.body, &m); err != nil || a.status != http.StatusOK || len(m.Output) != files {
		t.Fatalf("%d, %d files: %v", a.status, len(m.Output), err)
	}
	for i, f := range m.Output {
		if f.FileSize != 200<<20 || f.Count != 1 || !strings.HasSuffix(f.URL, "/"+export.FileName("Z0000", export.Data, i+1)) {
			t.Fatalf("file %d is %+v", i+1, f)
		}
	}
}

// BenchmarkManifest: the status of a completed job of 20,000 files, whole as clients
// without allowPartialManifests get it, and a page of it.
func BenchmarkManifest(b *testing.B) {
	const files = 20_000
	for name, partial := range map[string]bool{"whole": false, "page": true} {
		b.Run(name, func(b *testing.B) {
			s := newServer(b, func(s *server) { s.workers, s.config.MaxPolls, s.config.RateFactor, s.partial = 0, 0, 0, partial })
			status := s.manyFiles(files)
			if partial {
				status += "?page=199" // of 199 files: the largest that is full
			}
			for b.Loop() {
				if a := s.do(one, "GET", status); a.status != http.StatusOK {
					b.Fatalf("%d %s", a.status, a.body)
				}
			}
		})
	}
}
