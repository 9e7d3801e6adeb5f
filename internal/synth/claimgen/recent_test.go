package claimgen

import (
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
)

// TestLastStamp: no claim of a month is stamped later than the bound by which months
// are left out.
func TestLastStamp(t *testing.T) {
	for i := range codes.ClaimTypes {
		if got := codes.ClaimTypes[i].LagTo; got > 60 {
			t.Errorf("%s: the lag is %d days, more than longestLag counts with", coverage.ClaimType(i), got)
		}
	}
	for _, s := range codes.Stays {
		if s.Days > maxStayDays {
			t.Errorf("stay %s: %d days, more than maxStayDays", s.DRG, s.Days)
		}
	}
	people := population.New(11, []int{4000}, 1)
	ever := time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	g, latest, everyday := new(Generator), coverage.Date(0), coverage.Date(0)
	for index := range 4000 {
		g.Begin(people, index)
		for month := ReloadDay.Month() + 1; month < ReloadDay.Month()+12; month++ {
			see := func(c *Claim) error {
				if after := coverage.Date(c.History.last()/DayMillis) - month.Last(); c.Stay != nil {
					latest = max(latest, after)
				} else {
					everyday = max(everyday, after)
				}
				return nil
			}
			if err := g.month(month, month.First(), (month + 1).First(), ever, see); err != nil {
				t.Fatal(err)
			}
		}
	}
	if max(latest, everyday) > latestStamp {
		t.Errorf("a claim is stamped %d days after its month, want at most %d", max(latest, everyday), latestStamp)
	}
	if everyday < 450 || latest < 350 {
		t.Errorf("claims are stamped %d and %d days after their month at the latest; the bound of %d was hardly tried", everyday, latest, latestStamp)
	}
}
