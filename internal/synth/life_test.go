package synth

import (
	"testing"

	"ab2d/internal/coverage"
)

// TestDeathRates shows that about four of a hundred people die in a year, and
// more of the old people.
func TestDeathRates(t *testing.T) {
	people := newPopulation(42, []int{10_000}, 1)
	var deaths, years, old, oldYears, hospice int
	for index := range 10_000 {
		var p person
		people.demographics(&p, index)
		until := min(p.life.death, coverage.DateOf(2026, 1, 1))
		lived := int(until-p.life.join.First()) / 30
		if lived < 0 {
			continue
		}
		died := oneIf(p.life.death == until)
		deaths, years = deaths+died, years+lived
		if p.band == age85 {
			old, oldYears = old+died, oldYears+lived
		}
		hospice += died * oneIf(p.life.hospice != never)
	}
	if a, b := 12_000*deaths/years, 12_000*old/oldYears; a < 33 || a > 43 || b < 100 || b > 160 {
		t.Errorf("of a thousand, %d die in a year, of those over 85 %d", a, b)
	}
	if percent := 100 * hospice / deaths; percent < 10 || percent > 40 {
		t.Errorf("%d %% of the dead had hospice care", percent)
	}
}


// oneIf returns 1 for true and 0 for false.
func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
