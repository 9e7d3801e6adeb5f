package export_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/files"
	"ab2d/internal/store"
)

// engine is intake and workers on a real database and a real directory.
type engine struct {
	*testing.T
	source *exporttest.Source
	clock  *exporttest.Clock
	db     *store.DB
	files  export.Files
	intake *export.Intake
	worker export.Worker // a pattern; each run takes a copy
	log    bytes.Buffer
}

func newEngine(t *testing.T, source *exporttest.Source) *engine {
	e := &engine{T: t, source: source, clock: exporttest.NewClock()}
	var err error
	if e.db, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), e.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.db.Close() })
	if e.files, err = files.Open("dir:" + t.TempDir()); err != nil {
		t.Fatal(err)
	}
	notifier := export.NewNotifier()
	e.intake = &export.Intake{Jobs: e.db, Roster: source.Roster(), Notifier: notifier, Now: e.clock.Now}
	settings := export.DefaultSettings()
	settings.PartEnrollees = 10
	settings.Idle = 5 * time.Millisecond
	e.worker = export.Worker{
		Name: "test", Queue: e.db, Jobs: e.db, Ledgers: e.db, Roster: source.Roster(), Claims: source, Files: e.files, Notifier: notifier, Now: e.clock.Now,
		Log: slog.New(slog.NewTextHandler(&e.log, nil)), Settings: settings,
	}
	return e
}

func (e *engine) accept(change ...func(*export.Request)) *export.Job {
	e.Helper()
	c, err := e.intake.Entitled(e.Context(), "Z0000")
	if err != nil {
		e.Fatal(err)
	}
	r := export.Request{Contract: c, Client: "client", MaxJobs: 9, Version: fhir.V2, URL: "http://h/x"}
	for _, f := range change {
		f(&r)
	}
	j, err := e.intake.Accept(e.Context(), r)
	if err != nil {
		e.Fatal(err)
	}
	return j
}

// start starts n workers; the returned function stops them.
func (e *engine) start(n int) (stop func()) {
	ctx, cancel := context.WithCancel(e.Context())
	var wg sync.WaitGroup
	for range n {
		w := e.worker
		wg.Go(func() { w.Run(ctx) })
	}
	return func() { cancel(); wg.Wait() }
}

// until waits for something that the workers bring about.
func (e *engine) until(what string, done func() bool) {
	e.Helper()
	look, patience := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-patience:
			e.Fatalf("waited in vain for %s; log:\n%s", what, e.log.String())
		}
	}
}

func (e *engine) job(id string) *export.Job {
	e.Helper()
	j, err := e.db.Job(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	return j
}

// run runs the job to its end with n workers.
func (e *engine) run(j *export.Job, n int) *export.Job {
	e.Helper()
	stop := e.start(n)
	defer stop()
	e.until("the job's end", func() bool { return e.job(j.ID).State.Ended() })
	return e.job(j.ID)
}

// stored lists what is stored for a job.
func (e *engine) stored(id string) []string {
	e.Helper()
	keys, err := e.files.List(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	return keys
}

// content reads the files of one kind, each checked against its row.
func (e *engine) content(id string, k export.Kind) string {
	e.Helper()
	list, err := e.db.Files(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	var all strings.Builder
	for _, f := range list {
		if f.Kind != k {
			continue
		}
		b := e.read(f)
		all.Write(b)
		if sum := sha256.Sum256(b); !bytes.Equal(sum[:], f.SHA256) || f.Length != int64(len(b)) || f.Count != int64(bytes.Count(b, []byte("\n"))) {
			e.Errorf("file %s does not match its row %+v", f.Name, f)
		}
	}
	return all.String()
}

func (e *engine) read(f export.File) []byte {
	e.Helper()
	r, err := e.files.Open(e.Context(), f.Key)
	if err != nil {
		e.Fatal(err)
	}
	defer r.Close()
	stored, err := io.ReadAll(r)
	if err != nil || int64(len(stored)) != f.Stored {
		e.Fatalf("%d bytes are stored, %v; the row says %d", len(stored), err, f.Stored)
	}
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		e.Fatal(err)
	}
	z.Multistream(false) // one member a file
	b, err := io.ReadAll(z)
	if err != nil {
		e.Fatal(err)
	}
	return b
}
