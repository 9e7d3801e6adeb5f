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

// ClaimQuery asks for the claims of one person. Claims of substance use treatment
// (42 CFR Part 2) are never asked for, nor Part D events, nor those of version 3
// that are not of the National Claims History.
type ClaimQuery struct {
	Version fhir.Version
	// Patient is the person's number: of version 3 in version 3, and otherwise the
	// beneficiary id.
	Patient coverage.EnrolleeID
	// Since and Until bound when BFD stored the claim, both included; zero for no
	// bound. A claim without a stored time is left out by Since.
	Since, Until time.Time
	TaxNumbers   bool // with the tax numbers of providers
	// Known says that the caller has claims that the answer must have too, so that
	// an empty one is ErrEmpty. It makes no sense with Since or Until.
	Known bool
}

// Claims gives the raw claims of a person to see, one after another, each once and
// in the order of the server. A claim is valid until see returns. Claims may be
// given before an error, so take them over only when there is none. An error of see
// ends the search and is returned as it is.
//
// A claim that the server loads again between two pages may be given as it was
// before; a later search with an overlapping Since gives it as it is then.
//
// The server is trusted for nothing: the caller must check that a claim is of the
// person, leave out what must not be delivered, and ask again when the result is
// Short.
func (c *Client) Claims(ctx context.Context, q ClaimQuery, see func(raw []byte) error) (Result, error) {
	b := c.bases[q.Version]
	switch {
	case b == nil:
		return Result{}, fmt.Errorf("search claims of a patient: %s has no base URL", q.Version)
	case q.Known && (!q.Since.IsZero() || !q.Until.IsZero()):
		return Result{}, errors.New("search claims of a patient: what is known cannot be checked when the time is bounded")
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
