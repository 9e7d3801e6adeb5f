package population

import (
	"testing"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// TestDeathRates shows that about four of a hundred people die in a year, and
// more of the old people.
func TestDeathRates(t *testing.T) {
	people := New(42, []int{10_000}, 1)
	var deaths, years, old, oldYears, hospice int
	for index := range 10_000 {
		var p Person
		people.Demographics(&p, index)
		until := min(p.Life.Death, coverage.DateOf(2026, 1, 1))
		lived := int(until-p.Life.Join.First()) / 30
		if lived < 0 {
			continue
		}
		died := oneIf(p.Life.Death == until)
		deaths, years = deaths+died, years+lived
		if p.AgeBand == codes.Age85 {
			old, oldYears = old+died, oldYears+lived
		}
		hospice += died * oneIf(p.Life.Hospice != Never)
	}
	if a, b := 12_000*deaths/years, 12_000*old/oldYears; a < 33 || a > 43 || b < 100 || b > 160 {
		t.Errorf("of a thousand, %d die in a year, of those over 85 %d", a, b)
	}
	if percent := 100 * hospice / deaths; percent < 10 || percent > 40 {
		t.Errorf("%d %% of the dead had hospice care", percent)
	}
}

// TestDeathDay: the table gives the day that counting month by month gives.
func TestDeathDay(t *testing.T) {
	counted := func(r *random.Stream, band int, from coverage.Month) coverage.Date {
		fate, alive := r.Next()>>32, uint64(all)
		day := r.Next()
		for m := from; m < FirstMonth+MonthsHeld; m++ {
			alive -= alive * hazards[band] / 1_000_000
			if fate >= alive {
				first := m.First()
				return first + coverage.Date(day%uint64((m+1).First()-first))
			}
		}
		return Never
	}
	never := 0
	for i := range uint64(60_000) {
		band, from := int(i%codes.AgeBands), FirstMonth+coverage.Month(i/codes.AgeBands%(MonthsHeld+2))
		one, other := random.New(1, i), random.New(1, i)
		got, want := deathDay(&one, band, from), counted(&other, band, from)
		if got != want || one != other {
			t.Fatalf("stream %d, band %d, from %s: got %d, want %d; the streams are at %d and %d", i, band, from, got, want, one.State, other.State)
		}
		never += oneIf(want == Never)
	}
	if never < 1000 || never > 59_000 {
		t.Errorf("%d of 60,000 never die", never)
	}
}

// oneIf returns 1 for true and 0 for false.
func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
