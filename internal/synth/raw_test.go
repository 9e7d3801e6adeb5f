package synth

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
)

// TestRaw: a raw claim, read and reduced as an imported one is, gives the line
// that the sandbox delivers and the facts that it tells; and whatever must not
// leave, eob and the rules of coverage find out.
func TestRaw(t *testing.T) {
	s := sourceAt(42, asOf)
	verdicts := map[nature]coverage.Verdict{
		partD: coverage.PartDEvent, substance: coverage.SubstanceUse, stranger: coverage.NotPatient, endless: coverage.NoBillablePeriod,
	}
	for _, v := range versions {
		met := map[nature]int{}
		minimiser := eob.New(v)
		format, _ := formatOf(v)
		d := new(desk)
		for _, e := range enrollees(t, s, "Z0000")[:60] {
			selection := selectionOf(t, s, "Z0000", &e)
			d.claims.begin(s.population, int(firstID-e.ID))
			d.line.setMBIs(e.MBIs)
			err := d.claims.each(context.Background(), asOf.UnixMilli(), func(c *claim) error {
				facts := c.Claim
				raw := bytes.Clone(d.raw(c, format))
				reduced, err := minimiser.Minimise(raw)
				if err != nil {
					t.Fatalf("%v: %s", err, raw)
				}
				met[c.nature]++
				if c.nature != ordinary {
					if got := selection.Verdict(&reduced.Claim); got != verdicts[c.nature] {
						t.Fatalf("the verdict on a claim of nature %d is %s: %s", c.nature, got, raw)
					}
					return nil
				}
				line := d.line.delivered(format, c)
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
