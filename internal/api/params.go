package api

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// params are the parameters of a kick-off.
type params struct {
	since, until time.Time // zero: not given
	notes        []string
}

const (
	resourceType  = "ExplanationOfBenefit"
	earliestSince = "2020-02-13T00:00:00-05:00" // export.EarliestSince as AB2D writes it
)

// Parameters that are read, and those of the Bulk Data Access IG that are not
// supported: the latter are refused, because leaving them out would give other
// claims than were asked for.
var (
	knownParams       = []string{"_outputFormat", "_type", "_since", "_until"}
	unsupportedParams = []string{"_typeFilter", "_elements", "includeAssociatedData", "patient", "organizeOutputBy", "allowPartialManifests"}
	outputFormats     = []string{"application/fhir+ndjson", "application/ndjson", "ndjson"}
)

// reader reads parameters and gathers what is wrong with them.
type reader struct {
	version fhir.Version
	now     time.Time
	strict  bool // Prefer: handling=strict
	values  url.Values
	faults  []fhir.Issue
	params
}

// maxParams bounds what has to be answered for: a kick-off has four.
const maxParams = 50

// parseParams reads a kick-off's query string and Prefer headers. All faults
// are reported together.
func parseParams(query string, prefer []string, v fhir.Version, now time.Time) (params, []fhir.Issue) {
	r := &reader{version: v, now: now, strict: prefersStrict(prefer)}
	if n := strings.Count(query, "&") + 1; n > maxParams {
		r.fault(fhir.CodeTooCostly, "The query string has %d parameters; at most %d are read. Supported are %s.", n, maxParams, strings.Join(knownParams, ", "))
		return r.params, r.faults
	}
	var err error
	if r.values, err = url.ParseQuery(query); err != nil {
		r.fault(fhir.CodeInvalid, "The query string cannot be read: %s in it is not written as it should. "+
			"Write a value's special characters as %%XX, for example _outputFormat=application%%2Ffhir%%2Bndjson.", unreadable(err))
	}
	r.names()
	r.outputFormat()
	r.resourceTypes()
	r.dates()
	return r.params, r.faults
}

// unreadable names what url.ParseQuery stopped at: a bad escape or a semicolon.
func unreadable(err error) string {
	if escape := url.EscapeError(""); errors.As(err, &escape) {
		return shown(string(escape))
	}
	return `";"`
}

// prefersStrict reads Prefer: handling=strict (RFC 7240 §4.4).
func prefersStrict(headers []string) bool {
	plain := strings.NewReplacer(" ", "", "\t", "", `"`, "")
	for _, h := range headers {
		for _, p := range strings.FieldsFunc(h, func(c rune) bool { return c == ',' || c == ';' }) {
			if strings.EqualFold(plain.Replace(p), "handling=strict") {
				return true
			}
		}
	}
	return false
}

func (r *reader) fault(code fhir.Code, format string, args ...any) {
	r.faults = append(r.faults, fhir.Fault(code, fmt.Sprintf(format, args...)))
}

// shown quotes a value of the caller's, cut to a bearable length.
func shown(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// names looks at which parameters there are.
func (r *reader) names() {
	names := make([]string, 0, len(r.values))
	for name := range r.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case slices.Contains(knownParams, name):
			if n := len(r.values[name]); n > 1 && name != "_type" {
				r.fault(fhir.CodeInvalid, "The parameter %s is given %d times. Give it once.", name, n)
			}
		case slices.Contains(unsupportedParams, name):
			r.fault(fhir.CodeNotSupported, "The parameter %s is not supported. Leave it out; supported are %s.", name, strings.Join(knownParams, ", "))
		default:
			r.unknown(name)
		}
	}
}

// unknown takes a parameter for a slip of the pen where it looks like one,
// since to ignore it would start quite another export.
func (r *reader) unknown(name string) {
	for _, known := range append(slices.Clone(knownParams), unsupportedParams...) {
		if similar(name, known) {
			r.fault(fhir.CodeInvalid, "There is no parameter %s. Did you mean %s?", shown(name), known)
			return
		}
	}
	text := fmt.Sprintf("There is no parameter %s; supported are %s.", shown(name), strings.Join(knownParams, ", "))
	if r.strict {
		r.fault(fhir.CodeNotSupported, "%s Leave it out, or send Prefer: handling=lenient to have it ignored.", text)
		return
	}
	r.notes = append(r.notes, text+" It was ignored.")
}

// similar tells whether a name begins like a known one, as a query string does
// whose = and & were written as %3D and %26, or differs from it in case,
// underscores or at most two letters.
func similar(name, known string) bool {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	a, b := plain(name), plain(known)
	if strings.HasPrefix(a, b+"=") || a == b {
		return true
	}
	return len(a) > 3 && distance(a, b) <= 2
}

// distance is how many letters must be put in, left out or changed to turn a
// into b (Levenshtein). Names of more than 40 bytes are far from all.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// outputFormat: a + that arrived as a space is taken for a +.
func (r *reader) outputFormat() {
	for _, v := range r.values["_outputFormat"] {
		if !slices.Contains(outputFormats, strings.ReplaceAll(v, " ", "+")) {
			r.fault(fhir.CodeNotSupported, "The _outputFormat %s is not supported. Use %s, or leave it out: files are always NDJSON.",
				shown(v), strings.Join(outputFormats, ", "))
		}
	}
}

func (r *reader) resourceTypes() {
	for _, v := range r.values["_type"] {
		if slices.ContainsFunc(strings.Split(v, ","), func(name string) bool { return name != resourceType }) {
			r.fault(fhir.CodeNotSupported, "The _type %s is not exported. Use _type=%s, or leave it out.", shown(v), resourceType)
		}
	}
}

func (r *reader) dates() {
	since, sinceOK := r.instant("_since")
	if sinceOK && since.After(r.now) {
		r.fault(fhir.CodeValue, "The _since %s lies in the future. Give a time before now, %s.", shown(r.values.Get("_since")), fhir.FormatInstant(r.now))
		sinceOK = false
	}
	until, untilOK := r.instant("_until")
	if r.version == fhir.V1 && r.values.Has("_until") {
		r.fault(fhir.CodeNotSupported, "The parameter _until is available in v2 only. Leave it out, or ask at /api/v2/fhir.")
		untilOK = false
	}
	if sinceOK && untilOK && until.Before(since) {
		r.fault(fhir.CodeValue, "The _until %s lies before the _since %s. Give a later _until.", shown(r.values.Get("_until")), shown(r.values.Get("_since")))
	}
	if sinceOK {
		r.since = since
	}
	if untilOK {
		r.until = until
	}
}

// instant reads a parameter that is a moment in the time for which there are
// claims.
func (r *reader) instant(name string) (time.Time, bool) {
	if !r.values.Has(name) {
		return time.Time{}, false
	}
	s := r.values.Get(name)
	t, err := fhir.ParseInstant(s)
	switch {
	case err != nil:
		r.fault(fhir.CodeValue, "The %s %s is %v. Write a + as %%2B.", name, shown(s), err)
		return time.Time{}, false
	case t.Before(export.EarliestSince):
		r.fault(fhir.CodeValue, "The %s %s lies before %s, the earliest possible.", name, shown(s), earliestSince)
		return time.Time{}, false
	}
	return t, true
}
