package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ab2d/internal/synth"
)

// TestTheDataDirectoryIsClosed: other users of the machine read nothing of a data
// directory that the program made.
func TestTheDataDirectoryIsClosed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	startProcess(t, nil, "--listen=127.0.0.1:0", "--data="+data)
	info, err := os.Stat(data)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory is %v, want 0700 (%v)", info.Mode(), err)
	}
}

// TestTheAdministrationCanBeClosed: with --no-admin-api it is not there, also for
// those who have a token.
func TestTheAdministrationCanBeClosed(t *testing.T) {
	for flag, want := range map[string]int{"--admin-api": http.StatusOK, "--no-admin-api": http.StatusNotFound} {
		data := t.TempDir()
		p := startProcess(t, nil, "--listen=127.0.0.1:0", "--data="+data, flag)
		out, err := exec.CommandContext(t.Context(), program, "admin", "token", "add", "alice", "--scope=read", "--data="+data).Output()
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/admin/v1/jobs", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(out)))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %s, want %d", flag, resp.Status, want)
		}
	}
}

// TestSecretsAreNoArguments: every user of the machine can read the arguments of
// a process, so that a secret among them is refused, and not repeated.
func TestSecretsAreNoArguments(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), program, "export", "--url=http://127.0.0.1:1", "--client-id=x", "--client-secret=hunter2-hunter2", "-o", t.TempDir()).CombinedOutput()
	if err == nil || strings.Contains(string(out), "hunter2") || !strings.Contains(string(out), "--client-secret-file") {
		t.Errorf("%v: %s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), program, "import", "hpms", "https://127.0.0.1:1", "--hpms-key-id=x", "--hpms-key-secret=hunter2-hunter2", "--data="+t.TempDir()).CombinedOutput()
	if err == nil || strings.Contains(string(out), "hunter2") || !strings.Contains(string(out), "--hpms-key-secret-file") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestServeKnowsNoPublishedClient: the credentials that the public tutorial
// prints are worth nothing on a production server.
func TestServeKnowsNoPublishedClient(t *testing.T) {
	p := startProcess(t, nil, "serve", "--listen=127.0.0.1:0", "--data="+filepath.Join(t.TempDir(), "data"))
	for _, sponsor := range synth.Sponsors() {
		for _, c := range sponsor.Credentials {
			r, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials&scope=clientCreds", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(c.ID, c.Secrets[0])
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: got %s, want 401", c.ID, resp.Status)
			}
		}
	}
}
