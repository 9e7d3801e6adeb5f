package auth

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// Errors of ParseBasic, written for the sponsor to read. They never quote what
// was sent.
var (
	ErrNotBasic = errors.New("the Authorization header of a token request has to be Basic, followed by the Base64 of client_id:client_secret")
	ErrBasic    = errors.New("the credentials after Basic are damaged: they have to be the Base64 of client_id:client_secret, " +
		"whole and in one line; check that no character was lost at its beginning or end when it was copied")
	ErrBasicNewline = errors.New("the client secret in the Basic credentials ends with a line break: " +
		"encode client_id:client_secret without one, for instance with echo -n")
)

// ParseBasic reads a client's id and secret from an Authorization header,
// RFC 7617. RFC 6749 §2.3.1 wants both form-encoded before they are joined,
// which most clients leave out: %XX is decoded where it is well formed, and
// a + stays a plus sign. The id is not empty and both are printable ASCII.
func ParseBasic(header string) (id, secret string, err error) {
	scheme, encoded, _ := strings.Cut(strings.Trim(header, " \t"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", ErrNotBasic
	}
	encoded = strings.TrimRight(strings.Trim(encoded, " \t"), "=")
	joined, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", ErrBasic
	}
	id, secret, found := strings.Cut(string(joined), ":")
	if !found {
		return "", "", ErrBasic
	}
	bare := strings.TrimRight(secret, "\r\n")
	newline := bare != secret
	id, secret = unescape(id), unescape(bare)
	switch {
	case id == "" || !printable(id) || !printable(secret):
		return "", "", ErrBasic
	case newline:
		return "", "", ErrBasicNewline
	}
	return id, secret, nil
}

// unescape decodes %XX and leaves s as it is where that fails.
func unescape(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
