package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/files"
	database "ab2d/internal/store"
	"ab2d/internal/testserver"
)

// newKey is a line of a key file.
func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key) + "\n"
}

// keyed is a store of encrypted files in a directory, with its database.
type keyed struct {
	*testing.T
	db   *database.DB
	dir  string
	keys string // the key file
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	k := &keyed{T: t, dir: t.TempDir(), keys: filepath.Join(t.TempDir(), "keys")}
	var err error
	if k.db, err = database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.db.Close() })
	k.setKeys(newKey())
	return k
}

func (k *keyed) setKeys(lines ...string) {
	k.Helper()
	if err := os.WriteFile(k.keys, []byte(strings.Join(lines, "")), 0o600); err != nil {
		k.Fatal(err)
	}
}

// ring is what one process has.
func (k *keyed) ring() (*encryption.Ring, error) {
	wrapping, err := encryption.Settings{KeyFile: k.keys}.Open()
	if err != nil {
		return nil, err
	}
	return encryption.OpenRing(k.Context(), k.db, wrapping, time.Now)
}

func (k *keyed) process() (*encryption.Ring, *files.Encrypted) {
	k.Helper()
	ring, err := k.ring()
	if err != nil {
		k.Fatal(err)
	}
	return ring, k.files(ring)
}

func (k *keyed) files(ring *encryption.Ring) *files.Encrypted {
	k.Helper()
	d, err := files.OpenDir(k.dir)
	if err != nil {
		k.Fatal(err)
	}
	return files.Encrypt(d, ring)
}

func (k *keyed) put(f export.Files, key, content string) {
	k.Helper()
	w, err := f.Create(k.Context(), key)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		k.Fatal(err)
	}
}

func read(ctx context.Context, f export.Files, key string) (string, error) {
	r, err := f.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func (k *keyed) wants(f export.Files, key, content string) {
	k.Helper()
	if got, err := read(k.Context(), f, key); err != nil || got != content {
		k.Errorf("%s: %d bytes, %v; want %d", key, len(got), err, len(content))
	}
}

// long is a content of several blocks, in which nothing repeats at once.
func long(mark string) string {
	var b strings.Builder
	for b.Len() < 300_000 {
		b.WriteString(mark + " " + base64.StdEncoding.EncodeToString([]byte{byte(b.Len()), byte(b.Len() >> 8), byte(b.Len() >> 16)}) + "\n")
	}
	return b.String()
}

func TestEncrypted(t *testing.T) {
	exporttest.RunFiles(t, func(t *testing.T) export.Files {
		_, f := newKeyed(t).process()
		return f
	})
}

func TestEncryptedS3(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	names := strings.NewReplacer("/", "-", " ", "-")
	exporttest.RunFiles(t, func(t *testing.T) export.Files {
		ring, err := newKeyed(t).ring()
		if err != nil {
			t.Fatal(err)
		}
		b, err := files.OpenS3(s.Address(strings.ToLower(names.Replace(t.Name()))))
		if err != nil {
			t.Fatal(err)
		}
		return files.Encrypt(b, ring)
	})
}

// TestEncryptedAtRest: what is stored shows nothing of the content, and what was stored
// plain before stays readable.
func TestEncryptedAtRest(t *testing.T) {
	k := newKeyed(t)
	k.put(k.files(nil), "job/before.gz", "\x1f\x8bplain")
	_, f := k.process()
	k.put(f, "job/after.gz", long("claim"))
	stored, err := os.ReadFile(filepath.Join(k.dir, "job", "after.gz"))
	if err != nil || bytes.Contains(stored, []byte("claim")) || len(stored) < 300_000 {
		t.Errorf("stored: %d bytes, %v", len(stored), err)
	}
	k.wants(f, "job/before.gz", "\x1f\x8bplain")
	k.wants(f, "job/after.gz", long("claim"))
	if _, err := read(t.Context(), k.files(nil), "job/after.gz"); !errors.Is(err, encryption.ErrNoKey) || !strings.Contains(err.Error(), "--encryption-key-file") {
		t.Errorf("without a key: %v", err)
	}
}

// TestEncryptedDamage: whatever was changed, cut off or exchanged, a reader gets an
// error, and no byte that was not written.
func TestEncryptedDamage(t *testing.T) {
	k := newKeyed(t)
	_, f := k.process()
	content := long("one")
	k.put(f, "job/one.gz", content)
	k.put(f, "job/two.gz", long("two"))
	path := filepath.Join(k.dir, "job", "one.gz")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(k.dir, "job", "two.gz"))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int) []byte {
		b := bytes.Clone(good)
		b[i] ^= 1
		return b
	}
	for name, bad := range map[string][]byte{
		"header": flip(30), "name of the key": flip(40), "key": flip(70), "first block": flip(1000), "middle": flip(150_000), "last byte": flip(len(good) - 1),
		"cut by a byte": good[:len(good)-1], "cut by a block": good[:len(good)-65552], "cut in the header": good[:50], "longer": append(bytes.Clone(good), 0), "another file": other,
	} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(t.Context(), f, "job/one.gz")
		if err == nil || !strings.HasPrefix(content, got) {
			t.Errorf("%s: %d bytes and %v", name, len(got), err)
		}
		if !errors.Is(err, export.ErrDamaged) && name != "name of the key" { // of that one it cannot be told from a lost key
			t.Errorf("%s: %v is not export.ErrDamaged", name, err)
		}
	}
}

// TestEncryptedWithoutKey: a lost or another wrapping key is not taken for damage.
func TestEncryptedWithoutKey(t *testing.T) {
	k := newKeyed(t)
	ring, f := k.process()
	k.put(f, "job/one.gz", "content")
	k.setKeys(newKey())
	if _, err := k.ring(); !errors.Is(err, encryption.ErrNoKey) || !strings.Contains(err.Error(), "--encryption-key-file") {
		t.Errorf("with another wrapping key: %v", err)
	}
	if err := ring.Check(t.Context()); err != nil {
		t.Errorf("a process that has the key: %v", err)
	}
	empty := newKeyed(t)
	empty.dir = k.dir
	_, g := empty.process()
	if _, err := read(t.Context(), g, "job/one.gz"); !errors.Is(err, encryption.ErrNoKey) || errors.Is(err, export.ErrDamaged) {
		t.Errorf("with another database: %v", err)
	}
}

// TestRotation: files under way when the keys are rotated are completed, all files stay
// readable, and the former wrapping key is not needed any more.
func TestRotation(t *testing.T) {
	k := newKeyed(t)
	first, second := newKey(), newKey()
	k.setKeys(first)
	ring, f := k.process()
	k.put(f, "job/before.gz", long("before"))
	under, err := f.Create(t.Context(), "job/during.gz")
	if err != nil {
		t.Fatal(err)
	}
	_, other := k.process()

	k.setKeys(second, first)
	done, err := ring.Rotate(t.Context())
	if err != nil || done.Rewrapped != 1 {
		t.Fatalf("rotate: %+v, %v", done, err)
	}
	k.setKeys(second)
	if _, err := io.WriteString(under, long("during")); err != nil {
		t.Fatal(err)
	}
	if err := under.Commit(); err != nil {
		t.Fatal(err)
	}
	k.put(f, "job/after.gz", long("after"))
	_, fresh := k.process()
	for name, f := range map[string]export.Files{"the process that rotated": f, "one that ran before": other, "a new one": fresh} {
		t.Run(name, func(t *testing.T) {
			for _, mark := range []string{"before", "during", "after"} {
				k.wants(f, "job/"+mark+".gz", long(mark))
			}
		})
	}
	keys, err := k.db.DataKeys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].By != keys[1].By || keys[0].ID != done.Key {
		t.Errorf("keys: %+v, %v", keys, err)
	}
}
