package auth

import (
	"errors"
	"strings"
	"testing"

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
	if ok, err := (&Client{Secrets: []string{hash}}).CheckSecret(longest); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
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
	longest := strings.Repeat("s", maxSecretBytes)
	c := &Client{ID: "c", Secrets: []string{hashFast(t, "old"), hashFast(t, longest)}}
	for secret, want := range map[string]bool{
		"old": true, longest: true,
		// bcrypt alone would let these in: it reads 72 bytes, over and over,
		// with a NUL after each turn.
		longest + "x": false, "old\x00old": false,
		"": false, "ol": false, "older": false, "OLD": false,
	} {
		if got, err := c.CheckSecret(secret); got != want || err != nil {
			t.Errorf("CheckSecret(%q) = %v, %v; want %v", secret, got, err, want)
		}
	}
}

func TestDamagedHashIsAFault(t *testing.T) {
	c := &Client{ID: "c", Secrets: []string{"damaged-hash"}}
	if ok, err := c.CheckSecret("secret"); ok || err == nil || strings.Contains(err.Error(), "damaged-hash") {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestRefusingCostsTheSame holds what the time to refuse depends on: how many
// hashes are compared, and their cost.
func TestRefusingCostsTheSame(t *testing.T) {
	if cost, err := bcrypt.Cost([]byte(nobodysSecret)); err != nil || cost != secretCost {
		t.Fatalf("the hash for nobody has cost %d, %v; those of clients have %d", cost, err, secretCost)
	}
	for n := range secretsAtOnce + 1 {
		c := Client{Secrets: make([]string, n)}
		if got := len(c.hashes()); got != secretsAtOnce {
			t.Errorf("with %d secrets %d hashes are compared", n, got)
		}
	}
	if got := len((&Client{Secrets: make([]string, 5)}).hashes()); got != 5 {
		t.Errorf("with 5 secrets %d hashes are compared", got)
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
