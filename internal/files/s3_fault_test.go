package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/files"
	"ab2d/internal/testserver"
)

// TestS3GoesAway: an upload that breaks off is an error, nothing of it is
// seen, and what is left of it can be found and removed.
func TestS3GoesAway(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "p")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w, err := f.Create(ctx, "job/half.gz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(9 << 20)); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	time.AfterFunc(300*time.Millisecond, cancel) // the patience of whoever writes
	if _, err := w.Write(noise(20 << 20)); err == nil {
		t.Error("20 MiB were written to a server that is not there")
	}
	s.Start(t)
	if _, err := f.Open(t.Context(), "job/half.gz"); !errors.Is(err, export.ErrNoFile) {
		t.Errorf("got %v, want ErrNoFile", err)
	}
	if keys, err := f.List(t.Context(), "job"); err != nil || !slices.Equal(keys, []string{"job/half.gz"}) {
		t.Fatalf("left are %v, %v", keys, err)
	}
	if jobs, err := f.(*files.S3).Jobs(t.Context()); err != nil || !slices.Equal(jobs, []string{"job"}) {
		t.Errorf("jobs with files are %v, %v", jobs, err)
	}
	if err := f.Remove(t.Context(), "job/half.gz"); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Error("a file was committed of which a part was lost")
	}
	if keys, err := f.List(t.Context(), "job"); err != nil || len(keys) != 0 {
		t.Errorf("left are %v, %v", keys, err)
	}
}

// TestS3Cancelled: when the work is canceled nothing is stored and no upload
// is left behind.
func TestS3Cancelled(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "p")
	for _, size := range []int{100, 20 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := f.Create(ctx, "job/x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(noise(size)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := w.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("commit of %d bytes: %v, want Canceled", size, err)
		}
		if keys, err := f.List(t.Context(), "job"); err != nil || len(keys) != 0 {
			t.Errorf("left are %v, %v", keys, err)
		}
		for what, err := range map[string]error{
			"open":   second(f.Open(ctx, "job/x")),
			"list":   second(f.List(ctx, "job")),
			"remove": f.Remove(ctx, "job/x"),
			"ping":   f.(*files.S3).Ping(ctx),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want Canceled", what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestS3ReadBreaksOff: a read goes on where the connection broke, and asks for
// nothing twice.
func TestS3ReadBreaksOff(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	content := noise(5 << 20)
	if err := store(t, openS3(t, s, "p"), "job/x", content); err != nil {
		t.Fatal(err)
	}
	var sent, breaks atomic.Int64
	f := between(t, s, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == http.MethodGet {
			w = &brittle{ResponseWriter: w, left: 1 << 20, sent: &sent, breaks: &breaks}
		}
		pass.ServeHTTP(w, r)
	})
	r, err := f.Open(t.Context(), "job/x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if breaks.Load() < 4 || sent.Load() > int64(len(content))*3/2 {
		t.Errorf("%d bytes were sent for %d, in %d pieces", sent.Load(), len(content), breaks.Load())
	}
}

// brittle breaks the connection after so many bytes.
type brittle struct {
	http.ResponseWriter
	left         int
	sent, breaks *atomic.Int64
}

func (b *brittle) Write(p []byte) (int, error) {
	n, err := b.ResponseWriter.Write(p[:min(len(p), b.left)])
	b.left -= n
	b.sent.Add(int64(n))
	if err == nil && n < len(p) {
		b.breaks.Add(1)
		err = errors.New("broken off")
	}
	return n, err
}

func (b *brittle) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// TestS3AnswerLost: where the storage has committed and its answer is lost, the
// commit has succeeded.
func TestS3AnswerLost(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	for name, size := range map[string]int{"small": 100, "large": 9 << 20} {
		t.Run(name, func(t *testing.T) {
			var lost atomic.Int64
			f := between(t, s, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				small := r.Method == http.MethodPut && !r.URL.Query().Has("partNumber")
				complete := r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
				if (small || complete) && lost.Add(1) == 1 {
					pass.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
				pass.ServeHTTP(w, r)
			})
			if err := store(t, f, "job/"+name, noise(size)); err != nil {
				t.Fatal(err)
			}
			if lost.Load() != 2 {
				t.Errorf("asked %d times to commit, want 2", lost.Load())
			}
			r, err := f.Open(t.Context(), "job/"+name)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, noise(size)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// TestS3ReadsLazily: opening and seeking ask for no bytes, and one reading is
// one request.
func TestS3ReadsLazily(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	content := noise(3 << 20)
	if err := store(t, openS3(t, s, "p"), "job/x", content); err != nil {
		t.Fatal(err)
	}
	var ranges []string
	f := between(t, s, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == http.MethodGet {
			ranges = append(ranges, r.Header.Get("Range"))
		}
		pass.ServeHTTP(w, r)
	})
	r, err := f.Open(t.Context(), "job/x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, seek := range []struct{ offset, whence int }{{0, io.SeekEnd}, {7, io.SeekStart}, {1 << 20, io.SeekCurrent}} {
		if _, err := r.Seek(int64(seek.offset), seek.whence); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Read(nil); n != 0 || err != nil || len(ranges) != 0 {
		t.Fatalf("read nothing: %d, %v; asked for %q", n, err, ranges)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[7+1<<20:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the start was accepted")
	}
	if !slices.Equal(ranges, []string{"bytes=1048583-"}) {
		t.Errorf("asked for %q", ranges)
	}
}

// between opens the bucket through somebody who may disturb what passes.
func between(t *testing.T, s *testserver.S3Server, disturb func(http.ResponseWriter, *http.Request, http.Handler)) export.Files {
	t.Helper()
	to := endpoint(t, s)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
		FlushInterval: -1,
	}
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { disturb(w, r, proxy) }))
	t.Cleanup(p.Close)
	f, err := files.Open(strings.Replace(s.Address("p"), to.String(), p.URL, 1))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
