package claimgen

import (
	"context"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/population"
)

// TestEachNewest: version 3 has the newest version of each claim that it has loaded,
// under one id for all versions, and loses a claim that is canceled outright. It has
// on a Monday what the other versions have on the Saturday night after it.
func TestEachNewest(t *testing.T) {
	people := population.New(7, []int{60}, 1)
	d := new(Generator)
	var newer, gone, shared int
	at := time.Date(2025, 6, 10, 0, 0, 0, 0, time.UTC).UnixMilli()
	for index := range 60 {
		d.Begin(people, index)
		want := map[int64]int{}   // version by group
		night := at + 6*DayMillis // after the load that ends on Sunday
		err := d.Each(context.Background(), night, func(c *Claim) error {
			c.Reset(&d.Person)
			want[c.Group] = c.Version
			if c.History.Canceled != 0 && c.Canceled {
				delete(want, c.Group)
				gone++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[int64]bool{}
		err = d.EachNewest(context.Background(), at, func(c *Claim) error {
			c.Reset(&d.Person)
			checkV3(t, c, ids)
			if c.Nature == SharedSystem {
				shared++
				return nil
			}
			if version, ok := want[c.Group]; !ok || version != c.Version {
				t.Fatalf("claim %d has version %d; by Saturday %d, %v", c.IDV3(), c.Version, version, ok)
			}
			delete(want, c.Group)
			newer += min(c.Version, 1)
			return nil
		})
		if err != nil || len(want) > 0 {
			t.Fatalf("%v; %d claims are missing", err, len(want))
		}
	}
	if newer == 0 || gone == 0 || shared == 0 {
		t.Errorf("%d claims in a later version, %d gone, %d of shared systems", newer, gone, shared)
	}
}

// checkV3 checks the ids and the stamp of a claim.
func checkV3(t *testing.T, c *Claim, ids map[int64]bool) {
	t.Helper()
	if ids[c.IDV3()] || c.IDV3() <= 0 || c.IDV3() == -c.ID {
		t.Fatalf("id %d", c.IDV3())
	}
	ids[c.IDV3()] = true
	if stranger := c.PatientV3() != c.Person.PatientV3; stranger != (c.Nature == UnknownPatient) {
		t.Fatalf("patient %d", c.PatientV3())
	}
	u := c.LastUpdated
	if u.Weekday() != time.Monday || u.Hour() < loadHourV3 || u.Hour() > loadHourV3+3 || u.Minute()%10 != 0 || u.Second() != 0 {
		t.Fatalf("loaded %s", u)
	}
	if c.Canceled || coverage.Date(u.Unix()/86_400) <= c.End-26 {
		t.Fatalf("loaded %s, ended %s", u, c.End)
	}
}

func TestLastLoadV3(t *testing.T) {
	for at, want := range map[string]string{
		"2026-11-23T08:59:59Z": "2026-11-16T09:00:00Z", "2026-11-23T09:00:00Z": "2026-11-23T09:00:00Z", "2026-11-29T23:00:00Z": "2026-11-23T09:00:00Z",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.UnixMilli(LastLoadV3(moment.UnixMilli())).UTC().Format(time.RFC3339); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}

// TestNewestAtItsMoment: a version is there from the moment of its load on.
func TestNewestAtItsMoment(t *testing.T) {
	h := History{versions: 2, Loaded: [MaxVersions]int64{2_000 * DayMillis, 2_100 * DayMillis}, Canceled: 2_200 * DayMillis}
	first, second, gone := loadV3(h.Loaded[0], 3), loadV3(h.Loaded[1], 3), loadV3(h.Canceled, 3)
	for _, c := range []struct {
		at      int64
		version int
		stamp   int64
	}{{first - 1, 0, 0}, {first, 0, first}, {second - 1, 0, first}, {second, 1, second}, {gone - 1, 1, second}, {gone, 0, 0}} {
		version, stamp, there := h.newest(3, c.at)
		if version != c.version || stamp != c.stamp || there != (c.stamp != 0) {
			t.Errorf("at %d: version %d of %d, %v", c.at, version, stamp, there)
		}
	}
}
