package synth

import (
	"context"
	"testing"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/synth/eobjson"
)

// counter is a sink that only counts.
type counter struct {
	selection     *coverage.Selection
	claims, bytes int
	facts         bool // only decide, want nothing
}

func (c *counter) Wants(claim *coverage.Claim) bool {
	wanted := c.selection.Verdict(claim) == coverage.Deliver
	if c.facts && wanted {
		c.claims++
		return false
	}
	return wanted
}

func (c *counter) Segment(segment.Segment, []byte, int64) error { return nil }

func (c *counter) Line(line []byte) error {
	c.claims++
	c.bytes += len(line)
	return nil
}

// BenchmarkWrite writes all claims of one enrollee after another: claims and
// bytes a second on one core.
func BenchmarkWrite(b *testing.B) {
	for _, v := range allVersions {
		b.Run(v.String(), func(b *testing.B) { benchmark(b, export.Query{Version: v}, &counter{}) })
	}
	b.Run("month", func(b *testing.B) {
		benchmark(b, export.Query{Version: fhir.V2, Since: asOf.AddDate(0, -1, 0)}, &counter{})
	})
	b.Run("facts", func(b *testing.B) { benchmark(b, export.Query{Version: 1}, &counter{facts: true}) })
}

func benchmark(b *testing.B, q export.Query, sink *counter) {
	s := sourceAt(42, asOf)
	list := enrollees(b, s, "Z0001")
	sink.selection = selectionOf(b, s, "Z0001", &list[0])
	sink.selection.Since = q.Since
	r, err := s.Open(context.Background(), q)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sink.selection.Enrollee = &list[i%len(list)]
		if err := r.Write(context.Background(), sink.selection, sink); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(sink.claims)/b.Elapsed().Seconds(), "claims/s")
	b.ReportMetric(float64(sink.claims)/float64(b.N), "claims/op")
	b.ReportMetric(float64(sink.bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
}

// TestNoAllocation: writing claims allocates nothing once the space is there.
func TestNoAllocation(t *testing.T) {
	s := sourceAt(42, asOf)
	list := enrollees(t, s, "Z0000")
	d := new(desk)
	sink := &counter{selection: selectionOf(t, s, "Z0000", &list[7])}
	for _, v := range []fhir.Version{fhir.V1, fhir.V3} {
		format, err := eobjson.FormatOf(v)
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{source: s, version: v, format: format, desk: d}
		write := func() {
			if err := r.Write(context.Background(), sink.selection, sink); err != nil {
				t.Fatal(err)
			}
		}
		sink.claims = 0
		write()
		if n := testing.AllocsPerRun(5, write); n > 0 || sink.claims == 0 {
			t.Errorf("%s: %.0f allocations for %d claims", v, n, sink.claims)
		}
	}
}
