package claimgen

import (
	"context"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/population"
)

// Generator makes the claims of one person after another. Its space is used
// again, so that making claims allocates nothing. It is not safe for concurrent
// use.
type Generator struct {
	Person  population.Person
	Claim   Claim
	episode episode
	newest  bool  // make the claims of version 3
	after   int64 // make those that are stamped later only; 0: all
}

// Begin sets the person whose claims Each makes.
func (g *Generator) Begin(people *population.Population, index int) {
	people.Person(&g.Person, index)
	g.after = 0
}

// Each calls f for every version of every claim of the person that is in the
// database at a moment, in milliseconds since 1970. The claim is valid only during
// the call. Each stops at the first error of f and at the end of ctx.
func (g *Generator) Each(ctx context.Context, asOf int64, f func(*Claim) error) error {
	g.newest = false
	return g.each(ctx, asOf, f)
}

// EachNewest calls f in the same way for the claims that version 3 of the API has at
// a moment. Of each claim that is the newest version that is loaded, and nothing if
// the claim is canceled without a replacement. Some claims come a second time, with
// the nature SharedSystem.
func (g *Generator) EachNewest(ctx context.Context, asOf int64, f func(*Claim) error) error {
	g.newest = true
	return g.each(ctx, asOf, f)
}

func (g *Generator) each(ctx context.Context, asOf int64, f func(*Claim) error) error {
	last := min(coverage.Date(asOf/DayMillis), g.Person.Life.Death)
	month := g.firstMonth()
	for first := month.First(); first <= last && month < population.FirstMonth+population.MonthsHeld; month++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := (month + 1).First()
		if err := g.month(month, first, next, asOf, f); err != nil {
			return err
		}
		first = next
	}
	return nil
}

// month calls f for the claims of one month: everyday care, the episode that begins
// in it, and hospice care.
func (g *Generator) month(month coverage.Month, first, next coverage.Date, asOf int64, f func(*Claim) error) error {
	c, p, days := &g.Claim, &g.Person, int(next-first)
	for slot, set := 0, occupied(p, month); set != 0; slot, set = slot+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		c.drawFacts(p, month, first, days, slot)
		if err := g.versions(asOf, f); err != nil {
			return err
		}
	}
	g.episode.draw(p, month, first, days)
	for i, s := range g.episode.steps.Items() {
		c.stepFacts(p, month, careSlots+i, g.episode.stay, s)
		if err := g.versions(asOf, f); err != nil {
			return err
		}
	}
	if s, in := hospiceIn(&p.Life, first, next-1); in {
		c.stepFacts(p, month, hospiceSlot, nil, s)
		return g.versions(asOf, f)
	}
	return nil
}

// versions calls f for the versions of one claim.
func (g *Generator) versions(asOf int64, f func(*Claim) error) error {
	c, death := &g.Claim, g.Person.Life.Death
	start, end := c.Start, c.End
	if start > death || g.after != 0 && c.History.last() <= g.after {
		return nil
	}
	if g.newest {
		return c.offerNewest(asOf, g.after, start, end, death, f)
	}
	for v := range c.History.versions {
		if !c.asOf(v, asOf, start, end, death) {
			return nil
		}
		if c.UpdatedMillis <= g.after {
			continue
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}
