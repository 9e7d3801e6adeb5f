package bfd

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func firstURL(t testing.TB) (*base, *url.URL) {
	t.Helper()
	u, err := url.Parse("https://bfd.example/v2/fhir/ExplanationOfBenefit?patient=-7&excludeSAMHSA=true&_count=10")
	if err != nil {
		t.Fatal(err)
	}
	return &base{hosts: []string{"bfd.example", "inner:8443"}}, u
}

func TestFollow(t *testing.T) {
	b, first := firstURL(t)
	const path = "https://bfd.example/v2/fhir/ExplanationOfBenefit?"
	for link, want := range map[string]string{
		path + "patient=-7&startIndex=10": "_count=10&excludeSAMHSA=true&patient=-7&startIndex=10",
		"?startIndex=10":                  "_count=10&excludeSAMHSA=true&patient=-7&startIndex=10",
		"http://inner:8443/x/ExplanationOfBenefit/?startIndex=1&_count=5": "_count=5&excludeSAMHSA=true&patient=-7&startIndex=1",
		"https://BFD.example/ExplanationOfBenefit?excludeSAMHSA=false":    "_count=10&excludeSAMHSA=true&patient=-7",
		path + "patient=Patient/-7":                                       "_count=10&excludeSAMHSA=true&patient=-7",
		path + "patient=-8":                                               "",
		path + "patient=-7&patient=-8":                                    "",
		path + "a=%zz":                                                    "",
		path + "a;b":                                                      "",
		"https://bfd.example:444/v2/fhir/ExplanationOfBenefit":            "",
		"https://bfd.example@elsewhere/ExplanationOfBenefit":              "",
		"https://u@bfd.example/v2/fhir/ExplanationOfBenefit":              "",
		"https://bfd.example/v2/fhir/Patient?startIndex=10":               "",
		"//elsewhere/ExplanationOfBenefit":                                "",
		"file:///ExplanationOfBenefit":                                    "",
		"https://inner/ExplanationOfBenefit":                              "",
		":":                                                               "",
	} {
		u, err := b.follow(first, link)
		if want == "" {
			if !errors.Is(err, ErrLink) {
				t.Errorf("%s: %v, %v", link, u, err)
			}
			continue
		}
		if err != nil || u.String() != path+want {
			t.Errorf("%s: %v, %v", link, u, err)
		}
	}
}

// FuzzFollow: whatever a link says, the call goes to the configured place, for the
// same patient and without what was excluded.
func FuzzFollow(f *testing.F) {
	f.Add("?startIndex=10")
	f.Add("https://bfd.example@elsewhere/ExplanationOfBenefit?patient=8")
	b, first := firstURL(f)
	f.Fuzz(func(t *testing.T, link string) {
		u, err := b.follow(first, link)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(u.String(), "https://bfd.example/v2/fhir/ExplanationOfBenefit?") || again.Host != first.Host {
			t.Fatal(u)
		}
		q := again.Query()
		if len(q["patient"]) != 1 || q.Get("patient") != "-7" || len(q["excludeSAMHSA"]) != 1 || q.Get("excludeSAMHSA") != "true" {
			t.Fatal(u)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0}, {"7", "", 7 * time.Second}, {"-7", "", 0}, {"soon", "", 0}, {"9223372036854775807", "", 24 * time.Hour},
		{"Tue, 24 Nov 2026 08:00:30 GMT", "", 30 * time.Second},
		{"Tue, 24 Nov 2026 08:00:30 GMT", "Tue, 24 Nov 2026 08:00:10 GMT", 20 * time.Second},
		{"Tue, 24 Nov 2026 07:00:00 GMT", "", 0}, {"Tue, 24 Nov 2099 07:00:00 GMT", "", 24 * time.Hour},
	} {
		h := http.Header{"Retry-After": {c.value}, "Date": {c.date}}
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%q, %q: %s", c.value, c.date, got)
		}
	}
}
