package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

// unfolded is a data directory whose claims came in many loads.
type unfolded struct {
	*testing.T
	data string
	set  string // the newest of the sets that were imported
}

// TestUnfoldedLoads imports what changed from month to month, and wants the expected
// results: with all deltas, after a process that folds them was killed, and when they are
// folded.
func TestUnfoldedLoads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills a server, which -short leaves out")
	}
	u := &unfolded{T: t, data: filepath.Join(t.TempDir(), "data")}
	u.load(10)
	deltas := u.count(`select count(*) from delta`)
	if deltas == 0 || u.count(`select count(*) from delta where fold = 1`) == 0 {
		t.Fatal("the loads have made no deltas that are worth folding")
	}
	u.check("with deltas")

	crash, err := crashing()
	if err != nil {
		t.Fatal(err)
	}
	killed := u.serve(crash, "AB2D_CRASH_AT=folding")
	if err := killed.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	if n := u.count(`select count(*) from delta`); n != deltas {
		t.Errorf("after the kill there are %d deltas, want %d", n, deltas)
	}
	u.check("after the kill")

	folding := u.serve(program)
	defer folding.Wait()
	defer folding.Process.Kill()
	deadline := time.Now().Add(time.Minute)
	for u.count(`select count(*) from load where digest = 'refresh:fold'`) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nothing was folded in a minute")
		}
		time.Sleep(20 * time.Millisecond)
	}
	u.check("folded")
}

// serve starts a server, which folds at once.
func (u *unfolded) serve(path string, env ...string) *exec.Cmd {
	u.Helper()
	cmd := exec.Command(path, "serve", "--claims=store:", "--listen=127.0.0.1:0", "--data="+u.data)
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	return cmd
}

// load imports the sets of months, one after the other, of each only what is new.
func (u *unfolded) load(months int) {
	u.Helper()
	seen := map[string]bool{}
	for i := range months {
		u.set = filepath.Join(u.TempDir(), "set")
		at := time.Date(2026, 1+time.Month(i), 1, 12, 0, 0, 0, time.UTC)
		u.run("synth", "--enrollees=25", "--seed=7", "--plain", "--as-of="+at.Format(time.RFC3339), "--out="+u.set)
		b, err := os.ReadFile(filepath.Join(u.set, "claims-r4.ndjson"))
		if err != nil {
			u.Fatal(err)
		}
		var changed []byte
		for line := range bytes.Lines(b) {
			if !seen[string(line)] {
				seen[string(line)] = true
				changed = append(changed, line...)
			}
		}
		file := filepath.Join(u.TempDir(), fmt.Sprintf("month-%d.ndjson", i))
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			u.Fatal(err)
		}
		for _, args := range [][]string{{"contracts", "contracts.csv"}, {"enrollment", "enrollment.csv"}, {"opt-outs", "opt-outs.txt"}} {
			u.run("import", args[0], filepath.Join(u.set, args[1]), "--data="+u.data)
		}
		u.run("import", "claims", file, "--data="+u.data)
	}
}

func (u *unfolded) run(args ...string) {
	u.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		u.Fatalf("ab2d %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// count asks the database.
func (u *unfolded) count(query string) (n int) {
	u.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(u.data, "ab2d.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		u.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(u.Context(), query).Scan(&n); err != nil {
		u.Fatal(err)
	}
	return n
}

// check compares what an export of everything would deliver with the expected results.
func (u *unfolded) check(when string) {
	u.Helper()
	db, err := store.Open(u.Context(), "sqlite:"+filepath.Join(u.data, "ab2d.db"), nil)
	if err != nil {
		u.Fatal(err)
	}
	defer db.Close()
	for _, number := range []string{"Z9001", "Z9002"} {
		want, err := os.ReadFile(filepath.Join(u.set, "expected-"+number+".tsv"))
		if err != nil {
			u.Fatal(err)
		}
		expected := slices.Sorted(strings.Lines(string(want)))
		got := u.delivered(db, number)
		if len(expected) == 0 || !slices.Equal(got, expected) {
			u.Errorf("%s, %s: %d claims, want the %d of the expected results", when, number, len(got), len(expected))
		}
	}
}

// delivered are the claims of a contract, as the expected results list them.
func (u *unfolded) delivered(db *store.DB, number string) []string {
	u.Helper()
	try := func(err error) {
		if err != nil {
			u.Fatal(err)
		}
	}
	contract, err := db.Contract(u.Context(), number)
	try(err)
	snapshot, err := db.Snapshot(u.Context(), number)
	try(err)
	enrollees, err := db.Enrollees(u.Context(), number, snapshot, -1<<63, 1<<20)
	try(err)
	r, err := db.Open(u.Context(), export.Query{Version: fhir.V2, Snapshot: snapshot, First: -1 << 63, Last: 1<<63 - 1})
	try(err)
	defer r.Close()
	all := &tabulated{}
	for i := range enrollees {
		if enrollees[i].OptedOut {
			continue
		}
		all.selection = &coverage.Selection{Contract: contract, Enrollee: &enrollees[i], Until: time.Now()}
		try(r.Write(u.Context(), all.selection, all))
	}
	slices.Sort(all.lines)
	return all.lines
}

// tabulated is a sink that lists claims.
type tabulated struct {
	selection *coverage.Selection
	lines     []string
}

func (l *tabulated) Wants(c *coverage.Claim) bool { return l.selection.Verdict(c) == coverage.Deliver }

func (l *tabulated) Line(line []byte) error {
	var c struct {
		ID, Status string
		Patient    struct{ Reference string }
		Meta       struct{ LastUpdated string }
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return err
	}
	l.lines = append(l.lines, strings.Join([]string{c.ID, c.Patient.Reference, c.Meta.LastUpdated, c.Status}, "\t")+"\n")
	return nil
}

func (l *tabulated) Segment(_ segment.Segment, plain []byte, _ int64) error {
	for line := range bytes.Lines(plain) {
		if err := l.Line(line); err != nil {
			return err
		}
	}
	return nil
}
