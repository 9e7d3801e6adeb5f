package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
	"ab2d/internal/synth"
)

// TestKill9DuringImport kills imports of claims at random moments, starts the
// same again, and wants the same claims as of an import that nobody disturbed,
// and none before the end; and what was rejected before a kill still listed.
func TestKill9DuringImport(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills imports, which -short leaves out")
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "claims.ndjson")
	damagedClaims(t, whole)
	rejects := filepath.Join(dir, "rejects")
	load := func(data string) *exec.Cmd {
		return exec.Command(program, "import", "claims", whole, "--fhir=r4", "--data="+data, "--rejects="+rejects)
	}
	undisturbed, killed := filepath.Join(dir, "undisturbed"), filepath.Join(dir, "killed")
	if out, err := load(undisturbed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := stored(t, undisturbed)
	kills := 0
	for done := false; !done; {
		cmd := load(killed)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		patience := time.Minute
		if kills < 2 {
			patience = time.Duration(100+rand.IntN(900)) * time.Millisecond
		}
		select {
		case err := <-ended:
			if done = true; err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			cmd.Process.Kill()
			<-ended
			kills++
			if got := stored(t, killed); !strings.HasPrefix(got, "0 claims") {
				t.Errorf("claims of an import that was killed are seen: %s", got)
			}
		}
	}
	if got := stored(t, killed); got != want || kills == 0 {
		t.Errorf("killed %d times the import gives %s, undisturbed %s", kills, got, want)
	}
	if listed, err := os.ReadFile(rejects); err != nil || !strings.Contains(string(listed), `"line":1,`) {
		t.Errorf("the line rejected before the kills is not listed: %q, %v", listed, err)
	}
	// Again, it changes nothing.
	out, err := load(killed).CombinedOutput()
	if err != nil || !strings.Contains(string(out), ": 0 new, 0 replaced an older version") {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("killed %d times; %s", kills, want)
}

// damagedClaims writes the claims of PDP-1000, after a line that is damaged.
func damagedClaims(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(program, "demo", "--sponsor=PDP-1000", "--api=v2", "--out="+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("sh", "-c", "(echo '{\"resourceType\": \"ExplanationOfBenefit\", damaged}'; cat "+dir+"/Z0001_*.ndjson) > "+path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// stored counts and hashes all claims in v2 that a job planned now would read.
func stored(t *testing.T, data string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(data, "ab2d.db")); err != nil {
		return "0 claims: no database yet"
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(data, "ab2d.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	snapshot, err := db.Snapshot(t.Context(), "Z0001")
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Open(t.Context(), export.Query{Version: fhir.V2, Snapshot: snapshot, First: -1 << 63, Last: 1<<63 - 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := &hashing{}
	for _, e := range enrolled(t, "Z0001") {
		if err := r.Write(t.Context(), &coverage.Selection{Enrollee: &coverage.Enrollee{ID: e.ID}}, all); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%d claims, %x", all.claims, sha256.Sum256(all.b))
}

func enrolled(t *testing.T, contract string) []coverage.Enrollee {
	t.Helper()
	source := synth.New(1, time.Now)
	snapshot, err := source.Snapshot(context.Background(), contract)
	if err != nil {
		t.Fatal(err)
	}
	list, err := source.Enrollees(context.Background(), contract, snapshot, -1<<63, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// hashing is a sink that wants every claim.
type hashing struct {
	b      []byte
	claims int64
}

func (h *hashing) Wants(*coverage.Claim) bool { return true }

func (h *hashing) Line(line []byte) error {
	sum := sha256.Sum256(line)
	h.b = append(h.b, sum[:]...)
	h.claims++
	return nil
}

func (h *hashing) Segment(_ segment.Segment, plain []byte, n int64) error {
	sum := sha256.Sum256(plain)
	h.b = append(h.b, sum[:]...)
	h.claims += n
	return nil
}
