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

func TestHashPublishedSecret(t *testing.T) {
	longest := strings.Repeat("s", maxSecretBytes)
	hash, err := HashPublishedSecret(longest)
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != publishedCost {
		t.Errorf("cost %d, %v", cost, err)
	}
	if used, _, err := (&Client{Secrets: []Secret{{Hash: hash}}}).CheckSecret(longest, time.Now()); used == nil || err != nil {
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
		_, err := HashPublishedSecret(secret)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "zzz") {
			t.Errorf("HashPublishedSecret(%q): %v, want %q", secret, err, says)
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
		got, _, err := c.CheckSecret(secret, now)
		if (got == nil) != (want == "") || got != nil && got.ID != want || err != nil {
			t.Errorf("CheckSecret(%q) = %v, %v; want %v", secret, got, err, want)
		}
	}
}

func TestDamagedHashIsAFault(t *testing.T) {
	c := &Client{ID: "c", Secrets: []Secret{{Hash: "damaged-hash"}}}
	if ok, _, err := c.CheckSecret("secret", time.Now()); ok != nil || err == nil || strings.Contains(err.Error(), "damaged-hash") {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestRefusingCostsTheSame: to refuse takes as long for a client with one secret,
// with two and with none, and for one whose secrets have fast hashes.
func TestRefusingCostsTheSame(t *testing.T) {
	const former = 10 // the cost of the secrets that earlier releases made
	if cost, err := bcrypt.Cost([]byte(nobodysSecret)); err != nil || cost != former {
		t.Fatalf("the hash for nobody has cost %d, %v; those of clients have %d", cost, err, former)
	}
	_, fast := NewSecret()
	slow := nobodysSecret
	g := NewGuard(time.Now)
	took := map[string]time.Duration{}
	for name, hashes := range map[string][]string{"none": nil, "one": {slow}, "two": {slow, slow}, "fast": {fast}, "both": {fast, slow}} {
		c := &Client{ID: name}
		for _, h := range hashes {
			c.Secrets = append(c.Secrets, Secret{ID: h, Hash: h})
		}
		least := time.Hour
		for range 5 {
			try, refused := g.attempt(pair{name, "n"}, false)
			if refused != nil {
				t.Fatal(refused)
			}
			began := time.Now()
			if used, err := try.check(t.Context(), c, "wrong"); used != nil || err != nil {
				t.Fatal(used, err)
			}
			least = min(least, time.Since(began))
		}
		took[name] = least
	}
	for name, d := range took {
		if d < took["two"]/5 || d > took["two"]*5 {
			t.Errorf("%s takes %s, two %s", name, d, took["two"])
		}
	}
}

// TestSecretsThatTheServerMakes: each is checked by its fast hash, as long as it is
// live, and by no other.
func TestSecretsThatTheServerMakes(t *testing.T) {
	now := time.Now()
	secret, hash := NewSecret()
	other, otherHash := NewSecret()
	if !isMade(secret) || secret == other || strings.Contains(hash, secret) || checkSecretForm(secret) != nil {
		t.Fatalf("%q, %q", secret, hash)
	}
	c := &Client{Secrets: []Secret{{ID: "a", Hash: nobodysSecret}, {ID: "b", Hash: hash}, {ID: "c", Hash: otherHash, Expires: now}, {ID: "d", Hash: fastMark + "damaged"}}}
	if used := c.checkMade(secret, now); used == nil || used.ID != "b" {
		t.Errorf("%v", used)
	}
	if used := c.checkMade(other, now); used != nil {
		t.Errorf("expired: %v", used)
	}
	for _, s := range []string{"", secret[:len(secret)-1], secret + "A", strings.ToLower(secret)} {
		if used := c.checkMade(s, now); used != nil {
			t.Errorf("%q: %v", s, used)
		}
	}
	if slow := c.slow(now); len(slow) != 1 || slow[0].ID != "a" {
		t.Errorf("%v", slow)
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
