package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func hashFast(t *testing.T, secret string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func TestHashSecret(t *testing.T) {
	longest := strings.Repeat("s", maxSecretBytes)
	hash, err := HashSecret(longest)
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != 10 {
		t.Errorf("cost %d, %v", cost, err)
	}
	if used, err := (&Client{Secrets: []Secret{{Hash: hash}}}).CheckSecret(longest, time.Now()); used == nil || err != nil {
		t.Errorf("%v, %v", used, err)
	}
	for secret, says := range map[string]string{
		"":                 "empty",
		longest + "s":      "73 bytes",
		"a secret":         "ASCII",
		"zzz%41":           "ASCII",
		"zzz\x00":          "ASCII",
		"zzz\n":            "ASCII",
		"zzz\u00e9":        "ASCII",
		"zzz" + "\x7f":     "ASCII",
		"zzz\xff\xfe":      "ASCII",
		"zzz\tzzz":         "ASCII",
		longest + "\u00e9": "74 bytes",
	} {
		_, err := HashSecret(secret)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "zzz") {
			t.Errorf("HashSecret(%q): %v, want %q", secret, err, says)
		}
	}
}

func TestCheckSecret(t *testing.T) {
	longest, now := strings.Repeat("s", maxSecretBytes), time.Now()
	c := &Client{ID: "c", Secrets: []Secret{{ID: "a", Hash: hashFast(t, "old"), Expires: now.Add(time.Hour)}, {ID: "b", Hash: hashFast(t, longest)}, {ID: "c", Hash: hashFast(t, "gone"), Expires: now}}}
	for secret, want := range map[string]string{
		"old": "a", longest: "b", "gone": "",
		// bcrypt alone would let these in: it reads 72 bytes, over and over,
		// with a NUL after each turn.
		longest + "x": "", "old\x00old": "",
		"": "", "ol": "", "older": "", "OLD": "",
	} {
		got, err := c.CheckSecret(secret, now)
		if (got == nil) != (want == "") || got != nil && got.ID != want || err != nil {
			t.Errorf("CheckSecret(%q) = %v, %v; want %v", secret, got, err, want)
		}
	}
}

func TestDamagedHashIsAFault(t *testing.T) {
	c := &Client{ID: "c", Secrets: []Secret{{Hash: "damaged-hash"}}}
	if ok, err := c.CheckSecret("secret", time.Now()); ok != nil || err == nil || strings.Contains(err.Error(), "damaged-hash") {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestRefusingCostsTheSame holds what the time to refuse depends on: how many
// hashes are compared, and their cost.
func TestRefusingCostsTheSame(t *testing.T) {
	if cost, err := bcrypt.Cost([]byte(nobodysSecret)); err != nil || cost != secretCost {
		t.Fatalf("the hash for nobody has cost %d, %v; those of clients have %d", cost, err, secretCost)
	}
	for n := range SecretsAtOnce + 1 {
		if got := len(hashes(make([]Secret, n))); got != SecretsAtOnce {
			t.Errorf("with %d secrets %d hashes are compared", n, got)
		}
	}
}

// TestOddIDsNeverReachTheStore: PostgreSQL would fail on some of them.
func TestOddIDsNeverReachTheStore(t *testing.T) {
	store := &memory{fault: errors.New("asked")}
	for _, id := range []string{"", "a\x00", "a\n", "\xff", "caf\u00e9"} {
		if _, err := find(t.Context(), store, id); !errors.Is(err, ErrNoClient) {
			t.Errorf("find(%q): %v", id, err)
		}
	}
	if _, err := find(t.Context(), store, "a client"); !errors.Is(err, store.fault) {
		t.Errorf("find: %v", err)
	}
}
