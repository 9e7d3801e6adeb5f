package validate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
)

// The sponsor PDP-100 as the tutorial prints it.
const (
	basicAuth = "MG9hMnQwbHNyZFp3NXVXUngyOTc6SEhkdVdHNkxvZ0l2RElRdVdncDNabG85T1lNVmFsVHRINU9CY3VIdw=="
	tokenPath = "/oauth2/aus2r7y3gdaFMKBol297/v1/token"
)

// answers is a sandbox whose answers are read.
type answers struct {
	*testing.T
	url, token string
}

// newAnswers starts a sandbox and gets a token.
func newAnswers(t *testing.T) *answers {
	t.Helper()
	cmd := exec.Command(program, "sandbox", "--listen=127.0.0.1:0", "--data="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	a := &answers{T: t}
	for lines := bufio.NewScanner(out); a.url == "" && lines.Scan(); {
		_, a.url, _ = strings.Cut(lines.Text(), "is ready at ")
	}
	go io.Copy(io.Discard, out)
	_, body := a.ask("POST", tokenPath+"?grant_type=client_credentials", "", "Authorization: Basic "+basicAuth)
	var granted struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &granted); err != nil || granted.Token == "" {
		t.Fatalf("no token: %s", body)
	}
	a.token = "Authorization: Bearer " + granted.Token
	return a
}

// ask sends a request, with headers of the form "Name: value".
func (a *answers) ask(method, target, body string, headers ...string) (*http.Response, []byte) {
	a.Helper()
	r, err := http.NewRequest(method, a.url+strings.TrimPrefix(target, a.url), strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.Fatal(err)
	}
	return resp, b
}

// TestAnswers: the FHIR resources that the server answers, but for claims, are
// read by the library of their version.
func TestAnswers(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	for api, v := range map[string]fhirversion.Version{"v1": fhirversion.STU3, "v2": fhirversion.R4, "v3": fhirversion.R4} {
		t.Run(api, func(t *testing.T) {
			reader, err := jsonformat.NewUnmarshaller("UTC", v)
			if err != nil {
				t.Fatal(err)
			}
			base := "/api/" + api + "/fhir"
			status := a.export(base)
			for _, c := range []struct {
				resource, method, target, body string
				status                         int
				headers                        []string
			}{
				{"CapabilityStatement", "GET", "/metadata", "", 200, nil},
				{"Parameters", "GET", "/$data-status", "", 200, []string{a.token}},
				{"Bundle", "GET", "/Job", "", 200, []string{a.token}},
				{"OperationOutcome", "GET", "/Patient/$export", "", 401, nil},
				{"OperationOutcome", "GET", "/Patient/$export", "", 401, []string{"Authorization: Bearer x"}},
				{"OperationOutcome", "GET", "/Group/Z0001/$export", "", 403, []string{a.token}},
				{"OperationOutcome", "GET", "/Patient/$export?_type=Patient&_since=yesterday&_until=%22%3C&since=x", "", 400, []string{a.token}},
				{"OperationOutcome", "GET", "/Patient/$export", "", 400, []string{a.token, "Idempotency-Key: \t"}},
				{"OperationOutcome", "PUT", "/Patient/$export", "", 405, []string{a.token}},
				{"OperationOutcome", "GET", "/Coverage", "", 404, nil},
				{"OperationOutcome", "GET", "/Job/c40e30e6-0913-4803-9b05-bb0563f0cac6/$status", "", 404, []string{a.token}},
				{"OperationOutcome", "GET", status + "x", "", 404, []string{a.token}},
			} {
				target := c.target
				if strings.HasPrefix(target, "/") {
					target = base + target
				}
				resp, body := a.ask(c.method, target, c.body, c.headers...)
				if kind := resp.Header.Get("Content-Type"); resp.StatusCode != c.status || kind != "application/fhir+json" {
					t.Errorf("%s %s: %d %s %s", c.method, target, resp.StatusCode, kind, body)
				}
				read(t, reader, c.resource, body)
			}
		})
	}
}

// export exports with something to tell in the error file, and reads that; the
// job stays.
func (a *answers) export(base string) string {
	a.Helper()
	resp, body := a.ask("GET", base+"/Patient/$export?_count=3&includeAssociatedData=x", "", a.token, "Prefer: handling=lenient")
	status := resp.Header.Get("Content-Location")
	if resp.StatusCode != http.StatusAccepted {
		a.Fatalf("not started: %s %s", resp.Status, body)
	}
	look, patience := time.NewTicker(200*time.Millisecond), time.After(time.Minute)
	defer look.Stop()
	for resp.StatusCode == http.StatusAccepted {
		select {
		case <-look.C:
		case <-patience:
			a.Fatal("the export does not end")
		}
		resp, body = a.ask("GET", status, "", a.token)
	}
	var manifest struct{ Error []struct{ URL string } }
	if err := json.Unmarshal(body, &manifest); err != nil || len(manifest.Error) != 1 {
		a.Fatalf("%v %s", err, body)
	}
	_, body = a.ask("GET", manifest.Error[0].URL, "", a.token)
	version := fhirversion.R4
	if strings.Contains(base, "v1") {
		version = fhirversion.STU3
	}
	reader, err := jsonformat.NewUnmarshaller("UTC", version)
	if err != nil {
		a.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(body) {
		read(a.T, reader, "OperationOutcome", line)
		n++
	}
	if n < 2 {
		a.Errorf("the error file has %d lines: %s", n, body)
	}
	return status
}

// read wants a resource of the type without a fault.
func read(t *testing.T, reader *jsonformat.Unmarshaller, resource string, body []byte) {
	t.Helper()
	var is struct{ ResourceType string }
	if err := json.Unmarshal(body, &is); err != nil || is.ResourceType != resource {
		t.Errorf("no %s: %v %s", resource, err, body)
		return
	}
	if found := faults(reader, body); len(found) > 0 {
		t.Errorf("%s: %s\n%s", resource, fmt.Sprint(found), body)
	}
}
