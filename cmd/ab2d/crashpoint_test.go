package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"ab2d/client"
	"ab2d/internal/audit"
)

// Points at which processes die, as kill -9 lets them.
var crashPoints = []string{
	"accepted", "planning", "planned", "middle of a part", "part written", "committing a part", "part committed", "finishing", "finished",
}

// TestCrashPoints lets the processes that come to a point die there, starts
// them again, and wants what an undisturbed export gives. Each point is tried in one of
// the arrangements; with AB2D_TEST_LONG in both.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	eachCrashing(t, func(a *arrangement) {
		want := a.finish(a.startExport())
		known := a.jobs()
		for i, point := range crashPoints {
			if os.Getenv("AB2D_TEST_LONG") == "" && a.postgres != (i%2 == 0) {
				continue // the other arrangement has it
			}
			a.armed(point, func() {
				p := process{url: a.url}
				// Whether it is answered before somebody dies is left open.
				p.newClient(a.T, a.sponsor).Start(a.Context(), client.Request{Since: a.since})
				a.awaitDeath()
			})
			found := 0
			for _, id := range a.jobs() {
				if slices.Contains(known, id) {
					continue
				}
				known = append(known, id)
				found++
				job := client.Job{StatusURL: a.url + "/api/v1/fhir/Job/" + id + "/$status"}
				a.check(job, want, a.finish(job))
			}
			if found != 1 {
				a.Errorf("%s: %d jobs were accepted, want 1", point, found)
			}
		}
		record := a.record()
		for _, id := range known {
			if n, m := record[aboutJob{audit.JobAccepted, id}], record[aboutJob{audit.JobCompleted, id}]; n != 1 || m != 1 {
				a.Errorf("job %s was accepted %d times and completed %d times, says the audit", id, n, m)
			}
		}
	})
}

// aboutJob is an event of a job.
type aboutJob struct {
	event audit.Event
	job   string
}

// record counts the events of jobs in the audit, which has to be whole.
func (a *arrangement) record() map[aboutJob]int {
	a.Helper()
	where := []string{"--database=" + a.database, "--data=" + a.TempDir()}
	if out, err := exec.Command(program, append([]string{"audit", "verify"}, where...)...).CombinedOutput(); err != nil {
		a.Fatalf("the record is not whole: %s", out)
	}
	out, err := exec.Command(program, append([]string{"audit", "export"}, where...)...).Output()
	if err != nil {
		a.Fatal(err)
	}
	counts := map[aboutJob]int{}
	for line := range strings.Lines(string(out)) {
		var l struct{ Entry audit.Entry }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			a.Fatal(err)
		}
		counts[aboutJob{l.Entry.Event, l.Entry.Job}]++
	}
	return counts
}

// TestCrashWhileSending: no byte of a file leaves before it is on record that
// it does.
func TestCrashWhileSending(t *testing.T) {
	t.Parallel()
	eachCrashing(t, func(a *arrangement) {
		job := a.startExport()
		file := a.finish(job).Output[0].URL
		began, before := aboutJob{audit.DownloadBegan, path.Base(path.Dir(job.StatusURL))}, a.record()
		for point, want := range map[string]int{"download begins": 0, "download recorded": 1} {
			a.armed(point, func() {
				r, err := http.NewRequestWithContext(a.Context(), "GET", file, nil)
				if err != nil {
					a.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+a.token())
				if resp, err := http.DefaultClient.Do(r); err == nil {
					a.Errorf("%s: answered %s", point, resp.Status)
					resp.Body.Close()
				}
				a.awaitDeath()
			})
			after := a.record()
			if got := after[began] - before[began]; got != want {
				a.Errorf("%s: %d entries, want %d", point, got, want)
			}
			if n := after[aboutJob{audit.DownloadEnded, began.job}]; n != before[aboutJob{audit.DownloadEnded, began.job}] {
				a.Errorf("%s: a download ended, says the audit", point)
			}
			before = after
		}
	})
}

// token gets an access token for the sponsor.
func (a *arrangement) token() string {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), "POST", a.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials", nil)
	if err != nil {
		a.Fatal(err)
	}
	r.SetBasicAuth(a.sponsor.Credentials[0].ID, a.sponsor.Credentials[0].Secrets[0])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	var grant struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&grant); err != nil || grant.Token == "" {
		a.Fatal(resp.Status, err)
	}
	return grant.Token
}

// TestCrashWhileSweeping: files of a canceled job go, also when the sweep dies
// after the first.
func TestCrashWhileSweeping(t *testing.T) {
	t.Parallel()
	eachCrashing(t, func(a *arrangement) {
		job := a.startExport()
		a.finish(job)
		a.armed("sweeping", func() {
			p := process{url: a.url}
			if err := p.newClient(a.T, a.sponsor).Delete(a.Context(), job); err != nil {
				a.Fatal(err)
			}
			a.awaitDeath()
		})
		a.until("the files to go", func() error {
			if keys := a.stored(job); len(keys) > 0 {
				return fmt.Errorf("stored are %v", keys)
			}
			return nil
		})
	})
}

// armed restarts all processes so that they die at a point, runs do, and
// restarts them as they were.
func (a *arrangement) armed(point string, do func()) {
	a.Helper()
	env := a.env
	a.env = append(append([]string{}, env...), "AB2D_CRASH_AT="+point)
	a.restartAll()
	do()
	a.env = env
	a.restartAll()
}

func (a *arrangement) restartAll() {
	a.Helper()
	for _, p := range a.processes {
		p.kill()
	}
	for i := range a.processes {
		a.restart(i)
	}
}

// awaitDeath waits until a process dies by itself.
func (a *arrangement) awaitDeath() {
	a.Helper()
	a.until("a process to die", func() error {
		for _, p := range a.processes {
			select {
			case <-p.dead:
				return nil
			default:
			}
		}
		return errors.New("all live")
	})
}

// jobs lists the ids of all jobs.
func (a *arrangement) jobs() []string {
	a.Helper()
	out, err := exec.Command(program, "admin", "job", "list", "--json", "--database="+a.database, "--data="+a.TempDir()).Output()
	if err != nil {
		a.Fatalf("%v: %s", err, out)
	}
	var list []struct{ ID string }
	if err := json.Unmarshal(out, &list); err != nil {
		a.Fatal(err)
	}
	var ids []string
	for _, j := range list {
		ids = append(ids, j.ID)
	}
	return ids
}
