package api

import "strings"

// handling is what a request wants done with parameters that are not supported
// (RFC 7240 §4.4; Bulk Data Access IG, "Bulk Data Kick-off Request").
type handling int

const (
	unsaid  handling = iota // all are refused
	lenient                 // all are ignored that can be
	strict                  // all are refused, and so are patients who are not enrolled
)

// parseHandling reads the Prefer headers. Of two that contradict each other the
// stricter one counts.
func parseHandling(headers []string) handling {
	plain := strings.NewReplacer(" ", "", "\t", "", `"`, "")
	h := unsaid
	for _, header := range headers {
		for _, p := range strings.FieldsFunc(header, func(c rune) bool { return c == ',' || c == ';' }) {
			switch strings.ToLower(plain.Replace(p)) {
			case "handling=lenient":
				h = max(h, lenient)
			case "handling=strict":
				h = strict
			}
		}
	}
	return h
}
