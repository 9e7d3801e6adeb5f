package synth

import (
	"context"
	"fmt"
	"io"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/eobjson"
)

// WritePersonClaims writes the raw claims of one person, the same bytes that
// WriteClaims writes for this person, and returns their number. The id is the
// beneficiary id in all versions. It writes nothing for a person who is not in the
// data set.
func (d *Dataset) WritePersonClaims(ctx context.Context, w io.Writer, v fhir.Version, id coverage.EnrolleeID) (claims int64, err error) {
	write, err := eobjson.FormatOf(v)
	if err != nil {
		return 0, err
	}
	index, ok := d.source.population.IndexOf(id)
	if !ok {
		return 0, nil
	}
	if _, ok := slices.BinarySearch(d.people, index); !ok {
		return 0, nil
	}
	desk := d.source.desks.Get().(*desk)
	defer d.source.desks.Put(desk)
	desk.claims.Begin(d.source.population, index)
	err = desk.each(ctx, v, d.at.UnixMilli(), func(c *claimgen.Claim) error {
		claims++
		_, err := w.Write(desk.raw(c, write))
		return err
	})
	if err != nil {
		return claims, fmt.Errorf("write synthetic claims of a person: %w", err)
	}
	return claims, nil
}
