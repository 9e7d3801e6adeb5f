package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrate_Finish: a data directory of a former release says that the upgrade has to be
// finished, until it is; one that this release has made says nothing.
func TestMigrate_Finish(t *testing.T) {
	t.Parallel()
	older, made := t.TempDir(), t.TempDir()
	packed, err := filepath.Glob("testdata/releases/*.tar.gz")
	if err != nil || len(packed) == 0 {
		t.Fatalf("no data directories of former releases: %v", err)
	}
	unpack(t, packed[0], older)
	for _, step := range []struct {
		data string
		args []string
		todo bool
	}{{older, nil, true}, {older, nil, true}, {older, []string{"--finish"}, false}, {older, nil, false}, {made, nil, false}, {made, []string{"--finish"}, false}} {
		out, err := exec.Command(program, append([]string{"migrate", "--data=" + step.data}, step.args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := strings.Contains(string(out), "run ab2d migrate --finish"); got != step.todo {
			t.Errorf("ab2d migrate %v: %s", step.args, out)
		}
	}
}
