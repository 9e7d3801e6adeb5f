package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manifest is what a client reads of a manifest, by its own means.
type manifest struct {
	TransactionTime string
	Output, Error   []struct {
		Type, URL string
		Count     int64
		Extension []struct {
			URL, ValueString string
			ValueDecimal     int64
		}
	}
}

// held holds the downloaded files in a directory against their manifest, and
// gives the number of claims.
func held(t *testing.T, manifestJSON []byte, directory string) (claims int64) {
	t.Helper()
	var m manifest
	if err := json.Unmarshal(manifestJSON, &m); err != nil {
		t.Fatalf("the manifest: %v\n%s", err, manifestJSON)
	}
	for _, f := range m.Output {
		content, err := os.ReadFile(filepath.Join(directory, path.Base(f.URL)))
		if err != nil {
			t.Fatal(err)
		}
		ndjson(t, content, f.Type, f.Count, f.Extension[1].ValueDecimal, f.Extension[0].ValueString)
		claims += f.Count
	}
	return claims
}

// skip leaves a test out where a program is missing, but not in continuous
// integration, which installs them.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AB2D_TEST_SERVERS") == "require" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// tools are what CMS's scripts use.
func tools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, tool+" is not here")
		}
	}
}

func TestCMSBash(t *testing.T) {
	t.Parallel()
	tools(t)
	url := sandbox(t)
	for name, c := range map[string]struct {
		base, since string
		claims      int64
	}{
		"STU3":     {"/api/v1/fhir", "", claimsOfPDP100},
		"R4":       {"/api/v2/fhir", "2020-03-01T00:00:00.000+05:00", claimsOfPDP100},
		"v3":       {"/api/v3/fhir", "", claimsOfPDP100V3},
		"no claim": {"/api/v2/fhir", time.Now().Add(-time.Second).UTC().Format("2006-01-02T15:04:05.000+00:00"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			cmd := exec.Command("bash", "testdata/cms.sh")
			cmd.Env = append(os.Environ(), "IDP_URL="+url+tokenPath, "AUTH="+basicAuth, "API_URL="+url+c.base, "DIRECTORY="+directory,
				"SINCE="+c.since, "PAUSE=0.3")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			body, err := os.ReadFile(filepath.Join(directory, "response.body"))
			if err != nil {
				t.Fatal(err)
			}
			if claims := held(t, body, directory); claims != c.claims {
				t.Errorf("%d claims, want %d", claims, c.claims)
			}
		})
	}
}

// TestCMSGuessesNames: files are found by names that are put together.
func TestCMSGuessesNames(t *testing.T) {
	t.Parallel()
	tools(t)
	url, directory := sandbox(t, "--max-downloads=2"), t.TempDir()
	run := func(script string, more ...string) string {
		t.Helper()
		cmd := exec.Command("bash", script)
		cmd.Env = append(append(os.Environ(), "IDP_URL="+url+tokenPath, "AUTH="+basicAuth, "API_URL="+url+"/api/v2/fhir", "DIRECTORY="+directory), more...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	run("testdata/cms.sh", "SINCE=", "PAUSE=0.3")
	job, err := os.ReadFile(filepath.Join(directory, "jobId.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if code := run("testdata/cms-download.sh", "CONTRACT=Z0000", "JOB="+strings.TrimSpace(string(job))); code != "202" {
		t.Errorf("deleted with %s", code)
	}
	got, err := filepath.Glob(filepath.Join(directory, "*.ndjson.gz"))
	if err != nil || len(got) != 1 || filepath.Base(got[0]) != "Z0000_0001.ndjson.gz" {
		t.Errorf("downloaded %v, %v", got, err)
	}
}

func TestCMSPython(t *testing.T) {
	t.Parallel()
	python := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} { // Debian's has Debian's requests
		if exec.Command(p, "-c", "import requests").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		skip(t, "python3 with requests is not here (Debian: python3-requests)")
	}
	url := sandbox(t)
	for api, want := range map[string]int64{"v2": claimsOfPDP100, "v3": claimsOfPDP100V3} {
		t.Run(api, func(t *testing.T) {
			directory := t.TempDir()
			if out, err := exec.Command(python, "testdata/cms.py", url+tokenPath, basicAuth, url+"/api/"+api+"/fhir", directory).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			body, err := os.ReadFile(filepath.Join(directory, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			if claims := held(t, body, directory); claims != want {
				t.Errorf("%d claims, want %d", claims, want)
			}
		})
	}
}
