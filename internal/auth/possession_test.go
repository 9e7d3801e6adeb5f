package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// publicP384 is a new public key.
func publicP384(t *testing.T, kid string) jose.JSONWebKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private.Public(), KeyID: kid, Algorithm: "ES384", Use: "sig"}
}

// newSet is a JWK Set with two new keys.
func newSet(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{publicP384(t, "a"), publicP384(t, "b")}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// setOf is a JWK Set of what a test has.
func setOf(t *testing.T, text string) []jose.JSONWebKey {
	t.Helper()
	set, err := ParseKeySet([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

// TestAddAndRemoveKeys: the keys of a client, one after the other, up to what it may have.
func TestAddAndRemoveKeys(t *testing.T) {
	keys := setOf(t, newSet(t))
	first, second := keys[0], keys[1]
	text, err := AddKey("", first)
	if err != nil {
		t.Fatal(err)
	}
	again, namesake := first, second
	again.KeyID, namesake.KeyID = "another", first.KeyID
	for want, k := range map[string]jose.JSONWebKey{"registered already": again, "another kid": namesake} {
		if got, err := AddKey(text, k); err == nil || got != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", want, got, err)
		}
	}
	if text, err = AddKey(text, second); err != nil || len(setOf(t, text)) != 2 {
		t.Fatalf("%s, %v", text, err)
	}
	if _, err := AddKey(`{"keys":[]}`, first); err == nil {
		t.Error("a key was added to a set that cannot be")
	}
	prints := make([]string, 2)
	for i, k := range keys[:2] {
		if prints[i], err = Thumbprint(k); err != nil {
			t.Fatal(err)
		}
	}
	if same, found, err := RemoveKey(text, "nonsense"); same != text || found || err != nil {
		t.Errorf("a key that is not there: %q, %v, %v", same, found, err)
	}
	text, found, err := RemoveKey(text, prints[0])
	if left := setOf(t, text); !found || err != nil || len(left) != 1 || left[0].KeyID != second.KeyID {
		t.Errorf("%q, %v, %v", text, found, err)
	}
	if text, found, err = RemoveKey(text, prints[1]); text != "" || !found || err != nil {
		t.Errorf("the last one: %q, %v, %v", text, found, err)
	}
	if _, _, err := RemoveKey("nonsense", prints[1]); err == nil {
		t.Error("a key was removed from nonsense")
	}
}

// TestAddKeyIsBounded: a client has 32 keys at most.
func TestAddKeyIsBounded(t *testing.T) {
	text := ""
	for i := range maxKeys + 1 {
		added, err := AddKey(text, publicP384(t, fmt.Sprint(i)))
		if (err != nil) != (i == maxKeys) {
			t.Fatalf("key %d: %v", i+1, err)
		}
		text = added
	}
}

// TestFetchKeys: what is wrong with an address is for the log. The caller learns the same
// of each.
func TestFetchKeys(t *testing.T) {
	set := newSet(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jwks":
			w.Write([]byte(set))
		case "/error":
			http.Error(w, "secret of the network", http.StatusForbidden)
		default:
			w.Write([]byte(`{"keys":[]}`))
		}
	}))
	defer s.Close()
	f := NewFetcher(true, time.Now)
	f.client.Transport = s.Client().Transport
	if got, err := f.FetchKeys(t.Context(), s.URL+"/jwks"); err != nil || len(got.Keys) != len(setOf(t, set)) {
		t.Errorf("%v, %v", got, err)
	}
	for _, path := range []string{"/error", "/empty"} {
		if _, err := f.FetchKeys(t.Context(), s.URL+path); !errors.Is(err, ErrKeysUnread) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestCredentialsOfTokens: a token names what its client proved itself with, and ends with
// that, but not with a secret that only expired.
func TestCredentialsOfTokens(t *testing.T) {
	set := newSet(t)
	digest, err := Thumbprint(setOf(t, set)[0])
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{ID: "c", KeySet: set, Secrets: []Secret{{ID: "old", Expires: time.Unix(1, 0)}}}
	atURL := &Client{ID: "c", KeysURL: "https://keys.example.org/a"}
	mark, err := keyMarkOf(atURL, setOf(t, set)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		client     *Client
		credential string
		holds      bool
		name       string
	}{
		{c, "", true, ""}, {c, secretMarkOf("old"), true, "secret old"}, {c, secretMarkOf("new"), false, ""}, {c, "key:" + digest, true, "key " + setOf(t, set)[0].KeyID},
		{c, "key:", false, ""}, {c, mark, false, ""}, {c, "made-up", false, ""}, {atURL, mark, true, "keys https://keys.example.org/a"},
		{&Client{ID: "c", KeysURL: "https://keys.example.org/b"}, mark, false, ""}, {atURL, "key:" + digest, false, ""}, {&Client{ID: "c", KeySet: "nonsense"}, "key:" + digest, false, ""},
	} {
		if holds, name := test.client.holds(test.credential), test.client.nameOf(test.credential); holds != test.holds || name != test.name {
			t.Errorf("%s: %v %q, want %v %q", test.credential, holds, name, test.holds, test.name)
		}
	}
}
