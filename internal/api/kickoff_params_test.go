package api

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// FuzzParams: what comes out is either faults, or parameters that an export
// can be made of; and the texts are short and readable.
func FuzzParams(f *testing.F) {
	for _, q := range []string{
		"", "_since=2023-01-01T00:00:00Z&_until=2024-01-01T00:00:00+01:00", "_type=ExplanationOfBenefit&_outputFormat=application/fhir+ndjson", "since=1", "%zz&;", "_type=%ff%00",
		"_since=2020-02-13T00:00:00-05:00&x=1", "_since%3D1", "_count=1&_type=,,,",
		"_typeFilter=,,,A?,A?x,A?%26%26", "_typeFilter=" + strings.Repeat("A?,", maxFilters+1), "_typeFilter=" + strings.Repeat("A?,", maxFilters-1),
		"_typeFilter=ExplanationOfBenefit%3F" + strings.Repeat("x%26", maxConditions),
	} {
		f.Add(q, "handling=strict", true)
		f.Add(q, "", false)
	}
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, query, prefer string, first bool) {
		v := fhir.V2
		if first {
			v = fhir.V1
		}
		values, faults := queryValues(query)
		p, more := parseParams(&reader{version: v, sinceV3: DefaultEarliestSinceV3(), now: now, wanted: parseHandling([]string{prefer}), values: values})
		faults = append(faults, more...)
		if len(faults) > maxIssues+2 || len(p.notes) > maxParams || len(p.filters) > maxFilters {
			t.Fatalf("%d faults, %d notes and %d searches", len(faults), len(p.notes), len(p.filters))
		}
		texts := p.notes
		for _, i := range faults {
			texts = append(texts, i.Details.Text)
		}
		for _, text := range texts {
			if len(text) > 1200 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				t.Fatalf("%q is told", text)
			}
		}
		if len(faults) > 0 {
			return
		}
		switch {
		case !p.since.IsZero() && (p.since.After(now) || p.since.Before(export.EarliestSince)),
			!p.until.IsZero() && (p.until.Before(p.since) || p.until.Before(export.EarliestSince) || v == fhir.V1),
			parseHandling([]string{prefer}) == strict && len(p.notes) > 0:
			t.Fatalf("%q is accepted as %+v", query, p)
		}
	})
}

// FuzzParameters: a body gives faults, or values that say what a query string
// could say as well; neither shows control characters.
func FuzzParameters(f *testing.F) {
	for _, body := range []string{
		bodyExample, "", "[]", `{"resourceType":"Parameters"}`, `{"resourceType":"Parameters","parameter":[{"name":"_since","valueInstant":"2023-01-01T00:00:00Z"},{"name":"x"}]}`,
		`{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":1},{"valueString":"\u0000"},{"name":"patient","valueReference":{}}]}`,
		`{"resourceType":"Parameters","parameter":null}`, `{"resourceType":"Parameters","parameter":[null,{}]}`,
		`{"resourceType":"Parameters","parameter":[` + strings.Repeat("{},", maxParams-1) + "{}]}", `{"resourceType":"Parameters","parameter":` + strings.Repeat("[", 9000),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		values, faults := parseParameters(body)
		n := 0
		for _, list := range values {
			n += len(list)
		}
		if n > maxParams || len(faults) > maxIssues+1 || len(faults) == 0 && values == nil {
			t.Fatalf("%q: %d values, %d faults", body, n, len(faults))
		}
		for _, i := range faults {
			if text := i.Details.Text; len(text) > 1200 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				t.Fatalf("%q is told", text)
			}
		}
		again, more := queryValues(values.Encode())
		if len(more) > 0 || again.Encode() != values.Encode() {
			t.Fatalf("%q became %v, as a query string %v, %v", body, values, again, more)
		}
	})
}

// FuzzServiceDate: a condition that can be read bounds the through date from one side
// or from both, and by a day that a claim can have.
func FuzzServiceDate(f *testing.F) {
	for _, s := range []string{"2023", "ge2023-02", "lt2024-02-29", "sa2023-01-01T00:00:00Z", "ne2023", "", "eb", "2023-02-30", "ge1899", "9999-12", "gt2023-01-01T00:00:00 05:00"} {
		f.Add(s)
	}
	unlimited := coverage.AnyServiceDates()
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseServiceDate(s)
		if !ok {
			return
		}
		if d == unlimited || d.StartFrom > d.StartTo || d.EndFrom > d.EndTo {
			t.Fatalf("%q is %+v", s, d)
		}
		if prefix := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"); len(s)-len(prefix) != 0 && len(s)-len(prefix) != 2 {
			t.Fatalf("%q was read", s)
		}
	})
}

// FuzzTakesGzip: a header that welcomes gzip names it, or everything; and what
// others it names beside does not matter.
func FuzzTakesGzip(f *testing.F) {
	for _, h := range []string{"", "gzip", "gzip;q=0", "*;q=0.5, gzip;q=0", "x-gzip ; q=1e400", "identity", "gzip;q=nan", ";;q=;,"} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, header string) {
		takes := takesGzip([]string{header})
		if lower := strings.ToLower(header); takes && !strings.Contains(lower, "gzip") && !strings.Contains(lower, "*") {
			t.Fatalf("%q is taken for a welcome", header)
		}
		if takesGzip([]string{"br;q=0.3", header}) != takes || takesGzip([]string{header, "br"}) != takes {
			t.Fatalf("%q means something else beside br", header)
		}
		if takesGzip([]string{"gzip;q=0", header}) {
			t.Fatalf("%q makes welcome what was refused", header)
		}
	})
}

func TestQuality(t *testing.T) {
	for parameters, want := range map[string]float64{
		"": 1, "q=1": 1, "q=0.5": 0.5, " Q=0.25 ": 0.25, "level=9;q=0": 0, "q=": 0, "q=x": 0, "q=0.5;q=0.7": 0.5, "level=9": 1,
	} {
		if got := quality(parameters); got != want {
			t.Errorf("quality(%q) = %v, want %v", parameters, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"since", "", 5}, {"since", "since", 0}, {"since", "sicne", 2}, {"since", "sinc", 1}, {"kitten", "sitting", 3}, {strings.Repeat("x", 41), "x", 40}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestDistanceIsAMetric: there and back are the same way, and no detour is shorter.
func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-d]{0,12}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab := distance(a, b)
		switch {
		case ab != distance(b, a):
			t.Fatalf("from %q to %q is not as far as back", a, b)
		case (ab == 0) != (a == b):
			t.Fatalf("%q and %q are %d apart", a, b, ab)
		case ab > distance(a, c)+distance(c, b):
			t.Fatalf("from %q to %q is nearer by %q", a, b, c)
		}
	})
}

// TestTypos: a known name with one slip is never ignored, and what is nothing
// like one is not taken for it.
func TestTypos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SampledFrom(knownParams).Draw(t, "known")
		at := rapid.IntRange(1, len(known)-1).Draw(t, "at")
		slip := rapid.SampledFrom([]string{known[:at] + known[at+1:], known[:at] + "x" + known[at:], known[:at] + "x" + known[at+1:],
			strings.ToUpper(known), strings.TrimPrefix(known, "_"), known + "=1"}).Draw(t, "slip")
		if len(strings.TrimPrefix(slip, "_")) <= 3 {
			return // of a few letters nothing can be told
		}
		r := &reader{}
		r.unknown(slip)
		if len(r.faults) != 1 || !strings.Contains(r.faults[0].Details.Text, "Did you mean") {
			t.Fatalf("%q: %+v", slip, r.faults)
		}
	})
	for _, name := range []string{"_count", "_sort", "_format", "_pretty", "_lastUpdated", "_summary", "x", "id", "", "page"} {
		r := &reader{wanted: lenient}
		if r.unknown(name); len(r.faults) > 0 || len(r.notes) != 1 {
			t.Errorf("%q: %+v", name, r.faults)
		}
	}
}

func TestShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rest.Quoted(string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")))
		if len(s) > 4*80+len(`"…"`) || !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' }) {
			t.Fatalf("shown as %s", s)
		}
	})
}
