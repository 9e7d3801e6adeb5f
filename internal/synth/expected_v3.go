package synth

import (
	"context"
	"strconv"
	"time"

	"ab2d/internal/synth/claimgen"
)

// expectedV3 returns the claims that version 3 must deliver of the generator's person.
// It goes through all versions that versions 1 and 2 load up to a week later, counts
// back from each of their nights to the Monday before, and keeps what is newest.
func (m *member) expectedV3(ctx context.Context, d *claimgen.Generator, q ExpectedQuery, enrolled map[string]bool) ([]ExpectedClaim, error) {
	var claims []ExpectedClaim
	var group int64 // of the last of claims
	err := d.Each(ctx, q.AsOf.AddDate(0, 0, 7).UnixMilli(), func(c *claimgen.Claim) error {
		loaded := mondayOf(c, c.History.Loaded[c.Version])
		if loaded.After(q.AsOf) {
			return nil
		}
		c.Reset(&d.Person)
		if len(claims) > 0 && group == c.Group { // this version replaces the one before
			claims, group = claims[:len(claims)-1], 0
		}
		gone := c.History.Canceled != 0 && !mondayOf(c, c.History.Canceled).After(q.AsOf)
		if gone || !m.expects(c, loaded, q, enrolled) {
			return nil
		}
		group = c.Group
		claims = append(claims, ExpectedClaim{ID: strconv.FormatInt(c.IDV3(), 10), LastUpdated: loaded, Status: "active"})
		return nil
	})
	if len(claims) == 0 { // also when all were replaced
		return nil, err
	}
	return claims, err
}

// mondayOf returns when version 3 loads what versions 1 and 2 load in a night.
func mondayOf(c *claimgen.Claim, night int64) time.Time {
	day := time.UnixMilli(night).UTC().Truncate(24 * time.Hour)
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, -1)
	}
	return day.Add(9*time.Hour + time.Duration(c.Block())*10*time.Minute)
}
