package bfdtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
)

// searchPatient answers a search of version 3 by MBI, which can be a historic one.
// The record has all MBIs of the person. An error is a bad request.
func (s *Server) searchPatient(query url.Values) (*bundle, error) {
	for name := range query {
		if name != "identifier" && name != "_format" {
			return nil, fmt.Errorf("unknown parameter %s", name)
		}
	}
	mbi, ok := strings.CutPrefix(query.Get("identifier"), mbiSystem+"|")
	if !ok || len(query["identifier"]) != 1 {
		return nil, errors.New("identifier is not one MBI with its system")
	}
	b := &bundle{loaded: s.loaded}
	if e := s.people.byMBI[coverage.MBI(mbi)]; e != nil && e.PatientV3 != 0 {
		b.entries, b.total = [][]byte{patientV3(e)}, 1
		b.loaded = time.Time{} // it is in empty answers only
	}
	return b, nil
}

// patientV3 writes a person as version 3 does.
func patientV3(e *coverage.Enrollee) []byte {
	list := []object{}
	for i, mbi := range e.MBIs {
		period := object{"start": "2020-01-01"}
		if i > 0 {
			period = object{"start": "2019-01-01", "end": "2019-12-31"}
		}
		list = append(list, object{
			"type":   object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}}},
			"system": mbiSystem, "value": string(mbi), "period": period,
		})
	}
	raw, _ := json.Marshal(object{ // strings can be written
		"resourceType": "Patient", "id": strconv.FormatInt(int64(e.PatientV3), 10), "identifier": list,
	})
	return raw
}

// patients changes the answer of a search by MBI.
func (f *Fault) patients(b *bundle) {
	if len(b.entries) != 1 || !bytes.HasPrefix(b.entries[0], []byte(`{"id":"`)) {
		return
	}
	var p map[string]any
	if json.Unmarshal(b.entries[0], &p) != nil {
		return
	}
	id, _ := p["id"].(string)
	n, _ := strconv.ParseInt(id, 10, 64)
	write := func(id int64, add ...any) []byte {
		other := object{"resourceType": "Patient", "id": strconv.FormatInt(id, 10)}
		for i := 0; i+1 < len(add); i += 2 {
			other[add[i].(string)] = add[i+1]
		}
		raw, _ := json.Marshal(other) // strings can be written
		return raw
	}
	switch f.Mode {
	case Merged: // the real server writes the other's id as the id of the reference
		old := n + 1
		b.entries = [][]byte{write(old), write(n, "identifier", p["identifier"], "link",
			[]object{{"type": "replaces", "other": object{"id": strconv.FormatInt(old, 10)}}})}
	case Double:
		b.entries = append(slices.Clone(b.entries), write(n+1, "identifier", p["identifier"]))
	case Stranger:
		b.entries = [][]byte{write(n+1, "identifier", []object{{"system": mbiSystem, "value": "1S00A00AA00"}})}
	}
	b.total = len(b.entries)
}
