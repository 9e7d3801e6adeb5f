package bfd_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// TestPatientV3 compares the number of each person, by each MBI, with the enrollment
// of the same data. No URL and no header has an MBI.
func TestPatientV3(t *testing.T) {
	w := startWith(t, 100)
	c := w.client(t, nil)
	historic := 0
	for _, e := range slices.Concat(w.People("Z9001"), w.People("Z9002")) {
		for i, mbi := range e.MBIs {
			id, found, err := c.PatientV3(t.Context(), mbi)
			if err != nil || !found || id != e.PatientV3 || id == 0 {
				t.Fatalf("identifier %d of person %d: %d, %t, %v", i, e.ID, id, found, err)
			}
			historic += min(i, 1)
			r := w.Requests()[0]
			if r.Method != http.MethodPost || r.Path != "/v3/fhir/Patient/_search" || len(r.Query) != 0 || len(r.Form) != 1 ||
				r.Form.Get("identifier") != "http://hl7.org/fhir/sid/us-mbi|"+string(mbi) {
				t.Errorf("the call was %s %s with %d parameters", r.Method, r.Path, len(r.Form))
			}
		}
	}
	if historic == 0 {
		t.Error("nobody has a historic MBI")
	}
	id, found, err := c.PatientV3(t.Context(), "9S99A99AA99")
	if err != nil || found || id != 0 {
		t.Errorf("nobody: %d, %t, %v", id, found, err)
	}
}

// TestPatientV3Records: of several records, only one that replaces the others is
// the answer, and it must have the MBI.
func TestPatientV3Records(t *testing.T) {
	w := start(t)
	c := w.client(t, nil)
	e := w.People("Z9001")[0]
	for mode, want := range map[bfdtest.Mode]error{
		bfdtest.Merged: nil, bfdtest.Double: bfd.ErrPatients, bfdtest.Stranger: bfd.ErrStranger, bfdtest.Outcome: nil,
	} {
		w.Set(bfdtest.Fault{Mode: mode})
		id, found, err := c.PatientV3(t.Context(), e.MBIs[0])
		if !errors.Is(err, want) || found != (want == nil) || found && id != e.PatientV3 {
			t.Errorf("mode %d: %d, %t, %v", mode, id, found, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "search a patient by MBI: ") || bfd.Temporary(err) || strings.Contains(err.Error(), string(e.MBIs[0])) || !quiet(err.Error(), e.PatientV3)) {
			t.Errorf("the error is %v", err)
		}
	}
}

// TestPatientV3Faults: the search fails, and is tried again, as that of claims is.
func TestPatientV3Faults(t *testing.T) {
	w := start(t)
	e := w.People("Z9001")[0]
	c := w.client(t, nil)
	for _, fault := range []bfdtest.Fault{
		{Mode: bfdtest.Status, Status: 503, Text: "no"}, {Mode: bfdtest.Reset}, {Mode: bfdtest.Cut}, {Mode: bfdtest.Page}, {Mode: bfdtest.Stop},
	} {
		fault.Times = 2
		w.Set(fault)
		if id, found, err := c.PatientV3(t.Context(), e.MBIs[0]); err != nil || !found || id != e.PatientV3 {
			t.Errorf("mode %d: %v", fault.Mode, err)
		}
	}
	for _, c := range []struct {
		fault bfdtest.Fault
		kind  bfd.Kind
	}{
		{bfdtest.Fault{Mode: bfdtest.Status, Status: 401, Text: string(e.MBIs[0])}, bfd.Denied}, {bfdtest.Fault{Mode: bfdtest.Redirect}, bfd.Refused},
		{bfdtest.Fault{Mode: bfdtest.Slow}, bfd.Late}, {bfdtest.Fault{Mode: bfdtest.Big}, bfd.TooLong},
	} {
		w.Set(c.fault)
		client := w.client(t, func(config *bfd.Config) {
			config.Tries, config.MaxPageBytes, config.Deadline = 2, 1<<20, time.Minute
			if c.kind == bfd.Late {
				config.Deadline = 200 * time.Millisecond
			}
		})
		if _, found, err := client.PatientV3(t.Context(), e.MBIs[0]); found || kindOf(err) != c.kind || strings.Contains(err.Error(), string(e.MBIs[0])) {
			t.Errorf("mode %d: %v", c.fault.Mode, err)
		}
	}
	if strings.Contains(w.log.String(), string(e.MBIs[0])) {
		t.Error("the log names the person")
	}
}

// TestPatientV3Input: what cannot be an MBI, and a client without version 3, call
// nobody.
func TestPatientV3Input(t *testing.T) {
	w := start(t)
	for _, mbi := range []coverage.MBI{"", "123", "1S00A00AA01,1S00A00AA02", "1S00A00AA01|x"} {
		if _, _, err := w.client(t, nil).PatientV3(t.Context(), mbi); err == nil || mbi != "" && strings.Contains(err.Error(), string(mbi)) {
			t.Error(err)
		}
	}
	old := w.client(t, func(c *bfd.Config) { delete(c.Bases, fhir.V3) })
	if _, _, err := old.PatientV3(t.Context(), "1S00A00AA01"); err == nil || !strings.Contains(err.Error(), "v3 has no base URL") {
		t.Error(err)
	}
	if len(w.Requests()) != 0 {
		t.Error("a call was made")
	}
}
