package synth

import (
	"context"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
)

// Statistics describe the people of a data set and their claims as of its moment.
type Statistics struct {
	People     int
	Women      int
	Under65    int // in 2020
	Dead       int
	InHospice  int // of the dead
	OptedOut   int
	Moved      int // from one sponsor to another
	NewMBI     int // with at least one historic MBI
	NoClaims   int
	Conditions map[string]int // people who have it
	HowMany    [4]int         // people with 0-1, 2-3, 4-5, 6 or more conditions
	PerPerson  []int          // claims of each person, ascending

	Claims    int // all versions, in force or not
	ByType    map[string]int
	Withheld  map[string]int // claims that must never be delivered, by the reason
	Groups    int            // claims without regard to their versions
	ByVersion [claimgen.MaxVersions]int
	Canceled  int   // groups that are canceled without a replacement
	Reloaded  int   // claims stamped by the bulk reload
	Shared    int   // claims whose lastUpdated another claim has too
	Lateness  []int // days from the end of service to the first load, ascending
	Lines     []int // of each claim, ascending
	Diagnoses []int
	Stays     int                   // admissions
	OfStays   [coverage.SNF + 1]int // claims that are steps of an episode, by type
}

// natureNames are the reasons why claims must never be delivered.
var natureNames = [...]string{
	claimgen.PartD: "Part D event", claimgen.SubstanceUse: "substance-use treatment", claimgen.UnknownPatient: "of an unknown patient", claimgen.NoPeriodEnd: "without the end of its period",
	claimgen.SharedSystem: "of a shared system",
}

// Statistics counts the people and claims of the data set.
func (d *Dataset) Statistics(ctx context.Context) (*Statistics, error) {
	t := &tally{
		Statistics: &Statistics{Conditions: map[string]int{}, ByType: map[string]int{}, Withheld: map[string]int{}},
		stamps:     map[int64]int{},
	}
	desk := new(desk)
	for _, index := range d.people {
		desk.claims.Begin(d.source.population, index)
		t.person(d, &desk.claims.Person)
		before := t.Claims
		err := desk.claims.Each(ctx, d.at.UnixMilli(), func(c *claimgen.Claim) error {
			c.Detail(&desk.claims.Person)
			t.claim(c)
			return nil
		})
		if err != nil {
			return nil, err
		}
		t.PerPerson = append(t.PerPerson, t.Claims-before)
		t.NoClaims += one(t.Claims == before)
	}
	for _, n := range t.stamps {
		if n > 1 {
			t.Shared += n
		}
	}
	for _, list := range [][]int{t.PerPerson, t.Lateness, t.Lines, t.Diagnoses} {
		slices.Sort(list)
	}
	return t.Statistics, nil
}

// tally holds Statistics while they are counted.
type tally struct {
	*Statistics
	stamps map[int64]int
}

func (t *tally) person(d *Dataset, p *population.Person) {
	day := coverage.Date(d.at.Unix() / 86_400)
	t.People++
	t.Women += one(p.Female)
	t.Under65 += one(p.AgeBand == codes.Under65)
	t.Dead += one(p.Life.Death <= day)
	t.InHospice += one(p.Life.Death <= day && p.Life.Hospice != population.Never)
	t.OptedOut += one(d.source.population.OptedOut(p.Index, day))
	_, moved := d.source.population.MoveOf(p.Index)
	t.Moved += one(moved)
	t.NewMBI += one(len(d.source.population.MBIs(p.Index, day.Month())) > 1)
	t.HowMany[min(p.ConditionCount/2, 3)]++
	for i := range codes.Conditions {
		if p.Condition(i) {
			t.Conditions[codes.Conditions[i].Name]++
		}
	}
}

func (t *tally) claim(c *claimgen.Claim) {
	t.Claims++
	t.stamps[c.UpdatedMillis]++
	t.Reloaded += one(coverage.Date(c.UpdatedMillis/claimgen.DayMillis) == claimgen.ReloadDay)
	if c.Nature != claimgen.Ordinary {
		t.Withheld[natureNames[c.Nature]]++
	} else {
		t.ByType[c.Type.String()]++
		t.Lines = append(t.Lines, c.Lines.Count)
		t.Diagnoses = append(t.Diagnoses, c.Diagnoses.Count)
	}
	if c.Version > 0 {
		t.ByVersion[c.Version-1]--
		t.ByVersion[c.Version]++
		return
	}
	t.Groups++
	t.ByVersion[0]++
	t.Canceled += one(c.History.Canceled != 0 && c.Canceled)
	t.Lateness = append(t.Lateness, int(c.History.Loaded[0]/claimgen.DayMillis)-int(c.End))
	t.Stays += one(c.Type == coverage.Inpatient)
	if c.Stay != nil {
		t.OfStays[c.Type]++
	}
}

// Percentile returns the value below which percent of an ascending list lie. It
// returns 0 for an empty list.
func Percentile(list []int, percent int) int {
	if len(list) == 0 {
		return 0
	}
	return list[min(len(list)-1, len(list)*percent/100)]
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
