package synth

import (
	"context"
	"slices"

	"ab2d/internal/coverage"
)

// Statistics describe the people of a data set and their claims as of its
// moment. Shares are of the people or of the claims, as their names say.
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

	Claims    int // in force or not, all versions
	ByType    map[string]int
	Withheld  map[string]int // claims that must never leave, by the reason
	Groups    int            // claims without regard to their versions
	ByVersion [maxVersions]int
	Cancelled int   // groups that are cancelled outright
	Reloaded  int   // claims stamped by the bulk reload
	Shared    int   // claims whose lastUpdated another claim has too
	Lateness  []int // days from the end of service to the first load, ascending
	Lines     []int // of each claim, ascending
	Diagnoses []int
	Stays     int                   // admissions
	OfStays   [coverage.SNF + 1]int // claims that are steps of an episode, by type
}

// natureNames name what is the matter with claims that must not leave.
var natureNames = [...]string{
	partD: "Part D event", substance: "substance-use treatment", stranger: "of an unknown patient", endless: "without the end of its period",
}

// Statistics counts.
func (d *Dataset) Statistics(ctx context.Context) (*Statistics, error) {
	t := &tally{
		Statistics: &Statistics{Conditions: map[string]int{}, ByType: map[string]int{}, Withheld: map[string]int{}},
		stamps:     map[int64]int{},
	}
	desk := new(desk)
	for _, index := range d.people {
		desk.claims.begin(d.source.population, index)
		t.person(d, &desk.claims.person)
		before := t.Claims
		err := desk.claims.each(ctx, d.at.UnixMilli(), func(c *claim) error {
			c.detail(&desk.claims.person)
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

// tally is Statistics while they are counted.
type tally struct {
	*Statistics
	stamps map[int64]int
}

func (t *tally) person(d *Dataset, p *person) {
	day := coverage.Date(d.at.Unix() / 86_400)
	t.People++
	t.Women += one(p.female)
	t.Under65 += one(p.band == under65)
	t.Dead += one(p.life.death <= day)
	t.InHospice += one(p.life.death <= day && p.life.hospice != never)
	t.OptedOut += one(d.source.population.optedOut(p.index, day))
	_, moved := d.source.population.moveOf(p.index)
	t.Moved += one(moved)
	t.NewMBI += one(len(d.source.population.mbis(p.index, day.Month())) > 1)
	t.HowMany[min(p.count/2, 3)]++
	for i := range conditions {
		if p.condition(i) {
			t.Conditions[conditions[i].name]++
		}
	}
}

func (t *tally) claim(c *claim) {
	t.Claims++
	t.stamps[c.millis]++
	t.Reloaded += one(coverage.Date(c.millis/dayMillis) == reloadDay)
	if c.nature != ordinary {
		t.Withheld[natureNames[c.nature]]++
	} else {
		t.ByType[c.Type.String()]++
		t.Lines = append(t.Lines, c.lines.count)
		t.Diagnoses = append(t.Diagnoses, c.diagnoses.count)
	}
	if c.version > 0 {
		t.ByVersion[c.version-1]--
		t.ByVersion[c.version]++
		return
	}
	t.Groups++
	t.ByVersion[0]++
	t.Cancelled += one(c.history.cancelled != 0 && c.cancelled)
	t.Lateness = append(t.Lateness, int(c.history.loaded[0]/dayMillis)-int(c.End))
	t.Stays += one(c.Type == coverage.Inpatient)
	if c.stay != nil {
		t.OfStays[c.Type]++
	}
}

// Percentile is the value below which percent of an ascending list lie; 0 of
// an empty one.
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
