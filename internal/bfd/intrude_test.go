package bfd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// holder is the first person who has a claim that a test needs.
func (w *world) holder(t *testing.T, v fhir.Version, has func(*bfdtest.Claim) bool) coverage.EnrolleeID {
	t.Helper()
	for _, p := range w.Patients(v) {
		if slices.ContainsFunc(w.Claims(v, p), has) && len(w.wanted(v, p)) > 0 {
			return p
		}
	}
	t.Fatalf("%s: nobody has such a claim", v)
	return 0
}

// TestIntruders: claims that the server gives in spite of the query are given to the
// caller with the others, as they are: it is the caller who must leave them out.
func TestIntruders(t *testing.T) {
	w := startWith(t, 60, fhir.V2, fhir.V3)
	c := w.client(t, nil)
	drug := func(c *bfdtest.Claim) bool { return c.Type == "pde" || c.Source == "DDPS" }
	shared := func(c *bfdtest.Claim) bool { return slices.Contains([]string{"FISS", "MCS", "VMS"}, c.Source) }
	part2 := func(c *bfdtest.Claim) bool { return c.Part2 }
	for _, x := range []struct {
		version fhir.Version
		mode    bfdtest.Mode
		is      func(*bfdtest.Claim) bool
	}{
		{fhir.V2, bfdtest.Drug, drug}, {fhir.V3, bfdtest.Drug, drug}, {fhir.V3, bfdtest.Shared, shared}, {fhir.V2, bfdtest.Part2, part2}, {fhir.V3, bfdtest.Part2, part2},
	} {
		id := w.holder(t, x.version, x.is)
		w.Set(bfdtest.Fault{Mode: x.mode})
		got, _, err := lines(t, c, bfd.ClaimQuery{Version: x.version, Patient: id})
		want := w.wanted(x.version, id)
		for _, claim := range w.Claims(x.version, id) {
			if x.is(claim) && !slices.Contains(want, string(claim.Raw)) {
				want = append(want, string(claim.Raw))
			}
		}
		if slices.Sort(got); err != nil || len(want) == len(w.wanted(x.version, id)) {
			t.Errorf("mode %d in %s: the test proves nothing: %v", x.mode, x.version, err)
		}
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("mode %d in %s: %d claims, want %d", x.mode, x.version, len(got), len(want))
		}
	}
}

// TestStrangeClaims: a claim of somebody else, and a prior authorization, are given
// as they are, too, and so are claims that are not whole.
func TestStrangeClaims(t *testing.T) {
	w := start(t, fhir.V2, fhir.V3)
	c := w.client(t, nil)
	for _, x := range []struct {
		version fhir.Version
		mode    bfdtest.Mode
		more    int
		marks   func(line, patient string) bool
	}{
		{fhir.V2, bfdtest.OtherPatient, 1, func(line, patient string) bool { return !strings.Contains(line, patient) }},
		{fhir.V3, bfdtest.OtherPatient, 1, func(line, patient string) bool { return !strings.Contains(line, patient) }},
		{fhir.V3, bfdtest.Preauthorization, 1, func(line, _ string) bool {
			return strings.Contains(line, `"use":"preauthorization"`) && strings.Contains(line, `"source":"CWF"`)
		}},
		{fhir.V2, bfdtest.NoTime, 0, func(line, _ string) bool { return !hasMember(line, "meta", "lastUpdated") }},
		{fhir.V3, bfdtest.NoPeriod, 0, func(line, _ string) bool { return !hasMember(line, "billablePeriod", "start") }},
	} {
		id := w.busiest(x.version)
		w.Set(bfdtest.Fault{Mode: x.mode})
		got, r, err := lines(t, c, bfd.ClaimQuery{Version: x.version, Patient: id})
		patient := fmt.Sprintf(`"Patient/%d"`, id)
		strange := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return !x.marks(line, patient) })
		if want := len(w.wanted(x.version, id)); err != nil || len(got) != want+x.more || len(strange) != 1 || r.Short() {
			t.Errorf("mode %d in %s: %d claims, want %d, %d of them strange: %v", x.mode, x.version, len(got), want, len(strange), err)
		}
	}
}

// hasMember tells whether an object in a claim has a member.
func hasMember(line, object, member string) bool {
	var claim map[string]json.RawMessage
	var inner map[string]json.RawMessage
	return json.Unmarshal([]byte(line), &claim) == nil && json.Unmarshal(claim[object], &inner) == nil && inner[member] != nil
}

// TestLongBody: a page of 30 MB is read, unless it is longer than allowed.
func TestLongBody(t *testing.T) {
	w := start(t, fhir.V2)
	id := w.busiest(fhir.V2)
	w.Set(bfdtest.Fault{Mode: bfdtest.Big, Size: 30 << 20})
	got, _, err := lines(t, w.client(t, nil), bfd.ClaimQuery{Version: fhir.V2, Patient: id})
	if err != nil || !slices.Equal(got, w.wanted(fhir.V2, id)) {
		t.Errorf("%d claims: %v", len(got), err)
	}
	short := w.client(t, func(c *bfd.Config) { c.MaxPageBytes = 30 << 20 })
	if _, _, err := lines(t, short, bfd.ClaimQuery{Version: fhir.V2, Patient: id}); kindOf(err) != bfd.TooLong || bfd.Temporary(err) {
		t.Error(err)
	}
}

// TestUnproven: a server that wants a certificate refuses a client without one, and
// the error of version 3 says so.
func TestUnproven(t *testing.T) {
	w := start(t, fhir.V2, fhir.V3)
	w.Set(bfdtest.Fault{Mode: bfdtest.Unproven})
	c := w.client(t, func(c *bfd.Config) { c.Tries = 2 })
	for v, want := range map[fhir.Version]bfd.Kind{fhir.V2: bfd.Lost, fhir.V3: bfd.Denied} {
		if _, _, err := lines(t, c, bfd.ClaimQuery{Version: v, Patient: 1}); kindOf(err) != want {
			t.Errorf("%s: %v", v, err)
		}
	}
}

// TestBlank: times of the client arrive as they are at a server that takes a "+" for
// a blank, whatever zone the caller has.
func TestBlank(t *testing.T) {
	w := start(t, fhir.V2)
	w.Set(bfdtest.Fault{Mode: bfdtest.Blank})
	id := w.busiest(fhir.V2)
	since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600))
	got, _, err := lines(t, w.client(t, nil), bfd.ClaimQuery{Version: fhir.V2, Patient: id, Since: since})
	if want := w.since(fhir.V2, id, since); err != nil || len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d claims, want %d: %v", len(got), len(want), err)
	}
	if bytes.Contains(w.log.Bytes(), []byte("level")) {
		t.Errorf("the log is %s", w.log)
	}
}
