package api

import (
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

const filterExample = "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dge2023-01-01%26service-date%3Dle2023-12-31"

// typeFilters reads _typeFilter: FHIR searches of which a claim must match one
// (Bulk Data Access IG, "_typeFilter"). Only service-date can be searched by.
func (r *reader) typeFilters() {
	if !r.values.Has("_typeFilter") {
		return
	}
	if r.version == fhir.V1 {
		r.fault(fhir.CodeNotSupported, "The parameter _typeFilter is available in v2 and v3 only. Leave it out, or ask at /api/v2/fhir.")
		return
	}
	filters, n := r.searches()
	if n > maxFilters {
		r.fault(fhir.CodeTooCostly, "_typeFilter has %d searches; at most %d are read. Of several searches a claim must match one: "+
			"put periods that touch into one search, as in %s.", n, maxFilters, filterExample)
		return
	}
	for _, filter := range filters {
		r.typeFilter(filter)
	}
}

// Each search is looked at for each claim, and a claim has one period.
const (
	maxFilters    = 50
	maxConditions = 50 // of a search; a period has two ends
)

// searches are all searches, or the first ones of too many, and their number.
func (r *reader) searches() (filters []string, n int) {
	for _, value := range r.values["_typeFilter"] {
		for filter := range splitFilters(value) {
			if n++; n <= maxFilters {
				filters = append(filters, filter)
			}
		}
	}
	return filters, n
}

// beginsSearch tells whether s begins like a search: with the type that it searches,
// which is letters, and a question mark.
func beginsSearch(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return i > 0 && s[i] == '?'
		}
	}
	return false
}

// splitFilters takes a comma-separated list apart. A comma can stand in a
// search as well: what does not begin like a search belongs to the one before.
func splitFilters(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		from := 0
		for i := range len(value) {
			if value[i] != ',' || !beginsSearch(value[i+1:]) {
				continue
			}
			if !yield(value[from:i]) {
				return
			}
			from = i + 1
		}
		yield(value[from:])
	}
}

// typeFilter reads one search. All its conditions must hold.
func (r *reader) typeFilter(filter string) {
	kind, query, ok := strings.Cut(filter, "?")
	if ok && kind != resourceType && beginsSearch(filter) {
		r.leaveOut(fhir.CodeValue, "The _typeFilter %s is not a search for ExplanationOfBenefit, the only type that is exported. Write it as in %s.", rest.Quoted(filter), filterExample)
		return
	}
	if !ok || kind != resourceType {
		r.fault(fhir.CodeValue, "The _typeFilter %s is not a search for ExplanationOfBenefit. Write a type, a question mark and conditions, "+
			"all of it encoded once: %s.", rest.Quoted(filter), filterExample)
		return
	}
	if n := strings.Count(query, "&") + 1; n > maxConditions {
		r.fault(fhir.CodeTooCostly, "The _typeFilter %s has %d conditions; at most %d are read. Two are enough for a period: %s.", rest.Quoted(filter), n, maxConditions, filterExample)
		return
	}
	conditions, err := url.ParseQuery(query)
	if err != nil || len(conditions) == 0 {
		r.fault(fhir.CodeValue, "The _typeFilter %s has no conditions that can be read. Write them as in %s.", rest.Quoted(filter), filterExample)
		return
	}
	dates, good := coverage.AnyServiceDates(), true
	for _, name := range sortedNames(conditions) {
		if name != "service-date" {
			r.fault(fhir.CodeNotSupported, "The _typeFilter %s searches by %s. Claims can be searched only by service-date: %s.", rest.Quoted(filter), rest.Quoted(name), filterExample)
			good = false
			continue
		}
		for _, value := range conditions[name] {
			d, ok := parseServiceDate(value)
			if !ok {
				r.fault(fhir.CodeValue, "The service-date %s in _typeFilter is not a date with a prefix. Write ge, gt, le, lt, sa, eb, eq or nothing, "+
					"then YYYY, YYYY-MM, YYYY-MM-DD or an instant: %s.", rest.Quoted(value), filterExample)
			}
			dates, good = dates.Both(d), good && ok
		}
	}
	if good {
		r.filters = append(r.filters, dates)
	}
}

func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// parseServiceDate reads a condition on a claim's through date, the end of its
// billablePeriod: a prefix and a date that stands for all days it covers. AB2D and BFD
// compare this day alone in all versions, so that each claim belongs to exactly one
// day, month and year. FHIR would compare the whole period (R4 §3.1.1.4.7).
func parseServiceDate(s string) (coverage.ServiceDates, bool) {
	d, prefix := coverage.AnyServiceDates(), ""
	if len(s) > 2 && s[0] >= 'a' {
		prefix, s = s[:2], s[2:]
	}
	first, last, ok := parsePartialDate(s)
	switch prefix {
	case "", "eq":
		d.EndFrom, d.EndTo = first, last
	case "ge":
		d.EndFrom = first
	case "gt", "sa":
		d.EndFrom = last + 1
	case "le":
		d.EndTo = last
	case "lt", "eb":
		d.EndTo = first - 1
	default:
		return d, false
	}
	return d, ok
}

// parsePartialDate gives the first and the last day of a FHIR date. Of an
// instant the calendar date counts, as it is written.
func parsePartialDate(s string) (first, last coverage.Date, ok bool) {
	if t, err := fhir.ParseInstant(s); err == nil {
		s = t.Format(time.DateOnly)
	}
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		t, err := time.Parse(form.layout, s)
		if err != nil || t.Year() < 1900 {
			continue
		}
		end := t.AddDate(form.years, form.months, form.days)
		return coverage.DateOf(t.Date()), coverage.DateOf(end.Date()) - 1, true
	}
	return 0, 0, false
}
