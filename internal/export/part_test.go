package export

import (
	"strings"
	"testing"

	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// TestSegmentIsCut: claims that come as they are stored are cut as well, line by line.
func TestSegmentIsCut(t *testing.T) {
	out := &output{worker: &Worker{}}
	s := partSink{out: out, subset: fhir.NewSubset([]string{"id"})}
	plain := `{"id":"a","item":[1],"meta":{}}` + "\n" + `{"id":"b","item":[2]}` + "\n"
	if err := s.Segment(segment.Segment{}, []byte(plain), 2); err != nil {
		t.Fatal(err)
	}
	got := string(out.pending)
	if s.lines != 2 || out.lines != 2 || strings.Contains(got, "item") || strings.Count(got, "SUBSETTED") != 2 || strings.Count(got, "\n") != 2 {
		t.Errorf("%d lines: %s", s.lines, got)
	}
	if err := s.Line([]byte("{}x\n")); err == nil {
		t.Error("a claim that is none was cut")
	}
}
