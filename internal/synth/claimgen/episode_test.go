package claimgen

import (
	"context"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/population"
)

// TestEpisodes: a nursing facility takes over on the day of discharge and bills
// month by month, home health care and equipment come after, all tell the same
// story, and hospice care ends with the death, with nothing new begun in it.
func TestEpisodes(t *testing.T) {
	people := population.New(42, []int{3000}, 1)
	d := new(Generator)
	var nursed, helped, equipped, readmitted, died int
	for index := range 3000 {
		d.Begin(people, index)
		p := &d.Person
		for month := population.FirstMonth; month < population.FirstMonth+80; month++ {
			d.episode.draw(p, month, month.First(), int((month+1).First()-month.First()))
			seen := map[coverage.ClaimType][]step{}
			for _, step := range d.episode.steps.Items() {
				if step.end < step.start || step.end > p.Life.Death || step.start >= p.Life.Hospice {
					t.Fatalf("person %d: %+v, death %s, hospice %s", index, step, p.Life.Death, p.Life.Hospice)
				}
				seen[step.kind] = append(seen[step.kind], step)
			}
			stays := seen[coverage.Inpatient]
			if len(stays) == 0 {
				continue
			}
			out := stays[0].end
			for i, snf := range seen[coverage.SNF] {
				if i == 0 && snf.start != out || i > 0 && snf.start != seen[coverage.SNF][i-1].end+1 || snf.start.Month() != snf.end.Month() {
					t.Fatalf("person %d: discharged %s, nursed %+v", index, out, seen[coverage.SNF])
				}
			}
			for _, kind := range []coverage.ClaimType{coverage.HHA, coverage.DME, coverage.Outpatient} {
				for _, after := range seen[kind] {
					if after.start < out {
						t.Fatalf("person %d: %s begins %s before the discharge %s", index, kind, after.start, out)
					}
				}
			}
			nursed += len(seen[coverage.SNF])
			helped += len(seen[coverage.HHA])
			equipped += len(seen[coverage.DME])
			readmitted += len(stays) - 1
		}
		died += hospiceEndsWithDeath(t, d)
	}
	for name, n := range map[string]int{"nursed": nursed, "helped at home": helped, "equipped": equipped, "readmitted": readmitted, "died in hospice care": died} {
		if n < 50 {
			t.Errorf("%s: %d", name, n)
		}
	}
}

// hospiceEndsWithDeath looks at the hospice claims of the person at the desk:
// they follow each other day by day, and the last ends on the day of death.
func hospiceEndsWithDeath(t *testing.T, d *Generator) int {
	p, last := &d.Person, coverage.Date(0)
	now := coverage.DateOf(2026, time.November, 24)
	if p.Life.Death > now {
		return 0
	}
	later := now.Time().AddDate(3, 0, 0) // when every claim has been loaded
	err := d.Each(context.Background(), later.UnixMilli(), func(c *Claim) error {
		if c.Type != coverage.Hospice || c.Version > 0 {
			return nil
		}
		if last != 0 && c.Start != last+1 || last == 0 && c.Start != max(p.Life.Hospice, population.FirstMonth.First()) {
			t.Fatalf("person %d: hospice care from %s, before it until %s", p.Index, c.Start, last)
		}
		last = c.End
		c.Detail(p)
		if got := c.Diagnoses.All[0].Code; got != p.Coded(p.Terminal) {
			t.Fatalf("person %d: in hospice care for %s", p.Index, got.Code)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last == 0 {
		return 0
	}
	if last != p.Life.Death {
		t.Fatalf("person %d: died %s, hospice care until %s", p.Index, p.Life.Death, last)
	}
	return 1
}
