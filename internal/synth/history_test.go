package synth

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
)

// TestHistory: a later look finds every claim of an earlier one again. What it
// says was updated by then is byte for byte what was there; everything else
// was updated since. So an incremental export misses nothing.
func TestHistory(t *testing.T) {
	selections := sample(t, sourceAt(42, asOf), 10)
	rapid.Check(t, func(t *rapid.T) {
		of := *selections[rapid.IntRange(0, len(selections)-1).Draw(t, "enrollee")]
		then := asOf.Add(-time.Duration(rapid.IntRange(0, 60_000).Draw(t, "hours")) * time.Hour)
		later := then.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "hours more")) * time.Hour)
		before, after := offersAt(t, fhir.V2, of, then), offersAt(t, fhir.V2, of, later)
		for id, b := range before {
			a, ok := after[id]
			if !ok {
				t.Fatalf("%s is gone", id)
			}
			if a.facts.LastUpdated.After(then) {
				continue
			}
			if !bytes.Equal(a.line, b.line) {
				t.Fatalf("%s was changed without a new lastUpdated:\n%s\n%s", id, b.line, a.line)
			}
		}
		for id, a := range after {
			if _, ok := before[id]; !ok && !a.facts.LastUpdated.After(then) {
				t.Fatalf("%s was updated %s, and was not there at %s", id, a.facts.LastUpdated, then)
			}
		}
	})
}

// offersAt are all claims of an enrollee as of a moment, by id.
func offersAt(t *rapid.T, v fhir.Version, of coverage.Selection, at time.Time) map[string]offer {
	of.Until = at
	sink := &collector{selection: &of, all: true}
	if err := write(context.Background(), sourceAt(42, asOf), v, &of, sink); err != nil {
		t.Fatal(err)
	}
	all := map[string]offer{}
	for _, o := range sink.offers {
		id, _, _ := strings.Cut(string(o.line[len(`{"resourceType":"ExplanationOfBenefit","id":"`):]), `"`)
		if _, twice := all[id]; twice || o.facts.LastUpdated.After(at) {
			t.Fatalf("%s occurs twice, or before its time", id)
		}
		all[id] = o
	}
	return all
}

// TestVersionsOfClaims: all versions share the claim group and have an id of
// their own; the newest is active unless the claim is canceled outright, all
// others are canceled by what replaces them, and no two say the same.
func TestVersionsOfClaims(t *testing.T) {
	s := sourceAt(42, asOf)
	versions, moved := map[int]int{}, 0
	for _, e := range enrollees(t, s, "Z0000") {
		groups := map[string][]document{}
		for _, o := range claimsOf(t, s, fhir.V2, selectionOf(t, s, "Z0000", &e), true).offers {
			d := parse(t, o.line)
			group := values(d, "identifier", "value")[1].(string)
			groups[group] = append(groups[group], d)
		}
		for group, all := range groups {
			versions[len(all)]++
			for i, d := range all {
				canceled := d["status"] == "cancelled"
				if i+1 < len(all) && !canceled {
					t.Fatalf("group %s: version %d is replaced and %s", group, i, d["status"])
				}
				if i == 0 {
					continue
				}
				before := all[i-1]
				if cmp.Equal(before["item"], d["item"]) && cmp.Equal(before["diagnosis"], d["diagnosis"]) {
					t.Fatalf("group %s: versions %d and %d say the same", group, i-1, i)
				}
				if at(before, "meta", "lastUpdated").(string) > at(d, "meta", "lastUpdated").(string) {
					t.Fatalf("group %s: version %d was replaced after version %d came", group, i-1, i)
				}
				moved += count(!cmp.Equal(before["billablePeriod"], d["billablePeriod"]))
			}
		}
	}
	if versions[1] == 0 || versions[2] == 0 || versions[3] == 0 || moved == 0 {
		t.Errorf("groups by number of versions: %v; %d with other dates", versions, moved)
	}
}

// TestWeeklyLoads: claims are loaded on weekend nights, after their end, spread
// over the weeks, some together; but for the one bulk reload.
func TestWeeklyLoads(t *testing.T) {
	s := sourceAt(42, asOf)
	weeks := map[string]bool{}
	stamps := map[time.Time]int{}
	reloaded, all := 0, 0
	for _, e := range enrollees(t, s, "Z0000") {
		for _, o := range claimsOf(t, s, fhir.V1, selectionOf(t, s, "Z0000", &e), true).offers {
			u := o.facts.LastUpdated
			stamps[u]++
			all++
			if u.Format(time.DateOnly) == "2025-03-12" {
				reloaded++
				continue
			}
			night := u.Add(2 * time.Hour) // Saturday 22:00 to Sunday 5:00
			if night.Weekday() != time.Sunday || night.Hour() > 7 || night.Hour() == 7 && u.Minute() > 0 {
				t.Fatalf("loaded on %s", u)
			}
			if lag := int(u.Unix()/86400) - int(o.facts.End); o.facts.HasEnd && (lag < 0 || lag > 800) {
				t.Fatalf("loaded %d days after the service", lag)
			}
			weeks[u.Format(time.DateOnly)] = true
		}
	}
	if got := time.UnixMilli(claimgen.LastLoad(asOf.UnixMilli())).UTC(); got.Format(time.RFC3339) != "2026-11-21T22:00:00Z" {
		t.Errorf("the last load began %s", got)
	}
	together := 0
	for _, n := range stamps {
		together += count(n > 1)
	}
	if len(weeks) < 300 || together < 10 || reloaded < all/25 || reloaded > all/10 {
		t.Errorf("%d nights, %d shared instants, %d of %d reloaded", len(weeks), together, reloaded, all)
	}
	for _, midnight := range []string{"T00:00:00Z", "T04:00:00Z", "T05:00:00Z"} { // of UTC and New York
		met := false
		for u := range stamps {
			met = met || strings.HasSuffix(u.Format(time.RFC3339Nano), midnight)
		}
		if !met {
			t.Errorf("no claim is stamped at %s", midnight)
		}
	}
}
