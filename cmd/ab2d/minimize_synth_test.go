package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/synth"
)

// strict is a sink that holds every synthetic claim to the minimizer: it must
// come out as it went in, and tell the facts that the source told.
type strict struct {
	t         *testing.T
	minimizer *eob.Minimizer
	mbis      []coverage.MBI
	told      coverage.Claim
	again     []byte
	claims    int
}

// Wants takes every claim, those that no export would deliver among them.
func (s *strict) Wants(c *coverage.Claim) bool {
	s.told = *c
	return true
}

func (s *strict) Line(line []byte) error {
	s.claims++
	c, err := s.minimizer.Minimize(line)
	if err != nil {
		return err
	}
	s.again = append(c.AppendWithMBIs(s.again[:0], s.mbis), '\n')
	if !bytes.Equal(s.again, line) {
		s.t.Errorf("the minimizer changes %s:\n%s", c.ID, cmp.Diff(string(line), string(s.again)))
	}
	if d := cmp.Diff(s.told, c.Claim); d != "" {
		s.t.Errorf("%s: the minimizer finds other facts than the source tells:\n%s", c.ID, d)
	}
	return nil
}

func (s *strict) Segment(segment.Segment, []byte, int64) error {
	s.t.Error("a synthetic source has no segments")
	return nil
}

// TestSyntheticClaimsAreMinimal: what the sandbox delivers is what an import
// of the same claims would.
func TestSyntheticClaimsAreMinimal(t *testing.T) {
	now := time.Date(2025, time.June, 15, 0, 0, 0, 0, time.UTC)
	source := synth.New(42, func() time.Time { return now })
	snapshot, err := source.Snapshot(t.Context(), "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	enrollees, err := source.Enrollees(t.Context(), "Z0000", snapshot, -1<<63, 30)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []fhir.Version{fhir.V1, fhir.V2} {
		reader, err := source.Open(t.Context(), export.Query{Version: v, Snapshot: snapshot})
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		sink := &strict{t: t, minimizer: eob.New(v)}
		for i := range enrollees {
			sink.mbis = enrollees[i].MBIs
			if err := reader.Write(t.Context(), &coverage.Selection{Enrollee: &enrollees[i], Until: now}, sink); err != nil {
				t.Fatal(err)
			}
		}
		if sink.claims < 500 {
			t.Errorf("%s: only %d claims of %d enrollees", v, sink.claims, len(enrollees))
		}
	}
}
