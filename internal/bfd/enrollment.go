package bfd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// EnrollmentQuery is a search for the people of a contract in a month. Only version 1
// of BFD has it; the result is valid for all versions.
type EnrollmentQuery struct {
	Contract string // a letter and four digits
	Month    coverage.Month
	Known    bool // the caller knows of people, so that an empty answer is ErrEmpty
}

// Member is a person who is enrolled.
type Member struct {
	ID       coverage.EnrolleeID
	Current  coverage.MBI   // empty if the server marks none
	Historic []coverage.MBI // in alphabetical order
}

// Enrollment is the result of a search for people. Count includes those who were not
// passed to see.
type Enrollment struct {
	Result
	OtherYear int // people not given: they are of an earlier year, or of none
	Unclear   int // people not given, because they have no readable id
	BadMBIs   int // identifiers without the form of an MBI, left out
}

// Names of BFD, in STU3.
const (
	variables   = "https://bluebutton.cms.gov/resources/variables/"
	beneficiary = variables + "bene_id"
	reference   = variables + "rfrnc_yr"
	currency    = "https://bluebutton.cms.gov/resources/codesystem/identifier-currency"
	mbiSystem   = "http://hl7.org/fhir/sid/us-mbi"
)

// Enrollment calls see once with each person of a contract in a month. People can precede
// an error, so use them only if there is none. An error of see ends the search and is
// returned unchanged.
func (c *Client) Enrollment(ctx context.Context, q EnrollmentQuery, see func(Member) error) (Enrollment, error) {
	const doing = "search people of a contract"
	b := c.bases[fhir.V1]
	switch {
	case b == nil:
		return Enrollment{}, fmt.Errorf("%s: %s has no base URL", doing, fhir.V1)
	case !coverage.ValidContractNumber(q.Contract):
		return Enrollment{}, errors.New(doing + ": the contract is not a letter and four digits")
	}
	var e Enrollment
	today := c.config.Now()
	var err error
	e.Result, err = c.search(ctx, &search{
		version: fhir.V1, base: b, header: c.header("IncludeIdentifiers", "mbi"), kind: "Patient", known: q.Known,
		see: func(raw []byte) error {
			m, ok := e.read(raw, q.Month, today)
			if !ok {
				return nil
			}
			return see(m)
		},
	}, q.values(c.config.PeoplePage))
	if err != nil {
		return e, fmt.Errorf("%s: %w", doing, err)
	}
	return e, nil
}

func (q *EnrollmentQuery) values(pageSize int) url.Values {
	first := q.Month.First().Time()
	return url.Values{
		"_has:Coverage.extension": {variables + "ptdcntrct" + first.Format("01") + "|" + q.Contract},
		"_has:Coverage.rfrncyr":   {reference + "|" + first.Format("2006")},
		"_count":                  {strconv.Itoa(pageSize)},
		"_format":                 {"json"},
	}
}

// patient is what is read of a Patient.
type patient struct {
	Extension []struct {
		URL       string
		ValueDate string
	}
	Identifier []identifier
}

type identifier struct {
	System, Value string
	Extension     []extension
	Type          struct {
		Coding []struct{ Extension []extension }
	}
	Period struct{ Start, End string }
}

type extension struct {
	URL         string
	ValueCoding struct{ Code string }
}

// read reads a person, and reports whether to pass the person to see.
func (e *Enrollment) read(raw []byte, month coverage.Month, now time.Time) (m Member, ok bool) {
	var p patient
	if json.Unmarshal(raw, &p) != nil {
		e.Unclear++
		return m, false
	}
	if p.year() < month.First().Time().Year() {
		e.OtherYear++
		return m, false
	}
	at := slices.IndexFunc(p.Identifier, func(i identifier) bool { return i.System == beneficiary })
	if at < 0 {
		e.Unclear++
		return m, false
	}
	id, err := strconv.ParseInt(p.Identifier[at].Value, 10, 64)
	if err != nil {
		e.Unclear++
		return m, false
	}
	m.ID = coverage.EnrolleeID(id)
	e.BadMBIs += m.identify(p.Identifier, now)
	return m, true
}

// year is the reference year; -1 if there is none. Test contracts have years such as
// 0003.
func (p *patient) year() int {
	for _, x := range p.Extension {
		if x.URL != reference || len(x.ValueDate) < 4 {
			continue
		}
		if year, err := strconv.Atoi(x.ValueDate[:4]); err == nil {
			return year
		}
	}
	return -1
}

// identify takes the MBIs, and counts those without the form of one. The current one
// is that which the server marks, or whose period is now, or the first of which
// nothing is known.
func (m *Member) identify(list []identifier, now time.Time) (bad int) {
	best := past
	for _, i := range list {
		if i.System != mbiSystem {
			continue
		}
		mbi, err := feed.ParseMBI(i.Value)
		if err != nil {
			bad++
			continue
		}
		m.Historic = append(m.Historic, mbi)
		if c := i.claim(now); c > best {
			best, m.Current = c, mbi
		}
	}
	slices.Sort(m.Historic)
	m.Historic = slices.DeleteFunc(slices.Compact(m.Historic), func(mbi coverage.MBI) bool { return mbi == m.Current })
	return bad
}

// How good a claim an identifier has to be the current one.
const (
	past = iota
	perhaps
	inPeriod
	marked
)

func (i *identifier) claim(now time.Time) int {
	marks := i.Extension
	for _, c := range i.Type.Coding {
		marks = append(marks, c.Extension...)
	}
	for _, x := range marks {
		switch {
		case x.URL != currency:
		case x.ValueCoding.Code == "current":
			return marked
		default:
			return past
		}
	}
	if i.Period.Start == "" && i.Period.End == "" {
		return perhaps
	}
	// Dates of a period compare as texts, up to the length that they have.
	today := now.UTC().Format(time.DateOnly)
	start, end := i.Period.Start[:min(len(i.Period.Start), len(today))], i.Period.End[:min(len(i.Period.End), len(today))]
	if start <= today[:len(start)] && (end == "" || end >= today[:len(end)]) {
		return inPeriod
	}
	return past
}
