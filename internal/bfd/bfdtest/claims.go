package bfdtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// errComputing says that claims could not be computed.
var errComputing = errors.New("the claims cannot be computed")

// searchClaims answers a search of claims by patient. An error is a bad request.
func (s *Server) searchClaims(ctx context.Context, v fhir.Version, query url.Values, limit int, f *Fault) (*bundle, error) {
	patient, err := strconv.ParseInt(strings.TrimPrefix(query.Get("patient"), "Patient/"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("patient is not a number: %q", query.Get("patient"))
	}
	keep, err := filters(v, query)
	if err != nil {
		return nil, err
	}
	b := &bundle{loaded: s.loaded}
	claims, err := s.of(ctx, v, coverage.EnrolleeID(patient))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errComputing, err)
	}
	for _, c := range claims {
		if keep(c) || f.intrudes(c) {
			b.entries = append(b.entries, c.Raw)
		}
	}
	if v == fhir.V3 {
		return b, b.pagesV3(query, limit)
	}
	return b, b.pages(query)
}

// filters makes of a query what a claim must be.
func filters(v fhir.Version, query url.Values) (func(*Claim) bool, error) {
	var all []func(*Claim) bool
	for name, values := range query {
		for _, value := range values {
			f, err := filter(v, name, value)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
	}
	return func(c *Claim) bool {
		return !slices.ContainsFunc(all, func(f func(*Claim) bool) bool { return !f(c) })
	}, nil
}

func filter(v fhir.Version, name, value string) (func(*Claim) bool, error) {
	old := v != fhir.V3
	switch {
	case name == "patient", name == "_count", name == "_format", name == "startIndex", name == "_offset" && !old:
		return func(*Claim) bool { return true }, nil
	case name == "_lastUpdated":
		return storedFilter(value)
	case name == "service-date":
		return endFilter(value)
	case name == "excludeSAMHSA" && old:
		return func(c *Claim) bool { return value != "true" || !c.Part2 }, nil
	case name == "type" && old:
		types := strings.Split(value, ",")
		return func(c *Claim) bool { return value == "*" || slices.Contains(types, c.Type) }, nil
	case name == "_source" && !old && slices.Contains([]string{"NCH", "DDPS", "FISS", "MCS", "VMS", "CWF"}, strings.ToUpper(value)):
		return func(c *Claim) bool { return strings.EqualFold(c.Source, value) }, nil
	case name == "_security:not" && !old && value == "42CFRPart2":
		return func(c *Claim) bool { return !c.Part2 }, nil
	}
	return nil, fmt.Errorf("unknown or malformed parameter %s=%s", name, value)
}

// storedFilter compares the time at which a claim was stored. A claim without one
// counts as before everything. A "+" that arrives as a blank is not repaired.
func storedFilter(value string) (func(*Claim) bool, error) {
	prefix, text := cutPrefix(value)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, fmt.Errorf("_lastUpdated %q is not a time", value)
	}
	return func(c *Claim) bool { return fits(prefix, c.Stored.Compare(at)) }, nil
}

// endFilter compares the last day of service, and nothing else.
func endFilter(value string) (func(*Claim) bool, error) {
	prefix, text := cutPrefix(value)
	day, err := coverage.ParseDay(text)
	if err != nil {
		return nil, fmt.Errorf("service-date %q is not a day", value)
	}
	return func(c *Claim) bool { return c.HasEnd && fits(prefix, int(c.End)-int(day)) }, nil
}

func cutPrefix(value string) (prefix, rest string) {
	for _, prefix := range []string{"ge", "gt", "le", "lt", "eq"} {
		if rest, ok := strings.CutPrefix(value, prefix); ok {
			return prefix, rest
		}
	}
	return "eq", value
}

// fits tells whether a comparison came out as a prefix asks for.
func fits(prefix string, order int) bool {
	switch prefix {
	case "ge":
		return order >= 0
	case "gt":
		return order > 0
	case "le":
		return order <= 0
	case "lt":
		return order < 0
	}
	return order == 0
}
