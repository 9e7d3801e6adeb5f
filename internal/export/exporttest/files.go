package exporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/export"
)

// RunFiles runs the suite for export.Files. open gives an empty store.
func RunFiles(t *testing.T, open func(t *testing.T) export.Files) {
	for name, test := range map[string]func(*testing.T, export.Files){
		"a committed file is read as it was written": filesRoundTrip,
		"nothing is seen before the commit":          filesBeforeCommit,
		"an aborted file leaves nothing":             filesAbort,
		"list keeps to its job":                      filesList,
		"remove":                                     filesRemove,
		"a file that is removed while it is read":    filesRemoveWhileRead,
		"a key cannot lead outside":                  filesHostileKeys,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, f export.Files, key, content string) {
	t.Helper()
	w, err := f.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{content[:len(content)/2], content[len(content)/2:]} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.Abort() // does nothing any more
}

func list(t *testing.T, f export.Files, job string) []string {
	t.Helper()
	keys, err := f.List(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

func filesRoundTrip(t *testing.T, f export.Files) {
	content := string(bytes.Repeat([]byte("0123456789abcdef"), 200_000))
	put(t, f, "job/one.gz", content)
	put(t, f, "job/empty.gz", "")
	r, err := f.Open(t.Context(), "job/one.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != content {
		t.Fatalf("read %d bytes, %v; want the %d written", len(got), err, len(content))
	}
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != int64(len(content)) {
		t.Errorf("the end is at %d, %v", end, err)
	}
	if _, err := r.Seek(1_000_003, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != content[1_000_003:] {
		t.Errorf("after a seek: %d bytes, %v", len(got), err)
	}
}

func filesBeforeCommit(t *testing.T, f export.Files) {
	w, err := f.Create(t.Context(), "job/half.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(make([]byte, 9<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(t.Context(), "job/half.gz"); !errors.Is(err, export.ErrNoFile) {
		t.Errorf("open before the commit: %v, want ErrNoFile", err)
	}
	// A crash leaves it like this; the sweep must find and remove it.
	if diff := cmp.Diff([]string{"job/half.gz"}, list(t, f, "job")); diff != "" {
		t.Error(diff)
	}
	if err := f.Remove(t.Context(), "job/half.gz"); err != nil {
		t.Fatal(err)
	}
	if keys := list(t, f, "job"); len(keys) != 0 {
		t.Errorf("left after remove: %v", keys)
	}
}

func filesAbort(t *testing.T, f export.Files) {
	w, err := f.Create(t.Context(), "job/gone.gz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "gone"); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if keys := list(t, f, "job"); len(keys) != 0 {
		t.Errorf("left after abort: %v", keys)
	}
	put(t, f, "job/gone.gz", "again")
}

func filesList(t *testing.T, f export.Files) {
	put(t, f, "job/2.gz", "b")
	put(t, f, "job/1.gz", "a")
	put(t, f, "job2/1.gz", "c")
	if diff := cmp.Diff([]string{"job/1.gz", "job/2.gz"}, list(t, f, "job")); diff != "" {
		t.Error(diff)
	}
	if keys := list(t, f, "nobody"); len(keys) != 0 {
		t.Errorf("an unknown job has %v", keys)
	}
}

func filesRemove(t *testing.T, f export.Files) {
	put(t, f, "job/1.gz", "a")
	for range 2 { // the second time it is absent, which is no error
		if err := f.Remove(t.Context(), "job/1.gz"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Open(t.Context(), "job/1.gz"); !errors.Is(err, export.ErrNoFile) {
		t.Errorf("open after remove: %v, want ErrNoFile", err)
	}
}

// filesRemoveWhileRead: whoever has opened a file reads it to its end or gets ErrNoFile,
// but never a part of it that looks whole.
func filesRemoveWhileRead(t *testing.T, f export.Files) {
	put(t, f, "job/1.gz", "content")
	r, err := f.Open(t.Context(), "job/1.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := f.Remove(t.Context(), "job/1.gz"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); !errors.Is(err, export.ErrNoFile) && (err != nil || string(b) != "content") {
		t.Errorf("read %q, %v", b, err)
	}
}

func filesHostileKeys(t *testing.T, f export.Files) {
	for _, key := range []string{"", "job", "/x", "job/", "../x", "job/../x", "job/..", "../../etc/passwd", `job/a\b`, "job/.hidden", "job/a\x00b"} {
		if w, err := f.Create(context.Background(), key); err == nil {
			w.Abort()
			t.Errorf("Create(%q) was accepted", key)
		}
		if r, err := f.Open(context.Background(), key); err == nil {
			r.Close()
			t.Errorf("Open(%q) was accepted", key)
		}
		if err := f.Remove(context.Background(), key); err == nil {
			t.Errorf("Remove(%q) was accepted", key)
		}
	}
}
