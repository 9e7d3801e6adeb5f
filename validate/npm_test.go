package validate

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRawClaimsBySecondLibrary holds raw R4 claims against a second library,
// the npm package fhir, which sees faults that the first does not. It wants
// node and npm, and npm's registry.
func TestRawClaimsBySecondLibrary(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not there")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("npm")); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci: %v: %s", err, out)
		}
		t.Skipf("npm ci: %v: %s", err, out)
	}
	synth := exec.Command(program, "synth", "--enrollees=60", "--seed=3", "--as-of=2026-11-01T00:00:00Z", "--plain", "--out="+dir)
	if out, err := synth.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "claims-r4.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(lines [][]byte) (string, error) {
		node := exec.Command("node", "check.mjs")
		node.Dir, node.Stdin = dir, bytes.NewReader(bytes.Join(lines, nil))
		out, err := node.CombinedOutput()
		return string(out), err
	}
	lines := everyNth(b, 400)
	if out, err := check(lines); err != nil || len(lines) < 200 {
		t.Errorf("%d lines: %v\n%s", len(lines), err, out)
	}
	for name, broken := range map[string][2]string{
		"a field FHIR does not know": {`"use":"claim",`, `"use":"claim","usage":"claim",`},
		"a required field missing":   {`"outcome":"complete",`, ``},
		"a wrong code":               {`"use":"claim",`, `"use":"bill",`},
	} {
		bad := bytes.Replace(lines[0], []byte(broken[0]), []byte(broken[1]), 1)
		if out, err := check([][]byte{bad}); err == nil || !strings.Contains(out, "1 lines, ") {
			t.Errorf("%s is not found: %s", name, out)
		}
	}
}
