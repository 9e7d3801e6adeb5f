package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ab2d/client"
	"ab2d/internal/export"
	"ab2d/internal/synth"
)

// written is what a data directory of an older release says of itself.
type written struct {
	Contract, ClientID, ClientSecret, AuditHead, Job, File string
	Schema, Claims                                         int
	SortedLinesSHA256                                      string
}

// TestOlderDataDirectories: a data directory that each older release has written opens. Its
// audit log is whole, its completed export is served as it was, its client gets a token, and
// an export of everything has the same claims. CONTRIBUTING.md says how to add one.
func TestOlderDataDirectories(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/releases/*.tar.gz")
	if err != nil || len(fixtures) == 0 {
		t.Fatal(fixtures, err)
	}
	for _, fixture := range fixtures {
		t.Run(filepath.Base(fixture), func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			w := unpack(t, fixture, data)
			p := startProcess(t, nil, "serve", "--data="+data, "--listen=localhost:0", "--max-downloads=9", "--max-polls=1000", "--workers=1")
			sponsor := synth.Sponsor{Contract: w.Contract, Credentials: []synth.Credential{{ID: w.ClientID, Secrets: []string{w.ClientSecret}}}}
			old := client.Job{StatusURL: p.url + "/api/v2/fhir/Job/" + w.Job + "/$status"}
			w.holds(t, p, sponsor, old)
			everything, err := versioned(t, p, sponsor).Start(t.Context(), client.Request{Since: export.EarliestSince})
			if err != nil {
				t.Fatal(err)
			}
			w.holds(t, p, sponsor, everything)
			if out := runAB2D(t, "audit", "verify", "--data="+data, "--head="+w.AuditHead); !strings.Contains(out, "verified") {
				t.Error(out)
			}
			if out := runAB2D(t, "admin", "job", "list", "--data="+data); !strings.Contains(out, w.Job) {
				t.Errorf("job %s is not listed:\n%s", w.Job, out)
			}
		})
	}
}

// versioned is a client of version 2.
func versioned(t *testing.T, p *process, s synth.Sponsor) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: p.url + "/api/v2/fhir", TokenURL: p.url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token",
		ClientID: s.Credentials[0].ID, ClientSecret: s.Credentials[0].Secrets[0]})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// holds downloads a job and compares its claims with those that the older release delivered.
func (w *written) holds(t *testing.T, p *process, s synth.Sponsor, job client.Job) {
	t.Helper()
	c := versioned(t, p, s)
	m, err := c.Wait(t.Context(), job, nil)
	if err != nil || len(m.Output) != 1 {
		t.Fatalf("job %s: %+v, %v", job.StatusURL, m, err)
	}
	dir := t.TempDir()
	if _, err := c.Download(t.Context(), m.Output[0], dir, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, w.File))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Sorted(strings.Lines(string(b)))
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	if len(lines) != w.Claims || hex.EncodeToString(sum[:]) != w.SortedLinesSHA256 {
		t.Errorf("job %s has %d claims with the SHA-256 %x; want %d with %s", job.StatusURL, len(lines), sum, w.Claims, w.SortedLinesSHA256)
	}
}

// unpack writes a data directory, and returns what it says of itself.
func unpack(t *testing.T, fixture, dir string) *written {
	t.Helper()
	b, err := os.ReadFile(fixture)
	if err != nil || len(b) > 300_000 {
		t.Fatalf("%d bytes, %v; want at most 300,000", len(b), err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			var content []byte
			content, err = io.ReadAll(in)
			err = cmp.Or(err, os.WriteFile(path, content, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var w written
	b, err = os.ReadFile(filepath.Join(dir, "fixture.json"))
	if err = cmp.Or(err, json.Unmarshal(b, &w)); err != nil {
		t.Fatal(err)
	}
	return &w
}
