package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// params are the parameters of a kick-off.
type params struct {
	since, until time.Time // zero: not given
	filters      []coverage.ServiceDates
	patients     []coverage.EnrolleeID
	elements     []string
	partial      bool // the manifest may come in pages
	strict       bool
	nothing      bool   // of what was asked for, nothing is exported
	key          string // Idempotency-Key
	notes        []string
}

const (
	resourceType = "ExplanationOfBenefit"
	earliest     = "2020-02-13T00:00:00-05:00" // export.EarliestSince as AB2D writes it
)

// Parameters that are read, and those of the Bulk Data Access IG that are not
// supported. All others are refused, or left out under lenient handling; but what would
// deliver more than was asked for is never left out: patient, a bound that cannot be
// read, or a name that looks like that of a bound.
var (
	knownParams       = []string{"_outputFormat", "_type", "_since", "_until", "_typeFilter", "_elements", "patient", "allowPartialManifests"}
	unsupportedParams = []string{"includeAssociatedData", "organizeOutputBy"}
	bounds            = []string{"_type", "_since", "_until", "_typeFilter", "_elements", "patient"} // without which more is delivered
	repeated          = []string{"_type", "_typeFilter", "_elements", "patient"}
	outputFormats     = []string{"application/fhir+ndjson", "application/ndjson", "ndjson"}
)

// reader reads parameters and gathers what is wrong with them.
type reader struct {
	version fhir.Version
	sinceV3 time.Time // the first _since of version 3
	now     time.Time
	wanted  handling
	posted  bool // the parameters come from a body
	values  url.Values
	issues
	params
}

// Bounds of what has to be answered for.
const (
	maxParams = 50 // a kick-off has a few
	maxIssues = 20 // more than anyone reads; the answer stays short
)

// issues gathers what is wrong with a request, the first in full.
type issues struct {
	faults []fhir.Issue
	more   int // that are counted only
}

func (i *issues) fault(code fhir.Code, format string, args ...any) {
	if len(i.faults) >= maxIssues {
		i.more++
		return
	}
	i.faults = append(i.faults, fhir.ErrorIssue(code, fmt.Sprintf(format, args...)))
}

// all are the issues; the last one says how many more there are.
func (i *issues) all() []fhir.Issue {
	if i.more == 0 {
		return i.faults
	}
	return append(i.faults, fhir.ErrorIssue(fhir.CodeInvalid, fmt.Sprintf("There are %d more problems with the parameters, which are not listed. "+
		"Correct those that are listed, and send the request again.", i.more)))
}

// parseParams reads a kick-off's parameters. All faults are reported together.
func parseParams(r *reader) (params, []fhir.Issue) {
	r.strict = r.wanted == strict
	r.names()
	r.outputFormat()
	r.resourceTypes()
	r.dates()
	r.typeFilters()
	r.readElements()
	r.readPatients()
	r.readPartial()
	return r.params, r.all()
}

// names looks at which parameters there are.
func (r *reader) names() {
	for _, name := range sortedNames(r.values) {
		switch {
		case slices.Contains(knownParams, name):
			if n := len(r.values[name]); n > 1 && !slices.Contains(repeated, name) {
				r.fault(fhir.CodeInvalid, "The parameter %s is given %d times. Give it once.", name, n)
			}
		case slices.Contains(unsupportedParams, name):
			r.leaveOut(fhir.CodeNotSupported, "The parameter %s is not supported; supported are %s.", name, strings.Join(knownParams, ", "))
		case name == "service-date":
			r.fault(fhir.CodeInvalid, "The parameter service-date belongs into _typeFilter, whose ?, = and & are written as %%3F, %%3D and %%26: %s.", filterExample)
		default:
			r.unknown(name)
		}
	}
}

// leaveOut is for what can be left out without delivering more than was asked for:
// under lenient handling the sponsor reads in the error file that it was, otherwise it
// is a fault.
func (r *reader) leaveOut(code fhir.Code, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.wanted == lenient {
		r.notes = append(r.notes, text+" It was ignored.")
		return
	}
	r.fault(code, "%s Leave it out, or send Prefer: handling=lenient to have it ignored.", text)
}

// unknown takes a parameter for a slip of the pen where it looks like one,
// since to ignore it would start quite another export.
func (r *reader) unknown(name string) {
	for _, known := range append(slices.Clone(knownParams), unsupportedParams...) {
		if similar(name, known) && (r.wanted != lenient || slices.Contains(bounds, known)) {
			r.fault(fhir.CodeInvalid, "There is no parameter %s. Did you mean %s?", rest.Quoted(name), known)
			return
		}
	}
	r.leaveOut(fhir.CodeNotSupported, "There is no parameter %s; supported are %s.", rest.Quoted(name), strings.Join(knownParams, ", "))
}

// similar tells whether a name begins like a known one, as a query string does
// whose = and & were written as %3D and %26, or differs from it in case,
// underscores or at most two letters.
func similar(name, known string) bool {
	name = name[:min(len(name), 100)] // no name that is known is longer
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
			r.leaveOut(fhir.CodeNotSupported, "The _outputFormat %s is not supported; supported are %s. Files are always NDJSON.",
				rest.Quoted(v), strings.Join(outputFormats, ", "))
		}
	}
}

// resourceTypes reads _type: one or more types, of which ExplanationOfBenefit alone is
// exported. When it is not among them, nothing is: an export of claims would be more
// than was asked for.
func (r *reader) resourceTypes() {
	asked := !r.values.Has("_type")
	for _, v := range r.values["_type"] {
		if v == resourceType {
			asked = true
			continue
		}
		var others []string
		for name := range strings.SplitSeq(v, ",") {
			if name == resourceType {
				asked = true
			} else {
				others = append(others, name)
			}
		}
		if len(others) > 0 {
			r.leaveOut(fhir.CodeNotSupported, "The _type %s is not exported; only %s is.", rest.Quoted(strings.Join(others, ",")), resourceType)
		}
	}
	if !asked {
		r.nothing = true
		r.notes = append(r.notes, "No type that is exported was asked for, so that there are no claims in this export. Use _type="+resourceType+", or leave it out.")
	}
}

// readPartial reads allowPartialManifests (Bulk Data Access IG 3.0.0).
func (r *reader) readPartial() {
	for _, v := range r.values["allowPartialManifests"] {
		switch {
		case r.version == fhir.V1:
			r.leaveOut(fhir.CodeNotSupported, "The parameter allowPartialManifests is available in v2 and v3 only: ask at /api/v2/fhir.")
		case v == "true" || v == "false":
			r.partial = v == "true"
		default:
			r.leaveOut(fhir.CodeValue, "The allowPartialManifests %s is neither true nor false.", rest.Quoted(v))
		}
	}
}

func (r *reader) dates() {
	since, sinceOK := r.instant("_since")
	if sinceOK && since.After(r.now) {
		r.fault(fhir.CodeValue, "The _since %s is in the future. Give a time before now, %s.", rest.Quoted(r.values.Get("_since")), fhir.FormatInstant(r.now))
		sinceOK = false
	}
	if sinceOK && r.version == fhir.V3 && since.Before(r.sinceV3) {
		r.fault(fhir.CodeValue, "The _since %s is before %s, the earliest possible in v3. Give a later one, or leave it out to export everything.",
			rest.Quoted(r.values.Get("_since")), r.sinceV3.Format(time.RFC3339))
		sinceOK = false
	}
	until, untilOK := r.instant("_until")
	if r.version == fhir.V1 && r.values.Has("_until") {
		r.fault(fhir.CodeNotSupported, "The parameter _until is available in v2 and v3 only. Leave it out, or ask at /api/v2/fhir.")
		untilOK = false
	}
	if sinceOK && untilOK && until.Before(since) {
		r.fault(fhir.CodeValue, "The _until %s is before the _since %s. Give a later _until.", rest.Quoted(r.values.Get("_until")), rest.Quoted(r.values.Get("_since")))
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
		r.fault(fhir.CodeValue, "The %s %s is %v. Write a + as %%2B.", name, rest.Quoted(s), err)
		return time.Time{}, false
	case t.Before(export.EarliestSince):
		r.fault(fhir.CodeValue, "The %s %s is before %s, the earliest possible.", name, rest.Quoted(s), earliest)
		return time.Time{}, false
	}
	return t, true
}
