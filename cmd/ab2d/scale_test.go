package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// TestScale prints what an export of AB2D_SCALE enrollees takes on 1, 2 and 4
// worker processes, on PostgreSQL, with the files thrown away. AB2D_SCALE_SINCE
// is a _since, to have less than their whole history.
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("AB2D_SCALE"))
	if err != nil {
		t.Skip("only with AB2D_SCALE=number of enrollees; see make scale")
	}
	since, err := time.Parse(time.RFC3339, os.Getenv("AB2D_SCALE_SINCE"))
	if err != nil && os.Getenv("AB2D_SCALE_SINCE") != "" {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 2, 4} {
		a := &arrangement{T: t, program: program, database: testserver.Postgres(t)}
		shared := []string{"--database=" + a.database, "--files=discard:", "--claims=synthetic:" + strconv.Itoa(n), "--data=" + t.TempDir()}
		api := startProcess(t, nil, append([]string{"serve", "--workers=0", "--max-polls=1000", "--client-rate-factor=0", "--listen=127.0.0.1:0", "--key-file=" + keyFile(t)}, shared...)...)
		processes := []*process{api}
		for range workers {
			processes = append(processes, startProcess(t, nil, append([]string{"worker", "--workers=1"}, shared...)...))
		}
		id, secret := a.addClient("Z9999")
		c := api.newClient(t, synth.Sponsor{Credentials: []synth.Credential{{ID: id, Secrets: []string{secret}}}})
		began := time.Now()
		job, err := c.Start(t.Context(), client.Request{Since: since})
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Wait(t.Context(), job, nil)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		var claims, bytes int64
		for _, f := range m.Output {
			claims, bytes = claims+f.Count, bytes+f.Length
		}
		t.Logf("%d enrollees, %d workers: %.1f s, %d claims, %.1f GB, %d files; most memory of the API %s, of the workers %s",
			n, workers, took.Seconds(), claims, float64(bytes)/1e9, len(m.Output), peak(t, api), peaks(t, processes[1:]))
		for _, p := range processes {
			p.kill()
		}
	}
}

// TestLatency prints how long kick-off and status take while both processors
// are busy with a large export in the same process.
func TestLatency(t *testing.T) {
	if os.Getenv("AB2D_SCALE") == "" {
		t.Skip("only with AB2D_SCALE; see make scale")
	}
	data := filepath.Join(t.TempDir(), "data")
	a := &arrangement{T: t, program: program, database: "sqlite:" + filepath.Join(data, "ab2d.db")}
	p := startProcess(t, nil, "serve", "--data="+data, "--claims=synthetic:", "--workers=2", "--max-polls=1000", "--client-rate-factor=0", "--listen=127.0.0.1:0")
	clientOf := func(contract string) *client.Client {
		id, secret := a.addClient(contract)
		return p.newClient(t, synth.Sponsor{Credentials: []synth.Credential{{ID: id, Secrets: []string{secret}}}})
	}
	small, large := clientOf("Z0000"), clientOf("Z0010")
	if _, err := small.Start(t.Context(), client.Request{}); err != nil { // gets the token, which takes its time
		t.Fatal(err)
	}
	for name, run := range map[string]func() ([]time.Duration, []time.Duration){
		"idle": func() ([]time.Duration, []time.Duration) {
			n := 0
			return latencies(t, small, func() bool { n++; return n > 60 })
		},
		"during an export of 10,000 enrollees": func() ([]time.Duration, []time.Duration) {
			job, err := large.Start(t.Context(), client.Request{})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() { large.Wait(t.Context(), job, nil); close(done) }()
			return latencies(t, small, func() bool {
				select {
				case <-done:
					return true
				default:
					return false
				}
			})
		},
	} {
		kickOff, status := run()
		t.Logf("%s: kick-off p50 %s p99 %s, status p50 %s p99 %s, of %d each", name, quantile(kickOff, 50), quantile(kickOff, 99), quantile(status, 50), quantile(status, 99), len(kickOff))
	}
}

// latencies times kick-offs and requests for their status, one after another.
func latencies(t *testing.T, c *client.Client, until func() bool) (kickOff, status []time.Duration) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !until() {
		began := time.Now()
		job, err := c.Start(t.Context(), client.Request{Since: time.Now().Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		kickOff = append(kickOff, time.Since(began))
		ctx, cancel := context.WithCancel(t.Context())
		began = time.Now()
		c.Wait(ctx, job, func(client.Progress) { cancel() })
		cancel()
		status = append(status, time.Since(began))
		<-look.C
		if _, err := c.Wait(t.Context(), job, nil); err != nil {
			t.Fatal(err)
		}
	}
	return kickOff, status
}

func quantile(d []time.Duration, percent int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*percent/100)].Round(10 * time.Microsecond)
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that a process had.
func peak(t *testing.T, p *process) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	found := highWater.FindSubmatch(b)
	if err != nil || found == nil {
		return "unknown"
	}
	kb, _ := strconv.Atoi(string(found[1]))
	return strconv.Itoa(kb/1024) + " MB"
}

func peaks(t *testing.T, all []*process) string {
	var list []string
	for _, p := range all {
		list = append(list, peak(t, p))
	}
	return strings.Join(list, ", ")
}
