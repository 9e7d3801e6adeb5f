package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"ab2d/client"
)

// harmless is a server's text that cannot act on the terminal that shows it. It is
// as long as it was: an admin token that is shown once must not be cut.
func harmless(s string) string { return client.Printable(s, len(s)) }

// harmlessError is an error that may quote what a server sent.
type harmlessError struct{ error }

func (e harmlessError) Error() string { return harmless(e.error.Error()) }
func (e harmlessError) Unwrap() error { return e.error }

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
