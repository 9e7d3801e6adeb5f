package files_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

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
	t.Helper()
	w, err := f.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
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

// TestS3GoesAway: an upload that breaks off is an error, nothing of it is
// seen, and what is left of it can be found and removed.
func TestS3GoesAway(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	f := openS3(t, s, "p")
	w, err := f.Create(t.Context(), "job/half.gz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(9 << 20)); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Start(t)
	if _, err := f.Open(t.Context(), "job/half.gz"); !errors.Is(err, export.ErrNoFile) {
		t.Errorf("got %v, want ErrNoFile", err)
	}
	keys, err := f.List(t.Context(), "job")
	if err != nil || len(keys) != 1 || keys[0] != "job/half.gz" {
		t.Fatalf("left are %v, %v", keys, err)
	}
	jobs, err := f.(*files.S3).Jobs(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0] != "job" {
		t.Errorf("jobs with files are %v, %v", jobs, err)
	}
	if err := f.Remove(t.Context(), "job/half.gz"); err != nil {
		t.Fatal(err)
	}
	if keys, err := f.List(t.Context(), "job"); err != nil || len(keys) != 0 {
		t.Errorf("left are %v, %v", keys, err)
	}
}

func TestS3Addresses(t *testing.T) {
	for address, want := range map[string]string{
		"s3://":                             "there is no bucket",
		"s3://key:secret@bucket/x":          "give the credentials in the environment",
		"s3://b?endpoint=ftp://x&sse=rot13": "endpoint: write https://HOST",
		"s3://b?sse=rot13":                  "sse: write AES256",
		"s3://b?secret=x":                   `there is no parameter "secret"`,
	} {
		_, err := files.Open(address)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "key:secret") {
			t.Errorf("the error shows the credentials: %v", err)
		}
	}
	for _, address := range []string{"s3://b", "s3://b/p/q?sse=AES256", "s3://b?endpoint=localhost:9000&region=x&sse=aws:kms:key-1"} {
		if _, err := files.Open(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestS3WrongSecret(t *testing.T) {
	s := testserver.S3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "test-access-key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-key-987")
	err := store(t, openS3(t, s, "p"), "job/x", []byte("x"))
	if err == nil || strings.Contains(err.Error(), "wrong-secret-key-987") {
		t.Errorf("got %v", err)
	}
}
