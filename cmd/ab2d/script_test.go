package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ab2d/internal/hpms/hpmstest"
	"ab2d/internal/synth"
)

// The two hosts of the public tutorial.
const (
	tutorialIDP = "https://test.idp.idm.cms.gov"
	tutorialAPI = "https://sandbox.ab2d.cms.gov"
)

// TestScript runs the terminal sessions of testdata/script. Beside testscript's
// own they have these commands:
//
//	sandbox [flags]   starts a sandbox, and sets $URL and $LISTEN; its state stays in $WORK/data
//	serve [flags]     starts a server that is no sandbox on the same state, and sets $URL
//	halt              stops it, as Ctrl-C does (testscript's own stop ends the script)
//	typed FILE        runs a file of shell commands under bash, with the tutorial's
//	                  two host names, and nothing else, replaced by the sandbox's
//	hpms FILE [PATH STATUS]  starts a stand-in for HPMS with the contracts in a file, and
//	                  sets $HPMS; later it replaces them. Calls of PATH fail with STATUS
//	typed2 FILE       the same, with /api/v1/ replaced by /api/v2/ too
func TestScript(t *testing.T) {
	realClaims, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Values[processKey{}] = new(*process)
			e.Values[hpmsKey{}] = hpmstest.New()
			e.Setenv("CLAIMS", realClaims)
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			for _, p := range synth.Sponsors() {
				for i, c := range p.Credentials {
					name := "AUTH_" + strings.ReplaceAll(p.Name, "-", "_")
					e.Setenv(strings.Repeat("CUT_", i)+name, basic(c))
				}
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"sandbox":  scriptSandbox,
			"upstream": scriptUpstream,
			"serve":    scriptServe,
			"hpms":     scriptHPMS,
			"halt":     scriptHalt,
			"typed":    func(ts *testscript.TestScript, neg bool, args []string) { scriptTyped(ts, neg, args, "/api/v1/") },
			"typed2":   func(ts *testscript.TestScript, neg bool, args []string) { scriptTyped(ts, neg, args, "/api/v2/") },
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "claims":
				_, err := os.Stat(realClaims)
				return err == nil, nil
			case "long":
				return os.Getenv("AB2D_TEST_LONG") != "", nil
			}
			for _, tool := range []string{"bash", "curl", "jq"} {
				if _, err := exec.LookPath(tool); err != nil {
					return false, nil
				}
			}
			return cond == "tutorial", nil
		},
	})
}

func scriptSandbox(ts *testscript.TestScript, _ bool, args []string) {
	startServer(ts, append([]string{"sandbox"}, args...))
}

// scriptUpstream starts a stand-in for the upstream server, whose address is then in
// $UPSTREAM.
func scriptUpstream(ts *testscript.TestScript, _ bool, args []string) {
	p, err := newProcess(program, ts.MkAbs("."), nil, append([]string{"synth", "serve-upstream", "--listen=localhost:0"}, args...)...)
	ts.Check(err)
	ts.Setenv("UPSTREAM", p.url)
	ts.Defer(p.kill)
}

func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	startServer(ts, append([]string{"serve"}, args...))
}

func startServer(ts *testscript.TestScript, args []string) {
	args = append([]string{args[0], "--listen=localhost:0", "--data=" + ts.MkAbs("data")}, args[1:]...)
	p, err := newProcess(program, ts.MkAbs("."), []string{"HOME=" + ts.MkAbs(".")}, args...)
	ts.Check(err)
	ts.Setenv("URL", p.url)
	ts.Setenv("LISTEN", strings.TrimPrefix(p.url, "http://"))
	ts.Defer(p.kill)
	*running(ts) = p
}

// processKey is where a script's environment holds its sandbox.
type processKey struct{}

func running(ts *testscript.TestScript) **process { return ts.Value(processKey{}).(**process) }

func scriptHalt(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check((*running(ts)).stop())
}

func scriptTyped(ts *testscript.TestScript, neg bool, args []string, api string) {
	text := ts.ReadFile(args[0])
	for _, host := range []string{tutorialIDP, tutorialAPI} {
		text = strings.ReplaceAll(text, host, ts.Getenv("URL"))
	}
	text = strings.ReplaceAll(text, "/api/v1/", api)
	file := ts.MkAbs(fmt.Sprintf("typed-%s.sh", filepath.Base(args[0])))
	ts.Check(os.WriteFile(file, []byte("set -eu -o pipefail\n"+text), 0o600))
	err := ts.Exec("bash", append([]string{file}, args[1:]...)...)
	if neg == (err == nil) {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// hpmsKey is where a script's environment holds its stand-in for HPMS.
type hpmsKey struct{}

func scriptHPMS(ts *testscript.TestScript, _ bool, args []string) {
	var contracts []hpmstest.Contract
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &contracts))
	standIn := ts.Value(hpmsKey{}).(*hpmstest.Server)
	standIn.Put(contracts...)
	var fault hpmstest.Fault
	if len(args) > 2 {
		status, err := strconv.Atoi(args[2])
		ts.Check(err)
		fault = hpmstest.Fault{Mode: hpmstest.Status, Path: args[1], Status: status}
	}
	standIn.Set(fault)
	if ts.Getenv("HPMS") == "" {
		server := httptest.NewServer(standIn)
		ts.Defer(server.Close)
		ts.Setenv("HPMS", server.URL)
	}
}
