package fhir

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// ErrInstant says that a text is not a FHIR instant.
var ErrInstant = errors.New("not a FHIR instant: a date and time with seconds and a zone, for example 2023-04-05T06:07:08.000-05:00 or 2023-04-05T11:07:08Z")

// instant is FHIR R4 §2.24.0.1, instant: year to second with a mandatory zone.
var instant = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`)

// zoneSpace matches an instant whose "+" of the zone came out of a query
// string as a space.
var zoneSpace = regexp.MustCompile(`^(.*T[0-9:.]+) ([0-9]{2}:[0-9]{2})$`)

// ParseInstant reads a FHIR instant from a query parameter. A "+" before the
// zone that arrived as a space, because a client did not write it as %2B, is
// repaired. The year must lie between 1900 and 9999.
func ParseInstant(s string) (time.Time, error) {
	s = zoneSpace.ReplaceAllString(s, "$1+$2")
	if !instant.MatchString(s) {
		return time.Time{}, ErrInstant
	}
	// The leap second is a legal FHIR instant, which Go's time does not know.
	s = strings.Replace(s, ":60", ":59", 1)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1900 {
		return time.Time{}, ErrInstant
	}
	return t, nil
}

// FormatInstant writes a FHIR instant in UTC with milliseconds.
func FormatInstant(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
