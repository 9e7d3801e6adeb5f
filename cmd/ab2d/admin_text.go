package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"ab2d/client"
)

// harmless is a server's text that cannot act on the terminal that shows it. It is
// as long as it was: an admin token that is shown once must not be cut.
func harmless(s string) string { return client.Printable(s, len(s)) }

// harmlessError is an error that may quote what a server sent.
type harmlessError struct{ error }

func (e harmlessError) Error() string { return harmless(e.error.Error()) }
func (e harmlessError) Unwrap() error { return e.error }

// harmlessJSON writes what could act on a terminal as escapes, so that machines
// still read the same. Only texts in JSON can hold such characters.
func harmlessJSON(s string) string {
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

// harmlessValues makes all texts in a JSON value harmless, whatever the value is.
func harmlessValues(b []byte) ([]byte, error) {
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber() // counts have more digits than a float
	var v any
	if err := in.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(harmlessValue("", v))
}

func harmlessValue(name string, v any) any {
	switch v := v.(type) {
	case string:
		if name == "fault" { // the rest is a stack
			v, _, _ = strings.Cut(v, "\n")
		}
		return harmless(v)
	case []any:
		for i := range v {
			v[i] = harmlessValue(name, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = harmlessValue(k, v[k])
		}
	}
	return v
}
