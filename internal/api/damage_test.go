package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/admin"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// storedFile returns the path of a result file.
func (s *server) storedFile(address string) string {
	s.Helper()
	f, err := s.db.File(s.Context(), jobID(address), filepath.Base(address))
	if err != nil {
		s.Fatal(err)
	}
	return filepath.Join(s.filesDir, f.Key)
}

// TestDamagedFile: of a stored file that rots no damaged byte is sent, whatever
// the client asks for. The log names the file, and health shows it.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string, b []byte) error{
		"a byte changed at the end":   func(path string, b []byte) error { b[len(b)-20] ^= 1; return os.WriteFile(path, b, 0o600) },
		"a byte changed at the start": func(path string, b []byte) error { b[20] ^= 1; return os.WriteFile(path, b, 0o600) },
		"cut":                         func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o600) },
		"empty":                       func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"gone":                        func(path string, _ []byte) error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, large, many)
			url := s.export().Output[0].URL
			path := s.storedFile(url)
			stored, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			plain := s.do(one, "GET", url).body
			if err := damage(path, bytes.Clone(stored)); err != nil {
				t.Fatal(err)
			}
			for _, accept := range []string{"identity", "gzip"} {
				want := map[string][]byte{"identity": plain, "gzip": stored}[accept]
				status, body, err := s.fetchRaw(url, accept)
				if status == http.StatusOK && (err == nil || !bytes.HasPrefix(want, body)) {
					t.Errorf("%s: %d with %d of %d bytes, %v", accept, status, len(body), len(want), err)
				}
			}
			s.idle()
			if f, err := s.db.File(t.Context(), jobID(url), filepath.Base(url)); err != nil || !f.Damaged || f.Downloads != 1 {
				t.Errorf("%+v, %v", f, err)
			}
			log := s.log.String()
			if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "a stored result file is damaged") || !strings.Contains(log, filepath.Base(url)) {
				t.Error("the log does not name the file")
			}
			health := s.do("", "GET", "/health")
			if health.status != http.StatusOK || !strings.Contains(string(health.body), `"results":"1 damaged file"`) {
				t.Errorf("health: %d %s", health.status, health.body)
			}
		})
	}
}

// TestDamagedFile_NothingSent: where the first byte would be of a damaged
// block, the client gets a response that says so.
func TestDamagedFile_NothingSent(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	url := s.export().Output[0].URL
	if err := os.WriteFile(s.storedFile(url), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.do(one, "GET", url).is(t, http.StatusInternalServerError, fhir.CodeException, "damaged", "Start a new export")
	s.do(one, "GET", url, "Accept-Encoding: gzip", "Range: bytes=5-").is(t, http.StatusInternalServerError, fhir.CodeException, "damaged")
}

// TestVerifyFiles: the operator finds what is not as it was written, and a file
// that was restored is good again.
func TestVerifyFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	token := s.adminToken("job")
	m := s.export()
	var v admin.Verification
	s.admin(token, "POST", "/files/verify", "").to(t, http.StatusOK, &v)
	if v.Jobs != 1 || v.Files != len(m.Output) || v.Bytes == 0 || len(v.Faulty) != 0 {
		t.Fatalf("%+v", v)
	}
	changed, missing := s.storedFile(m.Output[0].URL), s.storedFile(m.Output[1].URL)
	good, err := os.ReadFile(changed)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[len(bad)/2] ^= 1
	if err := errors.Join(os.WriteFile(changed, bad, 0o600), os.Rename(missing, missing+".away")); err != nil {
		t.Fatal(err)
	}
	s.admin(token, "POST", "/jobs/"+jobID(m.Output[0].URL)+"/verify", "").to(t, http.StatusOK, &v)
	if len(v.Faulty) != 2 || v.Faulty[0].State != admin.FileDamaged || v.Faulty[1].State != admin.FileMissing {
		t.Errorf("%+v", v.Faulty)
	}
	if health := s.do("", "GET", "/health"); !strings.Contains(string(health.body), "2 damaged files") {
		t.Errorf("health: %s", health.body)
	}
	if err := errors.Join(os.WriteFile(changed, good, 0o600), os.Rename(missing+".away", missing)); err != nil {
		t.Fatal(err)
	}
	s.admin(token, "POST", "/files/verify", "").to(t, http.StatusOK, &v)
	s.clock.Add(time.Minute) // results of checks are used for a while
	if health := s.do("", "GET", "/health"); len(v.Faulty) != 0 || strings.Contains(string(health.body), "damaged") {
		t.Errorf("%+v, health: %s", v, health.body)
	}
	s.admin(token, "POST", "/jobs/x/verify", "").is(t, http.StatusNotFound, fhir.CodeNotFound)
}

// TestFileWithoutChecksums: a file that an older release wrote is read before
// it is sent.
func TestFileWithoutChecksums(t *testing.T) {
	t.Parallel()
	s := newServer(t, many, func(s *server) { s.config.Jobs = oldFiles{s.db} })
	url := s.export().Output[0].URL
	if a := s.do(one, "GET", url); a.status != http.StatusOK || len(a.body) == 0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	path := s.storedFile(url)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, accept := range []string{"identity", "gzip"} {
		s.do(one, "GET", url, "Accept-Encoding: "+accept).is(t, http.StatusInternalServerError, fhir.CodeException, "damaged")
	}
}

// oldFiles are files without checksums.
type oldFiles struct{ export.Jobs }

func (o oldFiles) File(ctx context.Context, id, name string) (*export.File, error) {
	f, err := o.Jobs.File(ctx, id, name)
	if f != nil {
		f.Checksums = nil
	}
	return f, err
}

// fetchRaw gets a file as it is sent, with the error that ends it early.
func (s *server) fetchRaw(url, accept string) (int, []byte, error) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "GET", url, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(one, "clientCreds"))
	r.Header.Set("Accept-Encoding", accept)
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// TestFileOfAJobThatEnds: the files of a job that is deleted while a client asks for one
// of them are no damaged files, at whatever moment they go.
func TestFileOfAJobThatEnds(t *testing.T) {
	t.Parallel()
	for name, point := range map[string]string{"before it is opened": "open", "before it is read": "read"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := &endingFiles{at: point}
			s := newServer(t, many, func(s *server) { end.Files, s.config.Files = s.files, end })
			url := s.export().Output[0].URL
			end.end = func() {
				if _, err := s.db.Delete(t.Context(), jobID(url)); err != nil {
					t.Error(err)
				}
				s.until("the files to go", func() bool { return len(s.stored(jobID(url))) == 0 })
			}
			s.do(one, "GET", url).is(t, http.StatusNotFound, fhir.CodeDeleted)
			if log := s.log.String(); strings.Contains(log, "damaged") || strings.Contains(log, "level=ERROR") {
				t.Errorf("the log tells of damage:\n%s", log)
			}
		})
	}
}

// endingFiles end the job of a file at a moment of its download.
type endingFiles struct {
	export.Files
	at  string
	end func()
}

func (f *endingFiles) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if f.at == "open" {
		f.end()
	}
	r, err := f.Files.Open(ctx, key)
	if err == nil {
		r = &endingReader{r, f}
	}
	return r, err
}

type endingReader struct {
	io.ReadSeekCloser
	files *endingFiles
}

// Read ends the job before the first bytes are read. They cannot be read any more, as
// it is on S3.
func (r *endingReader) Read(b []byte) (int, error) {
	if r.files.at == "read" {
		r.files.end()
		return 0, export.ErrNoFile
	}
	return r.ReadSeekCloser.Read(b)
}
