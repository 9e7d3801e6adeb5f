package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/client"
	"ab2d/internal/synth"
)

// sponsor2000 has 2,000 enrollees: four parts.
func sponsor2000(t *testing.T) synth.Sponsor {
	t.Helper()
	for _, s := range synth.Sponsors() {
		if s.Name == "PDP-2000" {
			return s
		}
	}
	t.Fatal("no PDP-2000")
	return synth.Sponsor{}
}

// newClient is a client of the sponsor that polls often.
func (p *process) newClient(t *testing.T, s synth.Sponsor) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		BaseURL: p.url + "/api/v1/fhir", TokenURL: p.url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token",
		ClientID: s.Credentials[0].ID, ClientSecret: s.Credentials[0].Secrets[0],
		Sleep: func(ctx context.Context, _ time.Duration) error {
			select {
			case <-time.After(20 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errKilled ends a wait because the server was killed.
var errKilled = errors.New("killed")

// TestKill9 kills a real sandbox in the middle of an export, several times,
// and starts it again: the export completes, with the same bytes as one that
// nobody disturbed, and nothing else is left behind. It does not wait for the leases
// of the processes that were killed.
func TestKill9(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	sponsor := sponsor2000(t)
	args := []string{"--data=" + data, "--workers=1", "--lease=1m", "--max-polls=1000", "--client-rate-factor=0", "--listen=localhost:0"}
	p := startProcess(t, nil, args...)
	undisturbed, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	want := p.wait(t, sponsor, undisturbed, nil)

	job, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	// The first kill comes when a part is done and another is under way, the
	// others at any moment.
	kills := 0
	var got *client.Manifest
	var began time.Time
	for got == nil {
		after := time.Duration(rand.IntN(600)) * time.Millisecond
		began = time.Now()
		got = p.wait(t, sponsor, job, func(percent int) bool {
			return kills == 0 && percent >= 25 || kills == 1 && time.Since(began) > after
		})
		if got == nil {
			p.kill()
			kills++
			p = startProcess(t, nil, args...)
			job.StatusURL = p.url + job.StatusURL[strings.Index(job.StatusURL, "/api/"):]
		}
	}
	took := time.Since(began)
	t.Logf("killed %d times; %s after the last one", kills, took)
	if took > time.Minute {
		t.Errorf("the export went on %s after the last kill: when the lease had lapsed", took)
	}
	if kills == 0 {
		t.Error("the export was not killed: the test tests nothing")
	}
	if diff := cmp.Diff(results(want), results(got)); diff != "" {
		t.Errorf("the killed export differs from the undisturbed one:\n%s", diff)
	}
	p.sameBytes(t, data, undisturbed, job)
}

// wait waits for the job, or until kill says so; then it returns nil.
func (p *process) wait(t *testing.T, s synth.Sponsor, job client.Job, kill func(percent int) bool) *client.Manifest {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	m, err := p.newClient(t, s).Wait(ctx, job, func(progress client.Progress) {
		if kill != nil && kill(progress.Percent) {
			cancel(errKilled)
		}
	})
	if errors.Is(context.Cause(ctx), errKilled) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// results are what does not depend on the job's id.
func results(m *client.Manifest) []string {
	var files []string
	for _, f := range append(slices.Clone(m.Output), m.Error...) {
		name, _ := f.Name()
		files = append(files, fmt.Sprintf("%s %d lines %d bytes %x", name, f.Count, f.Length, f.SHA256))
	}
	return files
}

// sameBytes holds what is stored for two jobs against each other, part by part:
// only the number of tries in a file's name may differ. It waits for the sweep.
func (p *process) sameBytes(t *testing.T, data string, jobs ...client.Job) {
	t.Helper()
	stored := func(j client.Job) map[string]string {
		id := strings.Split(j.StatusURL, "/Job/")[1]
		id = strings.TrimSuffix(id, "/$status")
		files, err := filepath.Glob(filepath.Join(data, "files", id, "*"))
		if err != nil {
			t.Fatal(err)
		}
		content := map[string]string{}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.Split(filepath.Base(f), "-")
			key := name[0] + "-" + name[len(name)-1]
			if content[key] != "" {
				key = filepath.Base(f) // of another try
			}
			content[key] = string(b)
		}
		return content
	}
	look, patience := time.NewTicker(50*time.Millisecond), time.After(10*time.Second)
	defer look.Stop()
	for {
		a, b := stored(jobs[0]), stored(jobs[1])
		if cmp.Equal(a, b) && len(a) > 3 {
			return
		}
		select {
		case <-look.C:
		case <-patience:
			t.Fatalf("the stored files differ: %v and %v", names(a), names(b))
		}
	}
}

func names(m map[string]string) []string {
	var all []string
	for name, content := range m {
		all = append(all, fmt.Sprintf("%s (%d bytes)", name, len(content)))
	}
	slices.Sort(all)
	return all
}

// TestStopDuringExport: SIGTERM in the middle of an export loses nothing, and
// the next start goes on at once, without waiting for a lease to lapse.
func TestStopDuringExport(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	sponsor := sponsor2000(t)
	args := []string{"--data=" + data, "--workers=2", "--lease=10m", "--max-polls=1000", "--client-rate-factor=0", "--listen=localhost:0"}
	p := startProcess(t, nil, args...)
	job, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if m := p.wait(t, sponsor, job, func(percent int) bool { return percent > 0 }); m != nil {
		t.Fatal("the export ended before it could be stopped")
	}
	if err := p.stop(); err != nil {
		t.Fatalf("the server did not stop cleanly: %v", err)
	}
	p = startProcess(t, nil, args...)
	job.StatusURL = p.url + job.StatusURL[strings.Index(job.StatusURL, "/api/"):]
	if m := p.wait(t, sponsor, job, nil); len(m.Output) != 4 {
		t.Errorf("%d files, want 4", len(m.Output))
	}
	resp, err := http.Get(p.url + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("health answers %s", resp.Status)
	}
}

// TestReadinessTurnsOffFirst: told to stop, a server says so before it takes no
// more requests, and then ends well.
func TestReadinessTurnsOffFirst(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--data="+t.TempDir(), "--listen=localhost:0", "--drain=5s")
	status := func() int {
		resp, err := http.Get(p.url + "/health")
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if s := status(); s != http.StatusOK {
		t.Fatalf("health answers %d", s)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	look, patience := time.NewTicker(10*time.Millisecond), time.After(10*time.Second)
	defer look.Stop()
	last := status()
	for last == http.StatusOK {
		select {
		case <-look.C:
			last = status()
		case <-patience:
			t.Fatal("health does not turn off")
		}
	}
	if last != http.StatusServiceUnavailable {
		t.Errorf("while it stops, health answers %d", last)
	}
	if err := <-stopped; err != nil {
		t.Errorf("it ended by %v", err)
	}
}
