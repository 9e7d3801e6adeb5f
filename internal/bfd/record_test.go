package bfd

import (
	"errors"
	"strings"
	"testing"

	"ab2d/internal/coverage"
)

// TestCurrentRecord: links decide which of several records counts.
func TestCurrentRecord(t *testing.T) {
	const mbi = `"identifier":[{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00A00AA01"}]`
	one, two := `{"id":"1",`+mbi, `{"id":"2",`+mbi
	unreadable := errors.New("unreadable")
	for _, c := range []struct {
		records []string
		want    coverage.EnrolleeID
		err     error
	}{
		{[]string{one + `}`}, 1, nil},
		{[]string{one + `}`, two + `,"link":[{"type":"replaces","other":{"reference":"Patient/1"}}]}`}, 2, nil},
		{[]string{one + `}`, two + `,"link":[{"type":"replaces","other":{"id":"1"}}]}`}, 2, nil},
		{[]string{one + `,"link":[{"type":"replaced-by","other":{"id":"2"}}]}`, two + `}`}, 2, nil},
		{[]string{one + `}`, two + `,"link":[{"type":"replaces","other":{"id":"1"}}]}`, `{"id":"3","link":[{"type":"replaces","other":{"id":"2"}}],` + mbi + `}`}, 3, nil},
		{[]string{one + `}`, two + `,"link":[{"type":"replaces","other":{"id":"3"}}]}`}, 0, ErrPatients},
		{[]string{one + `}`, two + `,"link":[{"type":"seealso","other":{"id":"1"}}]}`}, 0, ErrPatients},
		{[]string{one + `,"link":[{"type":"replaced-by","other":{"id":"2"}}]}`}, 0, ErrPatients},
		{[]string{`{"id":"1"}`}, 0, ErrStranger},
		{[]string{`{"id":"1","identifier":[{"system":"x","value":"1S00A00AA01"}]}`}, 0, ErrStranger},
		{[]string{`{"id":"x",` + mbi + `}`}, 0, unreadable},
		{[]string{`{"id":"0",` + mbi + `}`}, 0, unreadable},
		{[]string{`{"id":7}`}, 0, unreadable},
	} {
		var list []record
		var err error
		for _, raw := range c.records {
			r, wrong := readRecord([]byte(raw))
			if wrong != nil {
				err = unreadable
			}
			list = append(list, r)
		}
		var id coverage.EnrolleeID
		if err == nil {
			id, err = current(list, "1S00A00AA01")
		}
		if id != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v", strings.Join(c.records, " "), id, err)
		}
	}
}

// TestFollowPost: a link of a search by POST leads to the same search.
func TestFollowPost(t *testing.T) {
	b, first := firstURL(t)
	first = first.JoinPath("..", "Patient", "_search")
	first.RawQuery = "identifier=a"
	for link, want := range map[string]string{
		"https://bfd.example/v2/fhir/Patient/_search?identifier=b&_offset=5": "_offset=5&identifier=a",
		"https://bfd.example/v2/fhir/Patient?_offset=5":                      "_offset=5&identifier=a",
		"https://bfd.example/v2/fhir/ExplanationOfBenefit/_search":           "",
	} {
		u, err := b.follow(first, link)
		if want == "" {
			if !errors.Is(err, ErrLink) {
				t.Errorf("%s: %v", link, err)
			}
			continue
		}
		if err != nil || u.RawQuery != want || u.Path != "/v2/fhir/Patient/_search" {
			t.Errorf("%s: %v, %v", link, u, err)
		}
	}
}
