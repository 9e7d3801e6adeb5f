package obs

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
)

// secretParameter is a parameter of an address whose value is a secret.
var secretParameter = regexp.MustCompile(`(?i)([?&;#][^=&#]*(?:pass|secret|token|key|credential|signature|sig)[^=&#]*=)[^&#]*`)

// HideSecrets is an address for people to read: without the password before its host,
// whatever characters that has, and without secrets in its parameters. It never fails,
// as it also serves for addresses that cannot be read.
func HideSecrets(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	}
	// A password may hold /, ?, # and @ itself, which url.Parse takes for others.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if user, _, has := strings.Cut(rest[:at], ":"); has {
			rest = user + ":xxxxx" + rest[at:]
		}
	}
	rest = secretParameter.ReplaceAllString(rest, "${1}xxxxx")
	if found {
		return scheme + "://" + rest
	}
	return rest
}

// errProxy does not quote the address, which may hold a password.
var errProxy = errors.New("the address of the proxy in HTTPS_PROXY or HTTP_PROXY is not a URL. Write http://HOST:PORT; in a password, write other characters than letters and digits as %XX")

// Proxy is http.ProxyFromEnvironment with an error that does not quote the address of
// the proxy. Safe for concurrent use.
func Proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

// EscapeJSON writes the characters of a JSON text that could act on a terminal as
// escapes, so that machines still read the same. Only texts in JSON can hold such
// characters. Line feeds stay.
func EscapeJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Lines is text for a terminal: its printable characters, and its line feeds. What is
// left cannot move the cursor, change colors or reverse the direction of writing.
func Lines(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r) && r != '\r' && r != '\u2028' && r != '\u2029':
			return ' '
		}
		return -1
	}, s)
}
