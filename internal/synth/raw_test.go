package synth

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/eobjson"
	"ab2d/internal/synth/population"
)

// TestRaw reads and minimizes raw claims in the same way as imported ones. The
// result is the line that the sandbox delivers, with the same facts. Package eob and
// the rules of package coverage find every claim that must never be delivered.
func TestRaw(t *testing.T) {
	s := sourceAt(42, asOf)
	verdicts := map[claimgen.Nature]coverage.Verdict{
		claimgen.PartD: coverage.PartDEvent, claimgen.SubstanceUse: coverage.SubstanceUse, claimgen.UnknownPatient: coverage.NotPatient, claimgen.NoPeriodEnd: coverage.NoBillablePeriod,
	}
	for _, v := range versions {
		met := map[claimgen.Nature]int{}
		minimizer := eob.New(v)
		format, _ := eobjson.FormatOf(v)
		d := new(desk)
		for _, e := range enrollees(t, s, "Z0000")[:60] {
			selection := selectionOf(t, s, "Z0000", &e)
			d.claims.Begin(s.population, int(population.FirstID-e.ID))
			d.line.SetMBIs(e.MBIs)
			err := d.claims.Each(context.Background(), asOf.UnixMilli(), func(c *claimgen.Claim) error {
				facts := c.Claim
				raw := bytes.Clone(d.raw(c, format))
				reduced, err := minimizer.Minimize(raw)
				if err != nil {
					t.Fatalf("%v: %s", err, raw)
				}
				met[c.Nature]++
				if c.Nature != claimgen.Ordinary {
					if got := selection.Verdict(&reduced.Claim); got != verdicts[c.Nature] {
						t.Fatalf("the verdict on a claim of nature %d is %s: %s", c.Nature, got, raw)
					}
					return nil
				}
				line := d.line.Delivered(format, c)
				if got := append(reduced.AppendWithMBIs(nil, e.MBIs), '\n'); !bytes.Equal(got, line) {
					t.Fatalf("%s of\n%s", cmp.Diff(string(line), string(got)), raw)
				}
				if diff := cmp.Diff(facts, reduced.Claim); diff != "" {
					t.Fatalf("%s in %s", diff, raw)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(met) != 5 {
			t.Errorf("%s: met %v", v, met)
		}
	}
}
