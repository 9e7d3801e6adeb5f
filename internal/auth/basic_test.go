package auth

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func encodeBasic(joined string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(joined))
}

func TestParseBasic(t *testing.T) {
	for _, c := range []struct {
		header, id, secret string
		err                error
	}{
		{sandboxBasic, sandboxID, sandboxSecret, nil},
		{"bASIC   " + strings.TrimPrefix(sandboxBasic, "Basic ") + " ", sandboxID, sandboxSecret, nil},
		{strings.TrimRight(sandboxBasic, "="), sandboxID, sandboxSecret, nil},
		{encodeBasic("id:a+b-c_d:e"), "id", "a+b-c_d:e", nil},
		{encodeBasic("i%3Ad:a%2Bb%25"), "i:d", "a+b%", nil},
		{encodeBasic("id:100%"), "id", "100%", nil},
		{encodeBasic("id:"), "id", "", nil},
		{"Basic " + sandboxBasic[11:], "", "", ErrBasic},
		{"Basic " + strings.TrimRight(sandboxBasic[11:], "="), "", "", ErrBasic},
		{sandboxBasic[:40] + "*" + sandboxBasic[41:], "", "", ErrBasic},
		{encodeBasic("idsecret"), "", "", ErrBasic},
		{encodeBasic(":secret"), "", "", ErrBasic},
		{encodeBasic("id:a\x00b"), "", "", ErrBasic},
		{encodeBasic("id:a%00b"), "", "", ErrBasic},
		{encodeBasic("id:s\xe9cret"), "", "", ErrBasic},
		{encodeBasic("id:secret\n"), "", "", ErrBasicNewline},
		{encodeBasic("id:secret\r\n"), "", "", ErrBasicNewline},
		{encodeBasic("id\n:secret\n"), "", "", ErrBasic},
		{"Basic", "", "", ErrBasic},
		{"Basic ====", "", "", ErrBasic},
		{"", "", "", ErrNotBasic},
		{"Bearer x", "", "", ErrNotBasic},
		{strings.TrimPrefix(sandboxBasic, "Basic "), "", "", ErrNotBasic},
	} {
		id, secret, err := ParseBasic(c.header)
		if id != c.id || secret != c.secret || !errors.Is(err, c.err) {
			t.Errorf("ParseBasic(%q) = %q, %q, %v; want %q, %q, %v", c.header, id, secret, err, c.id, c.secret, c.err)
		}
	}
}

// TestBasicReadsBothForms: a client gets in whether it form-encodes its id and
// secret, as RFC 6749 §2.3.1 asks, or does not.
func TestBasicReadsBothForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[!-$&-9;-~]{1,20}`).Draw(t, "id")
		secret := rapid.StringMatching(`[!-$&-~]{1,72}`).Draw(t, "secret")
		if err := checkSecretForm(secret); err != nil {
			t.Fatal(err)
		}
		for _, joined := range []string{id + ":" + secret, url.QueryEscape(id) + ":" + url.QueryEscape(secret)} {
			if gotID, gotSecret, err := ParseBasic(encodeBasic(joined)); gotID != id || gotSecret != secret || err != nil {
				t.Fatalf("%q became %q, %q, %v", joined, gotID, gotSecret, err)
			}
		}
	})
}

// FuzzParseBasic: what is accepted is printable and reads the same when it is
// encoded by the book, and an error quotes nothing.
func FuzzParseBasic(f *testing.F) {
	f.Add(sandboxBasic)
	f.Add("Basic " + sandboxBasic[11:])
	f.Add(encodeBasic("i%3Ad:a%2Bb%25"))
	f.Add(encodeBasic("id:%"))
	f.Add("basic ")
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, err := ParseBasic(header)
		if err != nil {
			if !errors.Is(err, ErrNotBasic) && !errors.Is(err, ErrBasic) && !errors.Is(err, ErrBasicNewline) {
				t.Fatalf("%q: %v", header, err)
			}
			return
		}
		if id == "" || !printable(id) || !printable(secret) {
			t.Fatalf("%q became %q, %q", header, id, secret)
		}
		escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
		againID, againSecret, err := ParseBasic(encodeBasic(escape(id) + ":" + escape(secret)))
		if againID != id || againSecret != secret || err != nil {
			t.Fatalf("%q, %q became %q, %q, %v", id, secret, againID, againSecret, err)
		}
	})
}
