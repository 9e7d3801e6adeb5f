package bfd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// ClaimQuery is a search for the claims of one person. It never requests claims of
// substance use treatment (42 CFR Part 2) or Part D events, nor, in version 3, claims
// from outside the National Claims History.
type ClaimQuery struct {
	Version fhir.Version
	// Patient is the person's number: in version 3 that of version 3, and otherwise the
	// beneficiary id.
	Patient coverage.EnrolleeID
	// Since and Until bound when BFD stored the claim, both included; zero for no
	// bound. A claim without a stored time is left out by Since.
	Since, Until time.Time
	TaxNumbers   bool // with the tax numbers of providers
	// Known says that the caller already has claims of this search, so an empty result
	// is ErrEmpty. It cannot be combined with Since or Until.
	Known bool
}

// Claims calls see with each raw claim of a person, once and in the order of the server.
// A claim is valid until see returns. Claims can precede an error, so use them only if
// there is none. An error of see ends the search and is returned unchanged.
//
// If the server loads a claim again between two pages, the search can return its former
// state. A later search with an overlapping Since returns the new one.
//
// Do not trust the server: check that each claim belongs to the person, leave out what
// must not be delivered, and search again if the result is Short.
func (c *Client) Claims(ctx context.Context, q ClaimQuery, see func(raw []byte) error) (Result, error) {
	b := c.bases[q.Version]
	switch {
	case b == nil:
		return Result{}, fmt.Errorf("search claims of a patient: %s has no base URL", q.Version)
	case q.Known && (!q.Since.IsZero() || !q.Until.IsZero()):
		return Result{}, errors.New("search claims of a patient: Known cannot be combined with Since or Until")
	}
	header := c.header()
	if q.TaxNumbers {
		header.Set("IncludeTaxNumbers", "true")
	}
	r, err := c.search(ctx, &search{
		version: q.Version, base: b, header: header, kind: "ExplanationOfBenefit", known: q.Known, see: see,
	}, q.values(c.config.PageSize))
	if err != nil {
		return r, fmt.Errorf("search claims of a patient: %w", err)
	}
	return r, nil
}

// search runs a search of a version with a query.
func (c *Client) search(ctx context.Context, s *search, query url.Values) (Result, error) {
	s.client = c
	s.first = s.base.url.JoinPath(s.kind)
	if s.post {
		s.first = s.first.JoinPath("_search")
	}
	s.first.RawQuery = query.Encode()
	return s.run(ctx)
}

// values writes the query. Times are in UTC: a "+" of a zone that a proxy decodes
// twice would arrive as a blank.
func (q *ClaimQuery) values(pageSize int) url.Values {
	v := url.Values{"patient": {strconv.FormatInt(int64(q.Patient), 10)}}
	if q.Version == fhir.V3 {
		v.Set("_security:not", "42CFRPart2")
		v.Set("_source", "NCH")
	} else {
		v.Set("excludeSAMHSA", "true")
		v.Set("type", "carrier,dme,hha,hospice,inpatient,outpatient,snf")
	}
	if !q.Since.IsZero() {
		v.Add("_lastUpdated", "ge"+fhir.FormatInstant(q.Since))
	}
	if !q.Until.IsZero() {
		v.Add("_lastUpdated", "le"+fhir.FormatInstant(q.Until))
	}
	if pageSize > 0 {
		v.Set("_count", strconv.Itoa(pageSize))
	}
	return v
}
