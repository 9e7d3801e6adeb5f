package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/client"
	"ab2d/internal/auth"
	"ab2d/internal/files"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// arrangement is a set of processes that together are a server. The tests do
// not know which.
type arrangement struct {
	*testing.T
	program         string // the path of what runs
	database, files string
	env             []string
	api             []string // arguments of the process that answers
	workers         []string // arguments of each worker process; nil: the API works itself
	postgres, s3    bool
	s3server        *testserver.S3Server

	processes []*process // the API first
	url       string
	sponsor   synth.Sponsor // with credentials that the server knows
	since     time.Time     // of every export
}

// arrangements are the two that must not be told apart.
var arrangements = map[string]func(*testing.T) *arrangement{
	"one process": func(t *testing.T) *arrangement {
		data := filepath.Join(t.TempDir(), "data")
		return &arrangement{T: t, files: "dir:" + filepath.Join(data, "files"), database: "sqlite:" + filepath.Join(data, "ab2d.db"),
			api: []string{"serve", "--data=" + data, "--claims=synthetic:", "--lease=1s", "--workers=2", "--max-polls=1000", "--client-rate-factor=0"}}
	},
	"API and two workers": func(t *testing.T) *arrangement {
		s3 := testserver.S3(t)
		a := &arrangement{T: t, database: testserver.Postgres(t), files: s3.Address("results"), env: s3.Env(), postgres: true, s3: true, s3server: s3}
		shared := []string{"--database=" + a.database, "--files=" + a.files, "--claims=synthetic:", "--lease=1s"}
		a.api = append([]string{"serve", "--workers=0", "--max-polls=1000", "--client-rate-factor=0", "--data=" + t.TempDir(), "--key-file=" + keyFile(t)}, shared...)
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

// eachArrangement runs a test on both, with exports of everything.
func eachArrangement(t *testing.T, test func(a *arrangement)) {
	for name, arrange := range arrangements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arrange(t)
			a.program = program
			a.start()
			test(a)
		})
	}
}

// eachCrashing runs a test on both, with programs that can be told where to die.
// Where they die does not depend on how much they export, so the exports are of
// half a year: a fifth of the work, in as many parts. With AB2D_TEST_LONG they
// are of everything.
func eachCrashing(t *testing.T, test func(a *arrangement)) {
	if testing.Short() {
		t.Skip("kills servers, which -short leaves out")
	}
	path, err := crashing()
	if err != nil {
		t.Fatal(err)
	}
	for name, arrange := range arrangements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arrange(t)
			a.program = path
			if os.Getenv("AB2D_TEST_LONG") == "" {
				a.since = time.Now().AddDate(0, -6, 0).Truncate(time.Second)
			}
			a.start()
			test(a)
		})
	}
}

// start starts all processes, and makes the sponsor a client.
func (a *arrangement) start() {
	a.Helper()
	a.processes = []*process{startProgram(a, a.program, a.env, append(a.api, "--listen=127.0.0.1:0")...)}
	a.url = a.processes[0].url
	for range 2 {
		if a.workers != nil {
			a.processes = append(a.processes, startProgram(a, a.program, a.env, a.workers...))
		}
	}
	a.sponsor = sponsor2000(a.T)
	id, secret := a.addClient(a.sponsor.Contract)
	a.sponsor.Credentials = []synth.Credential{{ID: id, Secrets: []string{secret}}}
}

var credential = regexp.MustCompile(`client id +(\S+)\nclient secret +(\S+)\n`)

func (a *arrangement) addClient(contract string) (id, secret string) {
	a.Helper()
	return addClientWith(a, a.program, contract, "--database="+a.database, "--data="+a.TempDir())
}

// addClient adds a client as an operator does.
func addClient(t testing.TB, contract string, where ...string) (id, secret string) {
	t.Helper()
	return addClientWith(t, program, contract, where...)
}

func addClientWith(t testing.TB, program, contract string, where ...string) (id, secret string) {
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
	a.processes[i] = startProgram(a, a.program, a.env, args...)
}

func (a *arrangement) startExport() client.Job {
	a.Helper()
	p := process{url: a.url}
	var job client.Job
	a.until("an export to be accepted", func() (err error) {
		job, err = p.newClient(a.T, a.sponsor).Start(a.Context(), client.Request{Since: a.since})
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
