package bfdtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/feed"
)

// Names of the real server.
const (
	variables = "https://bluebutton.cms.gov/resources/variables/"
	currency  = "https://bluebutton.cms.gov/resources/codesystem/identifier-currency"
	mbiSystem = "http://hl7.org/fhir/sid/us-mbi"
)

// people is who is enrolled.
type people struct {
	onDemand  PersonDataset                  // computes claims; nil when they are held
	contracts map[string][]coverage.Enrollee // in ascending order of id
	ids       map[coverage.EnrolleeID]bool
	byV3      map[coverage.EnrolleeID]coverage.EnrolleeID // beneficiary ids by number of version 3
	byMBI     map[coverage.MBI]*coverage.Enrollee
}

func (p *people) load(d Dataset) error {
	var b bytes.Buffer
	if err := d.WriteEnrollment(&b); err != nil {
		return fmt.Errorf("write the enrollment: %w", err)
	}
	var err error
	if p.contracts, err = feed.ReadEnrollment(&b); err != nil {
		return fmt.Errorf("load the enrollment: %w", err)
	}
	p.ids, p.byV3, p.byMBI = map[coverage.EnrolleeID]bool{}, map[coverage.EnrolleeID]coverage.EnrolleeID{}, map[coverage.MBI]*coverage.Enrollee{}
	for _, list := range p.contracts {
		for i := range list {
			p.index(&list[i])
		}
	}
	return nil
}

// index makes a person easy to find. A person can be in several contracts.
func (p *people) index(e *coverage.Enrollee) {
	p.ids[e.ID] = true
	if e.PatientV3 != 0 {
		p.byV3[e.PatientV3] = e.ID
	}
	for _, mbi := range e.MBIs {
		if p.byMBI[mbi] == nil || p.byMBI[mbi].PatientV3 == 0 {
			p.byMBI[mbi] = e
		}
	}
}

// People lists who is enrolled in a contract, with all months, in order of id.
func (s *Server) People(contract string) []coverage.Enrollee { return s.people.contracts[contract] }

// search answers a search of people by contract and month in STU3. An error is a bad
// request.
func (p *people) search(query url.Values, header http.Header) (*bundle, error) {
	contract, month, err := parseMonth(query)
	if err != nil {
		return nil, err
	}
	b := &bundle{total: -1}
	count := whole(query, "_count", len(p.contracts[contract])+1)
	if count < 1 {
		return nil, errors.New("_count out of range")
	}
	after, err := strconv.ParseInt(query.Get("cursor"), 10, 64)
	if err != nil && query.Has("cursor") {
		return nil, errors.New("the cursor is not a number")
	}
	last := int64(0)
	for _, e := range p.contracts[contract] {
		if query.Has("cursor") && int64(e.ID) <= after || !e.Months.Has(month) {
			continue
		}
		if len(b.entries) == count { // so there is one more
			b.links = []link{{"next", map[string]string{"cursor": strconv.FormatInt(last, 10)}}}
			break
		}
		b.entries = append(b.entries, patient(&e, month, header.Get("IncludeIdentifiers") == "mbi"))
		last = int64(e.ID)
	}
	return b, nil
}

// parseMonth reads which contract and month a query asks for.
func parseMonth(query url.Values) (contract string, month coverage.Month, err error) {
	for name := range query {
		switch name {
		case "_has:Coverage.extension", "_has:Coverage.rfrncyr", "_count", "_format", "cursor":
		default:
			return "", 0, fmt.Errorf("unknown parameter %s", name)
		}
	}
	system, contract, _ := strings.Cut(query.Get("_has:Coverage.extension"), "|")
	number, ok := strings.CutPrefix(system, variables+"ptdcntrct")
	year, dated := strings.CutPrefix(query.Get("_has:Coverage.rfrncyr"), variables+"rfrnc_yr|")
	at, err := time.Parse("2006-01", year+"-"+number)
	if !ok || !dated || err != nil {
		return "", 0, errors.New("not a contract and a month")
	}
	return contract, coverage.MonthOf(at.Year(), at.Month()), nil
}

// object is a JSON object.
type object map[string]any

// patient writes a person as the month search returns it.
func patient(e *coverage.Enrollee, month coverage.Month, identifiers bool) []byte {
	id := strconv.FormatInt(int64(e.ID), 10)
	list := []object{{"system": variables + "bene_id", "value": id}}
	for i, mbi := range e.MBIs {
		code := "historic"
		if i == 0 {
			code = "current"
		}
		if !identifiers {
			break
		}
		list = append(list, object{
			"extension": []object{{"url": currency, "valueCoding": object{"system": currency, "code": code}}},
			"system":    mbiSystem, "value": string(mbi),
		})
	}
	raw, _ := json.Marshal(object{ // strings can be written
		"resourceType": "Patient", "id": id, "identifier": list,
		"extension": []object{{"url": variables + "rfrnc_yr", "valueDate": month.String()[:4]}},
	})
	return raw
}
