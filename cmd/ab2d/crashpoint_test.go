package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"ab2d/client"
)

// Points at which processes die, as kill -9 lets them.
var crashPoints = []string{
	"accepted", "planning", "planned", "middle of a part", "part written", "committing a part", "part committed", "finishing", "finished",
}

// withCrashPoints builds the program so that it can be told where to die, and
// lets this test use it.
func withCrashPoints(t *testing.T) {
	t.Helper()
	before := program
	program = filepath.Join(t.TempDir(), "ab2d")
	t.Cleanup(func() { program = before })
	if out, err := exec.Command("go", "build", "-tags", "crashpoints", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestCrashPoints lets the processes that come to a point die there, starts
// them again, and wants what an undisturbed export gives.
func TestCrashPoints(t *testing.T) {
	withCrashPoints(t)
	eachArrangement(t, func(a *arrangement) {
		want := a.finish(a.startExport())
		known := a.jobs()
		for _, point := range crashPoints {
			a.armed(point, func() {
				p := process{url: a.url}
				// Whether it is answered before somebody dies is left open.
				p.newClient(a.T, a.sponsor).Start(a.Context(), client.Request{})
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
	})
}

// TestCrashWhileSweeping: files of a cancelled job go, also when the sweep dies
// after the first.
func TestCrashWhileSweeping(t *testing.T) {
	withCrashPoints(t)
	eachArrangement(t, func(a *arrangement) {
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
