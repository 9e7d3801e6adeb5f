package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// folderLines are the lines of all output files of a folder's newest run, sorted, and
// the files.
func folderLines(t *testing.T, dir string) (lines, files []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "ab2d.json"))
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Runs []string }
	if err := json.Unmarshal(b, &state); err != nil || len(state.Runs) == 0 {
		t.Fatalf("the state is %s: %v", b, err)
	}
	if files, err = filepath.Glob(filepath.Join(dir, state.Runs[len(state.Runs)-1], "Z*_[0-9][0-9][0-9][0-9].ndjson")); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	slices.Sort(lines)
	return lines, files
}

// reference finds the patient of a claim.
var reference = regexp.MustCompile(`"patient":\{"reference":"Patient/(-?[0-9]+)"`)

func patientOfLine(line string) string {
	if m := reference.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

func ran(t *testing.T, cmd *exec.Cmd, code int) string {
	t.Helper()
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != code {
		t.Fatalf("%v ended with %d, want %d:\n%s", cmd.Args[1:], cmd.ProcessState.ExitCode(), code, out)
	}
	return string(out)
}

// TestExportPatients: the members of PDP-100 are exported one by one, by a list, and as
// those whom the folder does not have; together they are what an export of everybody is.
func TestExportPatients(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--data="+filepath.Join(t.TempDir(), "data"), "--listen=localhost:0")
	defer p.kill()
	for _, version := range []string{"v2", "v3"} {
		t.Run(version, func(t *testing.T) { exportPatients(t, p.url, version) })
	}
}

func exportPatients(t *testing.T, url, version string) {
	dir := t.TempDir()
	export := func(folder string, args ...string) *exec.Cmd {
		return exportProcess(append([]string{"--sponsor=PDP-100", "--api=" + version, "--url=" + url, "-o", filepath.Join(dir, folder)}, args...)...)
	}
	ran(t, export("all"), 0)
	all, files := folderLines(t, filepath.Join(dir, "all"))
	byPatient := map[string][]string{}
	for _, line := range all {
		byPatient[patientOfLine(line)] = append(byPatient[patientOfLine(line)], line)
	}
	var patients []string
	for patient := range byPatient {
		patients = append(patients, patient)
	}
	slices.Sort(patients)
	if len(patients) < 80 {
		t.Fatalf("%d patients have claims", len(patients))
	}
	list := filepath.Join(dir, "list")
	wants := func(folder string, of ...string) {
		t.Helper()
		var want []string
		for _, patient := range of {
			want = append(want, byPatient[patient]...)
		}
		slices.Sort(want)
		if got, _ := folderLines(t, filepath.Join(dir, folder)); !slices.Equal(got, want) {
			t.Fatalf("%s: %d claims, want %d", folder, len(got), len(want))
		}
	}
	for i, of := range [][]string{patients[:1], patients[1:2], patients[2:60]} {
		folder := fmt.Sprint("list", i)
		if err := os.WriteFile(list, []byte("# patients\n\nPatient/"+strings.Join(of, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ran(t, export(folder, "--patients="+list), 0)
		wants(folder, of...)
	}
	if out := ran(t, export("list0", "--new-members"), 1); !strings.Contains(out, "export everything first") {
		t.Errorf("in a folder without an export of everything: %s", out)
	}

	// The members without claims, and whoever is not in the folder, are new once.
	removed := patients[60:63]
	forget(t, files, removed)
	ran(t, export("all", "--new-members"), 0)
	wants("all", removed...)
	if out := ran(t, export("all", "--new-members"), 0); !strings.Contains(out, "There are no new members") {
		t.Errorf("again: %s", out)
	}
	if err := os.WriteFile(list, []byte("Patient/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := ran(t, export("unknown", "--patients="+list), 3); !strings.Contains(out, "is not an enrollee of contract Z0000") || strings.Contains(out, "Patient/1 ") {
		t.Errorf("an unknown patient: %s", out)
	}
}

// forget takes the claims of some patients out of the files of a folder.
func forget(t *testing.T, files, patients []string) {
	t.Helper()
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept := slices.DeleteFunc(strings.SplitAfter(string(b), "\n"), func(line string) bool {
			return slices.Contains(patients, patientOfLine(line))
		})
		if err := os.WriteFile(file, []byte(strings.Join(kept, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
