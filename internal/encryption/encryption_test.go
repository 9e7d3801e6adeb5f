package encryption_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/encryption"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

const (
	oneKey   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	otherKey = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n"
)

func keyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func database(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func open(t *testing.T, db encryption.Store, s encryption.Settings) *encryption.Ring {
	t.Helper()
	wrapping, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := encryption.OpenRing(t.Context(), db, wrapping, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestKeyFileFaults: what is wrong is said, and nothing of what is in the file.
func TestKeyFileFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "it has 0 keys",
		"# only a comment\n":                "it has 0 keys",
		"c2VjcmV0":                          "line 1 is not a key of 32 bytes",
		oneKey + "\nmy secret passphrase\n": "line 3 is not a key of 32 bytes",
		strings.Repeat(oneKey, 33):          "it has 33 keys",
		strings.Repeat("#", 65<<10):         "bytes, more than",
	} {
		_, err := encryption.OpenKeyFile(keyFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v; want %q", text, err, want)
		}
	}
	if _, err := encryption.OpenKeyFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := encryption.OpenKeyFile(keyFile(t, "# old\n"+oneKey+otherKey)); err != nil {
		t.Error(err)
	}
}

// TestFirstKey: of processes that start at once all encrypt with the same key.
func TestFirstKey(t *testing.T) {
	db := database(t)
	path := keyFile(t, oneKey)
	rings := make([]*encryption.Ring, 8)
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() { rings[i] = open(t, db, encryption.Settings{KeyFile: path}) })
	}
	all.Wait()
	for _, r := range rings[1:] {
		a, errA := rings[0].Current(t.Context())
		b, errB := r.Current(t.Context())
		if errA != nil || errB != nil || a.ID != b.ID {
			t.Fatalf("%v %v, %v %v", a, errA, b, errB)
		}
	}
}

// TestSeal: what is sealed is bound to the words that it was sealed with, and to the
// purpose of a derived key.
func TestSeal(t *testing.T) {
	key, err := open(t, database(t), encryption.Settings{KeyFile: keyFile(t, oneKey)}).Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	derived, err := key.Derive("load 1")
	if err != nil {
		t.Fatal(err)
	}
	sealed := derived.Seal(nil, []byte("content"), "enrollee 1")
	if plain, err := derived.Open(nil, sealed, "enrollee 1"); err != nil || !bytes.Equal(plain, []byte("content")) {
		t.Errorf("%q, %v", plain, err)
	}
	other, err := key.Derive("load 2")
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"other words":   second(derived.Open(nil, sealed, "enrollee 2")),
		"other purpose": second(other.Open(nil, sealed, "enrollee 1")),
		"data key":      second(key.Open(nil, sealed, "enrollee 1")),
		"cut":           second(derived.Open(nil, sealed[:5], "enrollee 1")),
	} {
		if !errors.Is(err, encryption.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ []byte, err error) error { return err }

// TestRotateNeedsAllKeys: a rotation that cannot open a data key changes nothing.
func TestRotateNeedsAllKeys(t *testing.T) {
	db := database(t)
	path := keyFile(t, oneKey)
	ring := open(t, db, encryption.Settings{KeyFile: path})
	was, err := db.DataKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrapping, err := encryption.Settings{KeyFile: keyFile(t, otherKey)}.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encryption.OpenRing(t.Context(), db, wrapping, time.Now); !errors.Is(err, encryption.ErrNoKey) {
		t.Errorf("with another key: %v", err)
	}
	if is, err := db.DataKeys(t.Context()); err != nil || len(is) != 1 || !bytes.Equal(is[0].Wrapped, was[0].Wrapped) {
		t.Errorf("keys: %+v, %v", is, err)
	}
	if err := ring.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestKMS: the wrapping key moves from a file to a real key management service, and the
// file is not needed any more.
func TestKMS(t *testing.T) {
	address := testserver.KMS(t)
	db := database(t)
	path := keyFile(t, oneKey)
	before, err := open(t, db, encryption.Settings{KeyFile: path}).Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sealed := before.Seal(nil, []byte("content"), "x")
	if _, err := open(t, db, encryption.Settings{KMS: address, KeyFile: path}).Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring := open(t, db, encryption.Settings{KMS: address})
	old, err := ring.Key(t.Context(), before.ID)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := old.Open(nil, sealed, "x"); err != nil || string(plain) != "content" {
		t.Errorf("%q, %v", plain, err)
	}
	if now, err := ring.Current(t.Context()); err != nil || now.ID == before.ID {
		t.Errorf("current key %v, %v", now, err)
	}
	keys, err := db.DataKeys(t.Context())
	if err != nil || len(keys) != 2 || !strings.HasPrefix(keys[0].By, "aws-kms:arn:aws:kms:us-east-1:") || keys[1].By != keys[0].By {
		t.Errorf("keys %+v, %v", keys, err)
	}
}

// TestKMSRefuses: the service refuses a wrapped key under another name, and its refusal
// and its absence are told.
func TestKMSRefuses(t *testing.T) {
	k, err := encryption.OpenKMS(testserver.KMS(t))
	if err != nil {
		t.Fatal(err)
	}
	wrapped, by, err := k.Wrap(t.Context(), "one", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Unwrap(t.Context(), "two", wrapped, by); err == nil || !strings.Contains(err.Error(), "InvalidCiphertextException") {
		t.Errorf("under another name: %v", err)
	}
	gone, err := encryption.OpenKMS("aws-kms:alias/testing?region=us-east-1&endpoint=http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := gone.Wrap(context.Background(), "one", wrapped); err == nil || !strings.Contains(err.Error(), "ask the key management service") {
		t.Errorf("no service: %v", err)
	}
	for _, bad := range []string{"", "aws-kms:", "aws-kms:key", "s3://x", "aws-kms:key?region=a&key=secret", "aws-kms:key?region=a&endpoint=ftp://x"} {
		if _, err := encryption.OpenKMS(bad); err == nil || strings.Contains(err.Error(), "=secret") {
			t.Errorf("OpenKMS(%q): %v", bad, err)
		}
	}
}
