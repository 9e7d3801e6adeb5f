package files_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/files"
	"ab2d/internal/testserver"
)

func openS3(t *testing.T, s *testserver.S3Server, prefix string) export.Files {
	t.Helper()
	f, err := files.Open(s.Address(prefix))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestS3(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	var n atomic.Int64
	exporttest.RunFiles(t, func(t *testing.T) export.Files { return openS3(t, s, fmt.Sprintf("suite/%d", n.Add(1))) })
}

// noise does not compress and has no pattern.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

func store(t *testing.T, f export.Files, key string, content []byte) error {
	w, err := f.Create(t.Context(), key)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
		w.Abort()
		return err
	}
	return w.Commit()
}

func TestS3FilesOfManyParts(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "")
	content := noise(20<<20 + 17)
	if err := store(t, f, "job/large.gz", content); err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(t.Context(), "job/large.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v; want %d", len(got), err, len(content))
	}
	for _, at := range []int64{19 << 20, 3, 8 << 20} {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1000)
		if _, err := io.ReadFull(r, b); err != nil || !bytes.Equal(b, content[at:at+1000]) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

// TestS3DoesNotReplace: a late writer cannot overwrite what is committed.
func TestS3DoesNotReplace(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "p")
	for name, size := range map[string]int{"small": 100, "large": 9 << 20} {
		if err := store(t, f, "job/"+name, noise(size)); err != nil {
			t.Fatal(err)
		}
		if err := store(t, f, "job/"+name, bytes.Repeat([]byte("x"), size)); err == nil {
			t.Errorf("a committed %s file was replaced", name)
		}
		r, err := f.Open(t.Context(), "job/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, noise(size)) {
			t.Errorf("the committed %s file has changed: %v", name, err)
		}
		r.Close()
	}
}

// TestS3WritersAtOnce: what several write at once does not mix.
func TestS3WritersAtOnce(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "p")
	content := noise(17 << 20)
	var all errgroup.Group
	for i := range 4 {
		all.Go(func() error { return store(t, f, fmt.Sprintf("job/%d", i), content[i<<10:]) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		r, err := f.Open(t.Context(), fmt.Sprintf("job/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[i<<10:]) {
			t.Errorf("file %d: %d bytes, %v", i, len(got), err)
		}
		r.Close()
	}
}

// TestS3Memory: a writer holds two parts, however large the file is.
func TestS3Memory(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	w, err := openS3(t, s, "p").Create(t.Context(), "job/large.gz")
	if err != nil {
		t.Fatal(err)
	}
	chunk := noise(256 << 10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 800 { // 200 MiB
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	// All that was ever allocated, so that the collector's timing has no part in it.
	if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
		t.Errorf("200 MiB took %d MiB of memory", used>>20)
	}
}

// TestS3Versions: in a bucket that keeps old versions, a file that is removed
// is gone all the same, and one that is only hidden is seen by the sweep.
func TestS3Versions(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f, c := openS3(t, s, "p"), client(t, s)
	if err := c.EnableVersioning(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"job/removed", "job/hidden"} {
		if err := store(t, f, key, []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.RemoveObject(t.Context(), "bucket", "p/job/hidden", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(t.Context(), "job/removed"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(t.Context(), "job/hidden"); !errors.Is(err, export.ErrNoFile) {
		t.Errorf("open what is hidden: %v, want ErrNoFile", err)
	}
	if keys, err := f.List(t.Context(), "job"); err != nil || !slices.Equal(keys, []string{"job/hidden"}) {
		t.Errorf("list gives %v, %v", keys, err)
	}
	for range 2 {
		if err := f.Remove(t.Context(), "job/hidden"); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.(*files.S3).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for o := range c.ListObjects(t.Context(), "bucket", minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		t.Errorf("left is %+v", o)
	}
}

func TestS3Ping(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	if err := openS3(t, s, "p").(*files.S3).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for o := range client(t, s).ListObjects(t.Context(), "bucket", minio.ListObjectsOptions{Recursive: true}) {
		t.Errorf("left is %s", o.Key)
	}
	absent, err := files.OpenS3(strings.Replace(s.Address("p"), "bucket", "bucket-that-is-not-there", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := absent.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "bucket does not exist") {
		t.Errorf("without a bucket: %v", err)
	}
}

func TestS3WrongSecret(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-key-987")
	f := openS3(t, s, "p").(*files.S3)
	for what, err := range map[string]error{"store": store(t, f, "job/x", []byte("x")), "ping": f.Ping(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "signature") || strings.Contains(err.Error(), "wrong-secret-key-987") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestS3NoCredentials(t *testing.T) {
	s := testserver.S3(t)
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "absent"))
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/") // nor has the machine a role
	err := openS3(t, s, "p").(*files.S3).Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no credentials were found") {
		t.Errorf("got %v", err)
	}
}

// client speaks to the bucket past the package.
func client(t *testing.T, s *testserver.S3Server) *minio.Client {
	t.Helper()
	c, err := minio.New(endpoint(t, s).Host, &minio.Options{Creds: credentials.NewEnvAWS(), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func endpoint(t *testing.T, s *testserver.S3Server) *url.URL {
	t.Helper()
	u, err := url.Parse(s.Address(""))
	if err == nil {
		u, err = url.Parse(u.Query().Get("endpoint"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}
