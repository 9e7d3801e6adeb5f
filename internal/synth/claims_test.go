package synth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

var versions = []fhir.Version{fhir.V1, fhir.V2}

// TestPinned holds the bytes of a sample as they are. When they are meant to
// change, generator must change with them.
func TestPinned(t *testing.T) {
	want := map[fhir.Version]string{
		fhir.V1: "5cdb80bc885365c772966e04bccab3552d68f0dd84b5cc01a4dd926dcf8b729d",
		fhir.V2: "894e7b61d8840411b47f2d4db921933e5d8ad18586e8aa97bfe5c59b2a422790",
	}
	s := sourceAt(42, asOf)
	for _, v := range versions {
		h := sha256.New()
		for _, selection := range sample(t, s, 40) {
			h.Write(claimsOf(t, s, v, selection, false).bytes())
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want[v] {
			t.Errorf("%s: the sample's SHA-256 is %s, want %s", v, got, want[v])
		}
	}
}

// TestSameBytes: on repeat, from a fresh source, in any order and at once.
func TestSameBytes(t *testing.T) {
	s := sourceAt(42, asOf)
	selections := sample(t, s, 20)
	first := make([][]byte, len(selections))
	for i, selection := range selections {
		first[i] = claimsOf(t, s, fhir.V1, selection, false).bytes()
	}
	fresh := sourceAt(42, asOf)
	var group sync.WaitGroup
	for i := len(selections) - 1; i >= 0; i-- {
		group.Go(func() {
			if !bytes.Equal(first[i], claimsOf(t, fresh, fhir.V1, selections[i], false).bytes()) {
				t.Errorf("enrollee %d has other claims from a fresh source", selections[i].Enrollee.ID)
			}
		})
	}
	group.Wait()
}

func TestAnotherSeedDiffers(t *testing.T) {
	a, b := sourceAt(42, asOf), sourceAt(43, asOf)
	others := sample(t, b, 20)
	same := 0
	for i, selection := range sample(t, a, 20) {
		if bytes.Equal(claimsOf(t, a, fhir.V1, selection, true).bytes(), claimsOf(t, b, fhir.V1, others[i], true).bytes()) {
			same++
		}
	}
	if same > 4 { // people without claims
		t.Errorf("%d of 20 enrollees are the same from another seed", same)
	}
}

// TestLaterUntilOnlyAdds: a later Until, whatever the clock, leaves what was
// offered before as a prefix.
func TestLaterUntilOnlyAdds(t *testing.T) {
	selections := sample(t, sourceAt(42, asOf), 10)
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(0, 2500).Draw(t, "days")
		of := *selections[rapid.IntRange(0, len(selections)-1).Draw(t, "enrollee")]
		s := sourceAt(42, asOf.AddDate(0, 0, -days))
		late := &collector{selection: &of, all: true}
		early := &collector{selection: &of, all: true}
		offerAll(t, s, late)
		of.Until = asOf.AddDate(0, 0, -days)
		offerAll(t, s, early)
		var want [][]byte
		for _, o := range late.offers {
			if o.facts.Start <= coverage.Date(of.Until.Unix()/86400) {
				want = append(want, o.line)
			}
		}
		if !slices.EqualFunc(want, early.offers, func(line []byte, o offer) bool { return bytes.Equal(line, o.line) }) {
			t.Fatalf("until %s: %d claims, want the first %d unchanged", of.Until, len(early.offers), len(want))
		}
	})
}

func offerAll(t *rapid.T, s *Source, sink *collector) {
	if err := write(context.Background(), s, fhir.V2, sink.selection, sink); err != nil {
		t.Fatal(err)
	}
}

// TestFactsAreWritten: what Wants was told is what the line says, for every
// claim, also those that the rules refuse.
func TestFactsAreWritten(t *testing.T) {
	for _, c := range byType(t, sourceAt(42, asOf), 60) {
		for _, v := range versions {
			if diff := cmp.Diff(c.facts, factsIn(t, c.lines[v])); diff != "" {
				t.Fatalf("%s: %s", v, diff)
			}
		}
	}
}

// factsIn reads a claim's facts back out of its line.
func factsIn(t *testing.T, line []byte) coverage.Claim {
	t.Helper()
	d := parse(t, line)
	date := func(path ...string) coverage.Date {
		date, err := coverage.ParseDate(at(d, path...).(string))
		if err != nil {
			t.Fatal(err)
		}
		return date
	}
	updated, err := fhir.ParseInstant(at(d, "meta", "lastUpdated").(string))
	if err != nil {
		t.Fatal(err)
	}
	patient, err := strconv.ParseInt(strings.TrimPrefix(at(d, "patient", "reference").(string), "Patient/"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(d["id"].(string), "-")
	return coverage.Claim{
		Patient: coverage.EnrolleeID(patient), Type: coverage.ParseClaimType(name), HasStart: true, HasEnd: true,
		Start: date("billablePeriod", "start"), End: date("billablePeriod", "end"), LastUpdated: updated,
	}
}

// TestVersionsTellTheSameStory compares what both versions can say.
func TestVersionsTellTheSameStory(t *testing.T) {
	for _, c := range byType(t, sourceAt(42, asOf), 100) {
		one, two := parse(t, c.lines[fhir.V1]), parse(t, c.lines[fhir.V2])
		if d := cmp.Diff(story(one, "service"), story(two, "productOrService")); d != "" {
			t.Fatalf("%s: v1 and v2 differ: %s", one["id"], d)
		}
		team := values(two, "careTeam", "provider", "identifier", "value")
		for _, npi := range values(one, "careTeam", "provider", "identifier", "value") {
			if !slices.Contains(team, npi) {
				t.Fatalf("%s: %v is in v1's care team only", one["id"], npi)
			}
		}
	}
}

// story is what a claim tells in either version.
func story(d document, service string) document {
	drg := values(d, "diagnosis", "packageCode", "coding", "code")
	drg = append(drg, values(d, "supportingInfo", "code", "coding", "code")...)
	var diagnoses, hcpcs, procedures []any
	for _, e := range elements(d["diagnosis"]) {
		diagnoses = append(diagnoses, at(e, "diagnosisCodeableConcept", "coding", "code"))
	}
	for _, e := range elements(d["item"]) {
		hcpcs = append(hcpcs, at(e, service, "coding", "code"))
	}
	for _, e := range elements(d["procedure"]) {
		procedures = append(procedures, at(e, "procedureCodeableConcept", "coding", "code"), at(e, "date"))
	}
	return document{
		"id": d["id"], "updated": at(d, "meta", "lastUpdated"), "identifiers": values(d, "identifier", "value"),
		"status": d["status"], "patient": d["patient"], "from": at(d, "billablePeriod", "start"), "to": at(d, "billablePeriod", "end"),
		"drg": drg, "diagnoses": slices.DeleteFunc(diagnoses, func(v any) bool { return v == nil }),
		"procedures": procedures, "hcpcs": hcpcs, "quantity": values(d, "item", "quantity", "value"),
		"served": append(values(d, "item", "servicedDate"), values(d, "item", "servicedPeriod", "start")...),
		"place":  append(values(d, "item", "locationAddress", "state"), values(d, "item", "locationCodeableConcept", "coding", "code")...),
		"mbis":   values(d, "extension", "valueIdentifier", "extension", "valueCoding", "code"),
		"type":   at(d, "type", "coding", "code"),
	}
}

// elements is the elements of a list; none for nil.
func elements(v any) []any {
	list, _ := v.([]any)
	return list
}

// TestVolume holds the sandbox's size: claims and bytes an enrollee, all
// seven types among a hundred people, and the mix of types.
func TestVolume(t *testing.T) {
	s := sourceAt(42, asOf)
	list := enrollees(t, s, "Z0000")
	types := map[coverage.ClaimType]int{}
	verdicts := map[coverage.Verdict]int{}
	for _, v := range versions {
		claims, size, without := 0, 0, 0
		for i := range list {
			if list[i].OptedOut {
				continue
			}
			got := claimsOf(t, s, v, selectionOf(t, s, "Z0000", &list[i]), false)
			claims += got.delivered()
			size += len(got.bytes())
			without += count(len(got.offers) == 0)
			for _, o := range got.offers {
				if o.line != nil {
					types[o.facts.Type]++
				}
			}
			for verdict, n := range got.verdicts {
				verdicts[verdict] += n
			}
		}
		t.Logf("%s: %.1f claims, %d bytes an enrollee, %d a claim, %d people without", v, float64(claims)/100, size/100, size/claims, without)
		if claims < 4_000 || claims > 5_500 || size < 25_000_000 || size > 33_000_000 || without < 1 || without > 10 {
			t.Errorf("%s: %d claims, %d bytes, %d without claims", v, claims, size, without)
		}
	}
	for c := coverage.Carrier; c <= coverage.SNF; c++ {
		if types[c] == 0 {
			t.Errorf("no %s claim among a hundred people", c)
		}
	}
	if types[coverage.Carrier] < 3*types[coverage.Outpatient] {
		t.Errorf("the mix is not carrier-heavy: %v", types)
	}
	for _, v := range []coverage.Verdict{coverage.Deliver, coverage.BeforeAttestation, coverage.NotEnrolled, coverage.NotUntil} {
		if verdicts[v] == 0 {
			t.Errorf("no claim is %s", v)
		}
	}
	if len(verdicts) != 4 {
		t.Errorf("verdicts are %v", verdicts)
	}
}

// TestClaimIDs: unique over people, and readable back.
func TestClaimIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := rapid.IntRange(0, 2_000_000).Draw(t, "index")
		month := rapid.IntRange(0, monthsHeld-1).Draw(t, "month")
		slot := rapid.IntRange(0, slotsPerMonth-1).Draw(t, "slot")
		id, group := claimIDs(index, month, slot)
		place := -id - firstClaimID
		if place>>(monthBits+slotBits+versionBits) != int64(index) ||
			place>>(slotBits+versionBits)%monthsHeld != int64(month) || place>>versionBits%slotsPerMonth != int64(slot) {
			t.Fatalf("%d does not lead back to person %d, month %d, slot %d", id, index, month, slot)
		}
		if place>>versionBits != -group-firstGroupID {
			t.Fatalf("group %d does not belong to claim %d", group, id)
		}
	})
}

// TestWeeklyLoads: claims are loaded on weekend nights, after their end,
// spread over the weeks, and some together.
func TestWeeklyLoads(t *testing.T) {
	s := sourceAt(42, asOf)
	weeks := map[string]bool{}
	stamps := map[time.Time]int{}
	for _, e := range enrollees(t, s, "Z0000") {
		for _, o := range claimsOf(t, s, fhir.V1, selectionOf(t, s, "Z0000", &e), true).offers {
			u := o.facts.LastUpdated
			night := u.Add(2 * time.Hour) // Saturday 22:00 to Sunday 3:00
			if night.Weekday() != time.Sunday || night.Hour() >= 5 {
				t.Fatalf("loaded on %s", u)
			}
			if lag := int(u.Unix()/86400) - int(o.facts.End); lag < 14 || lag > 400 {
				t.Fatalf("loaded %d days after the service", lag)
			}
			weeks[u.Format(time.DateOnly)] = true
			stamps[u]++
		}
	}
	together := 0
	for _, n := range stamps {
		together += count(n > 1)
	}
	if len(weeks) < 300 || together < 10 {
		t.Errorf("%d nights, %d shared instants", len(weeks), together)
	}
}

func TestUntilTheBeginning(t *testing.T) {
	s := sourceAt(42, asOf)
	selection := sample(t, s, 2)[0]
	for _, until := range []time.Time{{}, time.Date(1969, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2019, 10, 31, 23, 59, 59, 0, time.UTC)} {
		selection.Until = until
		if got := claimsOf(t, s, fhir.V1, selection, true); len(got.offers) != 0 {
			t.Errorf("until %s: %d claims", until, len(got.offers))
		}
	}
	selection.Until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	claimsOf(t, s, fhir.V1, selection, true)
}
