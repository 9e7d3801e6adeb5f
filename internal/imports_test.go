package internal

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// level is the import table of ARCHITECTURE.md: a package may import only
// packages of a lower level, never one of its own.
var level = map[string]int{
	"ab2d": 0, "docs": 0, "internal/fhir": 0, "internal/coverage": 0, "internal/obs": 0, "internal/segment": 0, "internal/audit": 0,
	"internal/encryption": 1, "internal/tracing": 1, "internal/eob": 1, "internal/auth": 1, "internal/export": 1,
	"internal/store": 2, "internal/files": 2, "client": 2, "client/clienttest": 0, "internal/rest": 2,
	"internal/feed": 2, "internal/ingest": 3, "internal/bfd": 3, "internal/bfd/bfdtest": 3, "internal/mirror": 4, "internal/hpms": 3, "internal/hpms/hpmstest": 0, "internal/table": 2, "internal/export/exporttest": 2, "internal/testserver": 2,
	"internal/synth/random": 0, "internal/synth/codes": 1, "internal/synth/population": 2,
	"internal/synth/claimgen": 3, "internal/synth/eobjson": 4, "internal/synth": 5,
	"internal/api": 6, "internal/web": 6, "internal/admin": 6, "internal/faultsim": 6,
	"internal/account": 7,
	"cmd/ab2d":         8, "cmd/bench": 8,
	"internal": 8, "internal/simulation": 8,
}

func TestImportsPointDownwards(t *testing.T) {
	module := strings.TrimSpace(golist(t, "-m"))
	out := golist(t, "-json=ImportPath,Imports", module+"/...")
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if p.ImportPath == module {
			name = "ab2d"
		}
		from, ok := level[name]
		if !ok {
			t.Errorf("package %s has no level: add it to this table and to ARCHITECTURE.md", name)
		}
		for _, i := range p.Imports {
			if to, ours := strings.CutPrefix(i, module+"/"); ours && level[to] >= from {
				t.Errorf("%s (level %d) must not import %s (level %d)", name, from, to, level[to])
			}
		}
	}
}

func golist(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return string(out)
}
