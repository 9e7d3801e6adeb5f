package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ab2d/client"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/files"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// arrangement is a set of processes that together are a server. The tests do
// not know which.
type arrangement struct {
	*testing.T
	database, files string
	env             []string
	api             []string // arguments of the process that answers
	workers         []string // arguments of each worker process; nil: the API works itself
	postgres, s3    bool
	s3server        *testserver.S3Server

	processes []*process // the API first
	url       string
	sponsor   synth.Sponsor // with credentials that the server knows
}

// arrangements are the two that must not be told apart.
var arrangements = map[string]func(*testing.T) *arrangement{
	"one process": func(t *testing.T) *arrangement {
		data := filepath.Join(t.TempDir(), "data")
		return &arrangement{T: t, files: "dir:" + filepath.Join(data, "files"), database: "sqlite:" + filepath.Join(data, "ab2d.db"),
			api: []string{"serve", "--data=" + data, "--claims=synthetic:", "--lease=1s", "--workers=2", "--max-polls=1000"}}
	},
	"API and two workers": func(t *testing.T) *arrangement {
		s3 := testserver.S3(t)
		s3.Setenv(t)
		a := &arrangement{T: t, database: testserver.Postgres(t), files: s3.Address("results"), env: s3.Env(), postgres: true, s3: true, s3server: s3}
		shared := []string{"--database=" + a.database, "--files=" + a.files, "--claims=synthetic:", "--lease=1s"}
		a.api = append([]string{"serve", "--workers=0", "--max-polls=1000", "--data=" + t.TempDir(), "--key-file=" + keyFile(t)}, shared...)
		a.workers = append([]string{"worker", "--workers=1", "--data=" + t.TempDir()}, shared...)
		return a
	},
}

// keyFile is a key that servers on one database share.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := auth.OpenSeal(path, true); err != nil {
		t.Fatal(err)
	}
	return path
}

// eachArrangement runs a test on both.
func eachArrangement(t *testing.T, test func(a *arrangement)) {
	for name, arrange := range arrangements {
		t.Run(name, func(t *testing.T) {
			a := arrange(t)
			a.start()
			test(a)
		})
	}
}

// start starts all processes, and makes the sponsor a client.
func (a *arrangement) start() {
	a.Helper()
	a.processes = []*process{startProcess(a, a.env, append(a.api, "--listen=127.0.0.1:0")...)}
	a.url = a.processes[0].url
	for range 2 {
		if a.workers != nil {
			a.processes = append(a.processes, startProcess(a, a.env, a.workers...))
		}
	}
	a.sponsor = sponsor2000(a.T)
	id, secret := a.addClient(a.sponsor.Contract)
	a.sponsor.Credentials = []synth.Credential{{ID: id, Secrets: []string{secret}}}
}

var credential = regexp.MustCompile(`client id +(\S+)\nclient secret +(\S+)\n`)

func (a *arrangement) addClient(contract string) (id, secret string) {
	a.Helper()
	return addClient(a, contract, "--database="+a.database, "--data="+a.TempDir())
}

// addClient adds a client as an operator does.
func addClient(t testing.TB, contract string, where ...string) (id, secret string) {
	t.Helper()
	args := append([]string{"admin", "client", "add", contract, "--max-jobs=9"}, where...)
	out, err := exec.CommandContext(t.Context(), program, args...).Output()
	found := credential.FindStringSubmatch(string(out))
	if err != nil || found == nil {
		t.Fatalf("%v: %s", err, out)
	}
	return found[1], found[2]
}

// restart starts process i again after it was killed; the API at its address.
func (a *arrangement) restart(i int) {
	a.Helper()
	args := a.workers
	if i == 0 {
		args = append(a.api, "--listen="+strings.TrimPrefix(a.url, "http://"))
	}
	a.processes[i] = startProcess(a, a.env, args...)
}

func (a *arrangement) startExport() client.Job {
	a.Helper()
	p := process{url: a.url}
	var job client.Job
	a.until("an export to be accepted", func() (err error) {
		job, err = p.newClient(a.T, a.sponsor).Start(a.Context(), client.Request{})
		return err
	})
	return job
}

// until tries again what may fail while something is down.
func (a *arrangement) until(what string, try func() error) {
	a.Helper()
	look, patience := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
	defer look.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-look.C:
		case <-patience:
			a.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

// finish waits for the job's end. It outlasts faults of the server.
func (a *arrangement) finish(job client.Job) *client.Manifest {
	a.Helper()
	p := process{url: a.url}
	var m *client.Manifest
	a.until("the job's end", func() (err error) {
		m, err = p.newClient(a.T, a.sponsor).Wait(a.Context(), job, nil)
		return err
	})
	return m
}

// progress waits until the job has made some.
func (a *arrangement) progress(job client.Job, percent int) {
	a.Helper()
	p := process{url: a.url}
	if m := p.wait(a.T, a.sponsor, job, func(at int) bool { return at >= percent }); m != nil {
		a.Log("the export ended before it could be disturbed")
	}
}

// check holds a job that was disturbed against one that was not: same files,
// ledger complete, nothing left over.
func (a *arrangement) check(job client.Job, want, got *client.Manifest) {
	a.Helper()
	if diff := cmp.Diff(results(want), results(got)); diff != "" {
		a.Errorf("the disturbed export differs from the undisturbed one:\n%s", diff)
	}
	if string(want.Totals) != string(got.Totals) {
		a.Errorf("the ledger sums up to %s, undisturbed to %s", got.Totals, want.Totals)
	}
	a.until("the sweep", func() error {
		if keys := a.stored(job); len(keys) != len(got.Output)+len(got.Error) {
			return fmt.Errorf("stored are %v", keys)
		}
		return nil
	})
}

// stored lists what is stored for a job.
func (a *arrangement) stored(job client.Job) []string {
	a.Helper()
	f, err := files.Open(a.files)
	if err != nil {
		a.Fatal(err)
	}
	keys, err := f.List(a.Context(), jobID(job))
	if err != nil {
		a.Fatal(err)
	}
	return keys
}

func jobID(job client.Job) string {
	_, id, _ := strings.Cut(job.StatusURL, "/Job/")
	return strings.TrimSuffix(id, "/$status")
}

// TestArrangementsGiveTheSame: whoever exports, the files are the same.
func TestArrangementsGiveTheSame(t *testing.T) {
	var mu sync.Mutex
	all := map[string][]string{}
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

// TestFaults disturbs exports in one way each, and wants them to end as if
// nothing had been, within half a minute of the fault's end.
func TestFaults(t *testing.T) {
	faults := map[string]func(a *arrangement, job client.Job){
		"kill -9 of a worker": func(a *arrangement, _ client.Job) {
			last := len(a.processes) - 1
			a.processes[last].kill()
			a.restart(last)
		},
		"kill -9 of everything": func(a *arrangement, _ client.Job) {
			for _, p := range a.processes {
				p.kill()
			}
			for i := range a.processes {
				a.restart(i)
			}
		},
		"SIGTERM of a worker": func(a *arrangement, _ client.Job) {
			last := len(a.processes) - 1
			if err := a.processes[last].stop(); err != nil {
				a.Errorf("the worker did not stop cleanly: %v", err)
			}
			a.restart(last)
		},
		// Stopped for longer than its lease, a worker goes on and does not know
		// that others have taken over.
		"a zombie": func(a *arrangement, _ client.Job) {
			last := a.processes[len(a.processes)-1].cmd.Process
			last.Signal(syscall.SIGSTOP)
			if len(a.processes) > 1 {
				a.idle(2500 * time.Millisecond)
			}
			last.Signal(syscall.SIGCONT)
		},
		"database connections cut": func(a *arrangement, _ client.Job) {
			if a.postgres {
				for range 5 {
					testserver.CutConnections(a.T)
					a.idle(50 * time.Millisecond)
				}
			}
		},
		"file store down": func(a *arrangement, _ client.Job) {
			if a.s3 {
				a.s3server.Stop()
				a.idle(1500 * time.Millisecond)
				a.s3server.Start(a.T)
			}
		},
		"file store slow": func(a *arrangement, _ client.Job) {
			if a.s3 {
				a.s3server.Pause()
				a.idle(2500 * time.Millisecond)
				a.s3server.Resume()
			}
		},
		"disk full": func(a *arrangement, _ client.Job) {
			if !a.s3 {
				pid := a.processes[0].cmd.Process.Pid
				limit(a, pid, 1<<20)
				a.idle(time.Second)
				limit(a, pid, unix.RLIM_INFINITY)
			}
		},
	}
	eachArrangement(t, func(a *arrangement) {
		want := a.finish(a.startExport())
		for name, disturb := range faults {
			job := a.startExport()
			a.progress(job, 10)
			disturb(a, job)
			over := time.Now()
			got := a.finish(job)
			if took := time.Since(over); took > 30*time.Second {
				a.Errorf("%s: completed only %s after the fault", name, took)
			}
			a.check(job, want, got)
			a.Logf("%s: completed %s after", name, time.Since(over).Round(time.Millisecond))
		}
	})
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

// TestRandomKills kills random processes at random moments, while exports run,
// and starts them again: a dozen times, or as often as AB2D_TORTURE says.
func TestRandomKills(t *testing.T) {
	kills := 6 // in each arrangement
	if s := os.Getenv("AB2D_TORTURE"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("AB2D_TORTURE=%s: give a number of kills", s)
		}
		kills = (n + 1) / 2
	}
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
