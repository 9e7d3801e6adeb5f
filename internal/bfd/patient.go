package bfd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ab2d/internal/coverage"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// PatientV3 finds the number under which version 3 knows a person, by an MBI that
// the person has or had. found is false if version 3 knows nobody with this MBI.
//
// The MBI is sent in the body of a POST, and is in no URL. When the answer has
// records that were merged, the number is that of the record which replaces the
// others. The error is ErrPatients if no link says which record that is, and
// ErrStranger if this record does not have the MBI. Other errors are those of a
// call. No error has an identifier. It is safe for concurrent use.
func (c *Client) PatientV3(ctx context.Context, mbi coverage.MBI) (id coverage.EnrolleeID, found bool, err error) {
	const doing = "search a patient by MBI"
	b := c.bases[fhir.V3]
	if b == nil {
		return 0, false, fmt.Errorf("%s: %s has no base URL", doing, fhir.V3)
	}
	if _, err := feed.ParseMBI(string(mbi)); err != nil {
		return 0, false, fmt.Errorf("%s: %w", doing, err)
	}
	var records []record
	_, err = c.search(ctx, &search{
		version: fhir.V3, base: b, header: c.header(), kind: "Patient", post: true,
		see: func(raw []byte) error {
			r, err := readRecord(raw)
			if err != nil {
				return err
			}
			if records = append(records, r); len(records) > mostRecords {
				return ErrPatients
			}
			return nil
		},
	}, url.Values{"identifier": {mbiSystem + "|" + string(mbi)}})
	if err == nil && len(records) > 0 {
		id, err = current(records, mbi)
		found = err == nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", doing, err)
	}
	return id, found, nil
}

// mostRecords is how many records of one person are read. One is usual.
const mostRecords = 100

// record is what is read of a Patient of version 3.
type record struct {
	id   coverage.EnrolleeID
	mbis []string
	// replaced are the ids of records that were merged into this one. merged says
	// that this one was merged into another.
	replaced []string
	merged   bool
}

// readRecord reads a Patient. Its error quotes nothing.
func readRecord(raw []byte) (r record, err error) {
	var p struct {
		ID         string
		Identifier []struct{ System, Value string }
		Link       []struct {
			Type string
			// BFD writes the id of the other record as the id of the reference.
			Other struct{ ID, Reference string }
		}
	}
	if json.Unmarshal(raw, &p) != nil {
		return r, errors.New("the answer has a Patient that cannot be read")
	}
	id, err := strconv.ParseInt(p.ID, 10, 64)
	if err != nil || id == 0 {
		return r, errors.New("the answer has a Patient whose id is not a number")
	}
	r.id = coverage.EnrolleeID(id)
	for _, i := range p.Identifier {
		if i.System == mbiSystem {
			r.mbis = append(r.mbis, i.Value)
		}
	}
	for _, l := range p.Link {
		switch l.Type {
		case "replaced-by":
			r.merged = true
		case "replaces":
			r.replaced = append(r.replaced, l.Other.ID, l.Other.Reference[strings.LastIndexByte(l.Other.Reference, '/')+1:])
		}
	}
	return r, nil
}

// current finds the one record that no other one replaces.
func current(records []record, mbi coverage.MBI) (coverage.EnrolleeID, error) {
	replaced := map[string]bool{}
	for _, r := range records {
		for _, id := range r.replaced {
			replaced[id] = true
		}
	}
	var found *record
	for i := range records {
		r := &records[i]
		if r.merged || replaced[strconv.FormatInt(int64(r.id), 10)] {
			continue
		}
		if found != nil {
			return 0, ErrPatients
		}
		found = r
	}
	if found == nil {
		return 0, ErrPatients
	}
	if !slices.Contains(found.mbis, string(mbi)) {
		return 0, ErrStranger
	}
	return found.id, nil
}
