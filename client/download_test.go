package client

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const claims = `{"resourceType":"ExplanationOfBenefit","id":"1"}
{"resourceType":"ExplanationOfBenefit","id":"2"}
{"resourceType":"ExplanationOfBenefit","id":"3"}
`

// ndjson is a handler that answers with a file as it is.
func ndjson(content string) http.HandlerFunc {
	return answer(http.StatusOK, content, "Content-Type", "application/fhir+ndjson")
}

func TestDownload(t *testing.T) {
	long := strings.Repeat(claims, 20_000)
	for _, tt := range []struct {
		name, content string
		answer        http.HandlerFunc
		file          func(*File)
	}{
		{"gzip", claims, gzipped(t, claims), nil},
		{"plain", claims, ndjson(claims), nil},
		{"larger than the buffer", long, gzipped(t, long), nil},
		{"empty", "", gzipped(t, ""), nil},
		{"last line not ended", claims[:len(claims)-1], gzipped(t, claims[:len(claims)-1]), func(f *File) { f.Count = 3 }},
		{"two gzip members", claims + claims, answer(200, string(deflated(claims))+string(deflated(claims)), "Content-Encoding", "gzip"), nil},
		{"nothing told", claims, ndjson(claims), func(f *File) { f.Count, f.Length, f.SHA256 = -1, -1, nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.files["a.ndjson"] = []http.HandlerFunc{tt.answer}
			f := s.file("a.ndjson", tt.content)
			if tt.file != nil {
				tt.file(&f)
			}
			dir := t.TempDir()
			told := int64(0)
			path, err := s.client(nil).Download(t.Context(), f, dir, func(n int64) {
				if n <= told {
					t.Errorf("progress from %d to %d", told, n)
				}
				told = n
			})
			if err != nil {
				t.Fatal(err)
			}
			if path != filepath.Join(dir, "a.ndjson") || told != int64(len(tt.content)) {
				t.Errorf("got %s, progress up to %d", path, told)
			}
			checkFolder(t, dir, map[string]string{"a.ndjson": tt.content})
		})
	}
}

// checkFolder compares a folder with what should be in it.
func checkFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if wanted, ok := want[e.Name()]; !ok || wanted != string(content) {
			t.Errorf("%s holds %.80q, want %.80q", e.Name(), content, wanted)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}

func TestDownloadLeavesNothingDamaged(t *testing.T) {
	other := strings.Replace(claims, `"3"`, `"4"`, 1)
	z := deflated(claims)
	broken := append([]byte(nil), z...)
	broken[len(broken)/2] ^= 0x20
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		file   func(*File)
		want   string
	}{
		{"corrupted", ndjson(other), nil, "its SHA-256 is"},
		{"corrupted gzip", answer(200, string(broken), "Content-Encoding", "gzip"), nil, ""},
		{"cut gzip", answer(200, string(z[:len(z)-9]), "Content-Encoding", "gzip"), nil, "inflating it"},
		{"not gzip", answer(200, claims, "Content-Encoding", "gzip"), nil, "inflating it"},
		{"gzip's trailer wrong", answer(200, string(z[:len(z)-8])+"12345678", "Content-Encoding", "gzip"), nil, "inflating it"},
		{"short", ndjson(claims[:49]), nil, "it has 49 bytes, the manifest says 147"},
		{"long", gzipped(t, claims+claims), nil, "longer than the manifest's 147 bytes"},
		{"wrong count", ndjson(claims), func(f *File) { f.Count = 4 }, "it has 3 resources, the manifest says 4"},
		{"none of the promised", ndjson(""), func(f *File) { f.Length, f.SHA256 = -1, nil }, "it has 0 resources"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.files["a.ndjson"] = []http.HandlerFunc{tt.answer} // once: damage is not asked for again
			f := s.file("a.ndjson", claims)
			if tt.file != nil {
				tt.file(&f)
			}
			dir := t.TempDir()
			path, err := s.client(nil).Download(t.Context(), f, dir, nil)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v; want %s", path, err, tt.want)
			}
			checkFolder(t, dir, nil)
		})
	}
}

func TestDownloadRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"already downloaded", answer(410, `{"issue":[{"details":{"text":"Downloaded once already."}}]}`), "410 Gone: Downloaded once already."},
		{"gone", answer(404, ""), "404 Not Found"},
		{"a web page", answer(200, "<html>", "Content-Type", "text/html; charset=utf-8"), "a web page"},
		{"another encoding", answer(200, "x", "Content-Encoding", "br"), `"br"`},
		{"a part", answer(206, "x"), "206 Partial Content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.files["a.ndjson"] = []http.HandlerFunc{tt.answer}
			dir := t.TempDir()
			_, err := s.client(nil).Download(t.Context(), s.file("a.ndjson", claims), dir, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "downloading a.ndjson: ") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			checkFolder(t, dir, nil)
		})
	}
}

// half sends half of the file and hangs up.
func half(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, claims[:len(claims)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// halfGzip sends half of the file's gzip and hangs up.
func halfGzip(w http.ResponseWriter, _ *http.Request) {
	z := deflated(claims)
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(z[:len(z)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestDownloadOutlastsFaults(t *testing.T) {
	s := newServer(t)
	expires := func(w http.ResponseWriter, r *http.Request) { s.expire(); half(w, r) }
	s.files["a.ndjson"] = []http.HandlerFunc{answer(503, "", "Retry-After", "3"), expires, halfGzip, hangUp, gzipped(t, claims)}
	dir := t.TempDir()
	var slept []time.Duration
	if _, err := s.client(&slept).Download(t.Context(), s.file("a.ndjson", claims), dir, nil); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, dir, map[string]string{"a.ndjson": claims})
	if len(slept) != 4 || slept[0] != 3*time.Second {
		t.Errorf("slept %v", slept)
	}
}

func TestDownloadGivesUp(t *testing.T) {
	s := newServer(t)
	s.files["a.ndjson"] = []http.HandlerFunc{half, halfGzip, half, half, halfGzip}
	dir := t.TempDir()
	if _, err := s.client(nil).Download(t.Context(), s.file("a.ndjson", claims), dir, nil); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	checkFolder(t, dir, nil)
}

func TestDownloadEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.files["a.ndjson"] = []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, claims[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the client has hung up
	}}
	dir := t.TempDir()
	_, err := s.client(nil).Download(ctx, s.file("a.ndjson", claims), dir, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	checkFolder(t, dir, nil)
}

func TestDownloadReplacesNothing(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.ndjson"), []byte("last week's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client(nil).Download(t.Context(), s.file("a.ndjson", claims), dir, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	// nor what has come in the meantime
	s.files["b.ndjson"] = []http.HandlerFunc{ndjson(claims)}
	_, err := s.client(nil).Download(t.Context(), s.file("b.ndjson", claims), dir, func(int64) {
		if err := os.WriteFile(filepath.Join(dir, "b.ndjson"), []byte("another's"), 0o600); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	checkFolder(t, dir, map[string]string{"a.ndjson": "last week's", "b.ndjson": "another's"})
}

func TestDownloadRefusesHostileNames(t *testing.T) {
	s := newServer(t)
	dir := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"..%2f..%2fa.ndjson", "%2e%2e", ".profile", "a%5cb", "a%00", ""} {
		if path, err := s.client(nil).Download(t.Context(), s.file(name, claims), dir, nil); err == nil {
			t.Errorf("%q became %s", name, path)
		}
	}
	checkFolder(t, dir, nil)
}

func TestDownloadIntoNowhere(t *testing.T) {
	s := newServer(t)
	s.files["a.ndjson"] = []http.HandlerFunc{ndjson(claims)}
	_, err := s.client(nil).Download(t.Context(), s.file("a.ndjson", claims), filepath.Join(t.TempDir(), "absent"), nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestDownloadWithoutToken: a file that is open needs no token and gets none,
// and what opens it is not told.
func TestDownloadWithoutToken(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	h := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a token was sent")
		}
		return nil, errors.New("refused")
	})}
	c.prepareHTTP(h)
	f := s.file("a.ndjson?X-Amz-Signature=hidden", claims)
	f.RequiresAccessToken = false
	_, err := c.Download(t.Context(), f, t.TempDir(), nil)
	if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "/file/a.ndjson: refused") {
		t.Errorf("got %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
