package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ab2d/client"
	"ab2d/internal/export"
	"ab2d/internal/files"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// TestArrangementsGiveTheSame: whoever exports, the files are the same.
func TestArrangementsGiveTheSame(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	all := map[string][]string{}
	t.Run("exports", func(t *testing.T) {
		eachArrangement(t, func(a *arrangement) {
			m := a.finish(a.startExport())
			mu.Lock()
			all[a.Name()] = results(m)
			mu.Unlock()
			dir := a.TempDir()
			p := process{url: a.url}
			if _, err := p.newClient(a.T, a.sponsor).Download(a.Context(), m.Output[0], dir, nil); err != nil {
				a.Error(err)
			}
		})
	})
	var first []string
	for name, files := range all {
		if first == nil {
			first = files
		}
		if diff := cmp.Diff(first, files); diff != "" {
			t.Errorf("%s gives other files:\n%s", name, diff)
		}
	}
}

// TestCancelStopsAndDeletes: files of a canceled job go, wherever its parts
// were under way.
func TestCancelStopsAndDeletes(t *testing.T) {
	t.Parallel()
	eachArrangement(t, func(a *arrangement) {
		job := a.startExport()
		a.progress(job, 20)
		p := process{url: a.url}
		if err := p.newClient(a.T, a.sponsor).Delete(a.Context(), job); err != nil {
			a.Fatal(err)
		}
		a.until("the files to go", func() error {
			if keys := a.stored(job); len(keys) > 0 {
				return fmt.Errorf("stored are %v", keys)
			}
			return nil
		})
	})
}

// fault disturbs an arrangement for a while.
type fault struct {
	name    string
	applies func(a *arrangement) bool // nil: to all
	disturb func(a *arrangement)
}

func severalProcesses(a *arrangement) bool { return len(a.processes) > 1 }
func onMachines(a *arrangement) bool       { return a.postgres && a.s3 }
func onADisk(a *arrangement) bool          { return !a.s3 }

// processFaults end or stop processes.
var processFaults = []fault{
	{"kill -9 of a worker", severalProcesses, func(a *arrangement) {
		last := len(a.processes) - 1
		a.processes[last].kill()
		a.restart(last)
	}},
	{"kill -9 of everything", nil, (*arrangement).restartAll},
	{"SIGTERM of a worker", nil, func(a *arrangement) {
		last := len(a.processes) - 1
		if err := a.processes[last].stop(); err != nil {
			a.Errorf("the worker did not stop cleanly: %v", err)
		}
		a.restart(last)
	}},
	// A worker that is stopped for longer than its lease resumes without knowing
	// that others have taken over.
	{"a zombie", severalProcesses, func(a *arrangement) {
		last := a.processes[len(a.processes)-1].cmd.Process
		last.Signal(syscall.SIGSTOP)
		a.idle(2500 * time.Millisecond)
		last.Signal(syscall.SIGCONT)
	}},
}

// storeFaults are those of the database and of the file store.
var storeFaults = []fault{
	{"database connections cut", onMachines, func(a *arrangement) {
		for range 5 {
			testserver.CutConnections(a.T, a.database)
			a.idle(50 * time.Millisecond)
		}
	}},
	{"file store down", onMachines, func(a *arrangement) {
		a.s3server.Stop()
		a.idle(1500 * time.Millisecond)
		a.s3server.Start(a.T)
	}},
	{"file store slow", onMachines, func(a *arrangement) {
		a.s3server.Pause()
		a.idle(2500 * time.Millisecond)
		a.s3server.Resume()
	}},
	{"disk full", onADisk, func(a *arrangement) {
		pid := a.processes[0].cmd.Process.Pid
		limit(a, pid, 1<<20)
		a.idle(time.Second)
		limit(a, pid, unix.RLIM_INFINITY)
	}},
}

// TestFaults disturbs each export by one fault. The export must end as an
// undisturbed one, within half a minute of the fault's end. Faults that both arrangements
// can have are tried in one of them; with AB2D_TEST_LONG in both.
func TestFaults(t *testing.T) {
	t.Parallel()
	eachArrangement(t, func(a *arrangement) {
		want := a.finish(a.startExport())
		for i, f := range slices.Concat(processFaults, storeFaults) {
			switch {
			case f.applies != nil && !f.applies(a):
			case f.applies == nil && os.Getenv("AB2D_TEST_LONG") == "" && a.postgres != (i%2 == 0): // the other arrangement has it
			default:
				a.survives(f, want)
			}
		}
	})
}

// survives disturbs one export, and compares it with an undisturbed one.
func (a *arrangement) survives(f fault, want *client.Manifest) {
	a.Helper()
	job := a.startExport()
	a.progress(job, 10)
	f.disturb(a)
	over := time.Now()
	got := a.finish(job)
	if took := time.Since(over); took > 30*time.Second {
		a.Errorf("%s: completed only %s after the fault", f.name, took)
	}
	a.check(job, want, got)
	a.Logf("%s: completed %s after", f.name, time.Since(over).Round(time.Millisecond))
}

// limit is the size up to which a process may write a file, which is as good
// as a full disk.
func limit(a *arrangement, pid int, bytes uint64) {
	a.Helper()
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
		a.Fatal(err)
	}
}

// idle lets a fault last: its length is what is tested.
func (a *arrangement) idle(d time.Duration) { <-time.After(d) }

// TestRandomKills kills random processes at random moments, while exports run, and
// starts them again, as often as AB2D_TORTURE says. Every kind of kill is in TestFaults
// and TestCrashPoints, which always run.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	n, err := strconv.Atoi(os.Getenv("AB2D_TORTURE"))
	if err != nil {
		t.Skip("only with AB2D_TORTURE=kills; see make torture")
	}
	kills := (n + 1) / 2 // in each arrangement
	eachArrangement(t, func(a *arrangement) {
		want := a.finish(a.startExport())
		done, jobs, longest := 0, 0, time.Duration(0)
		for done < kills {
			job := a.startExport()
			jobs++
			for range min(1+rand.IntN(3), kills-done) {
				a.idle(time.Duration(rand.IntN(500)) * time.Millisecond)
				victim := rand.IntN(len(a.processes))
				a.processes[victim].kill()
				done++
				a.restart(victim)
			}
			over := time.Now()
			got := a.finish(job)
			longest = max(longest, time.Since(over))
			a.check(job, want, got)
			if a.Failed() {
				break
			}
		}
		a.Logf("%d kills during %d exports; the longest took %s after the last kill", done, jobs, longest.Round(time.Millisecond))
		a.noOrphans()
	})
}

// noOrphans: nothing is stored but the files of jobs.
func (a *arrangement) noOrphans() {
	a.Helper()
	f, err := files.Open(a.files)
	if err != nil {
		a.Fatal(err)
	}
	jobs, err := f.(export.StoredJobs).Jobs(a.Context())
	if err != nil {
		a.Fatal(err)
	}
	for _, id := range jobs {
		keys, err := f.List(a.Context(), id)
		if err != nil {
			a.Fatal(err)
		}
		if len(keys) != 4 { // PDP-2000 has four parts
			a.Errorf("stored for job %s are %v", id, keys)
		}
	}
}

// TestASmallJobIsNotHeldUp: while PDP-10000 is exported, PDP-100 is done soon.
func TestASmallJobIsNotHeldUp(t *testing.T) {
	t.Parallel()
	eachArrangement(t, func(a *arrangement) {
		p := process{url: a.url}
		byName := func(name string) synth.Sponsor {
			i := slices.IndexFunc(synth.Sponsors(), func(s synth.Sponsor) bool { return s.Name == name })
			s := synth.Sponsors()[i]
			id, secret := a.addClient(s.Contract)
			s.Credentials = []synth.Credential{{ID: id, Secrets: []string{secret}}}
			return s
		}
		large, small := p.newClient(a.T, byName("PDP-10000")), p.newClient(a.T, byName("PDP-100"))
		big, err := large.Start(a.Context(), client.Request{})
		if err != nil {
			a.Fatal(err)
		}
		running := errors.New("it runs")
		ctx, cancel := context.WithCancelCause(a.Context())
		large.Wait(ctx, big, func(p client.Progress) {
			if p.Percent > 0 {
				cancel(running)
			}
		})
		if !errors.Is(context.Cause(ctx), running) {
			a.Fatal("the large export ended before the small one began")
		}
		job, err := small.Start(a.Context(), client.Request{})
		if err != nil {
			a.Fatal(err)
		}
		if _, err := small.Wait(a.Context(), job, nil); err != nil {
			a.Fatal(err)
		}
		stillRunning := false
		ctx, cancel = context.WithCancelCause(a.Context())
		large.Wait(ctx, big, func(p client.Progress) { stillRunning = true; cancel(running) })
		if !stillRunning {
			a.Error("the small export ended after the large one")
		}
		if err := large.Delete(a.Context(), big); err != nil {
			a.Error(err)
		}
	})
}
