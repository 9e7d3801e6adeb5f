package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
)

// testFactsV3 shows that the facts given to Wants are those of the line, but for the
// patient, whom version 3 numbers otherwise.
func testFactsV3(t *testing.T, claims []claimV3) {
	s := sourceAt(42, asOf)
	for _, c := range claims {
		d := parse(t, c.line)
		updated, err := time.Parse(time.RFC3339, at(d, "meta", "lastUpdated").(string))
		if err != nil {
			t.Fatal(err)
		}
		index, _ := s.population.IndexOf(c.enrollee.ID)
		got := []any{
			at(d, "patient", "reference"), at(d, "billablePeriod", "start"), at(d, "billablePeriod", "end"), updated.UTC(),
			values(d, "type", "coding", "code")[2], d["status"], d["use"], at(d, "meta", "source"), values(d, "identifier", "value")[0],
		}
		want := []any{
			"Patient/" + strconv.FormatInt(patientV3(s, index), 10), c.facts.Start.String(), c.facts.End.String(), c.facts.LastUpdated,
			strings.ToUpper(c.facts.Type.String()), "active", "claim", "NCH", d["id"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", d["id"], diff)
		}
		if c.facts.Patient != c.enrollee.ID || d["id"] == c.inV2["id"] {
			t.Fatalf("%s: patient %d, id in version 2 %s", d["id"], c.facts.Patient, c.inV2["id"])
		}
	}
}

// patientV3 returns a person's number in version 3.
func patientV3(s *Source, index int) int64 {
	g := new(claimgen.Generator)
	g.Begin(s.population, index)
	return g.Person.PatientV3
}

// testStoryV3 compares what versions 2 and 3 of a claim can both express.
func testStoryV3(t *testing.T, claims []claimV3) {
	for _, c := range claims {
		d := parse(t, c.line)
		story := func(d document) document {
			var diagnoses, drgs, hcpcs []any
			for _, e := range elements(d["diagnosis"]) {
				code := at(e, "diagnosisCodeableConcept", "coding", "code").(string)
				diagnoses = append(diagnoses, strings.ReplaceAll(code, ".", ""))
			}
			for _, e := range elements(d["supportingInfo"]) {
				system, _ := at(e, "code", "coding", "system").(string)
				if strings.Contains(system, "drg") || strings.Contains(system, "MS-DRG") {
					drgs = append(drgs, strings.TrimLeft(at(e, "code", "coding", "code").(string), "0"))
				}
			}
			for _, e := range elements(d["item"]) {
				if code := at(e, "productOrService", "coding", "code"); code != "not-applicable" {
					hcpcs = append(hcpcs, code, at(e, "quantity", "value"))
				}
			}
			return document{"diagnoses": diagnoses, "drg": drgs, "hcpcs": hcpcs,
				"procedures": procedures(d), "from": at(d, "billablePeriod", "start"), "to": at(d, "billablePeriod", "end")}
		}
		if diff := cmp.Diff(story(c.inV2), story(d)); diff != "" {
			t.Fatalf("%s: versions 2 and 3 differ: %s", d["id"], diff)
		}
		team := values(d, "careTeam", "provider", "identifier", "value")
		for _, e := range elements(c.inV2["careTeam"]) {
			npi, role := at(e, "provider", "identifier", "value"), at(e, "role", "coding", "code")
			if role != "primary" && !slices.Contains(team, npi) {
				t.Fatalf("%s: the %s provider %v is in version 2 only", d["id"], role, npi)
			}
		}
	}
}

// procedures returns codes and days of procedures.
func procedures(d document) (list []any) {
	for _, e := range elements(d["procedure"]) {
		list = append(list, at(e, "procedureCodeableConcept", "coding", "code"), at(e, "date").(string)[:len(time.DateOnly)])
	}
	return list
}

func testLinesV3(t *testing.T, claims []claimV3) {
	for i, c := range claims {
		if i%4 == 0 { // reading token by token is slow
			checkLine(t, fhir.V3, c.line, c.enrollee.MBIs[:1])
		}
	}
}

// testLinksV3 shows that what a claim refers to is there, also after much of it was
// left out, and that a raw claim numbers its elements without gaps.
func testLinksV3(t *testing.T, claims []claimV3) {
	for _, c := range claims {
		d := parse(t, c.line)
		for _, d := range []document{d, c.raw} {
			checkLinks(t, d["id"], values(d, "careTeam", "sequence"), values(d, "item", "careTeamSequence"))
			checkLinks(t, d["id"], values(d, "diagnosis", "sequence"), values(d, "item", "diagnosisSequence"))
			checkLinks(t, d["id"], values(d, "supportingInfo", "sequence"), values(d, "item", "informationSequence"))
			var ids []any
			for _, id := range values(d, "contained", "id") {
				ids = append(ids, "#"+id.(string))
			}
			links := append(values(d, "provider", "reference"), values(d, "insurer", "reference")...)
			checkLinks(t, d["id"], ids, append(links, values(d, "supportingInfo", "valueReference", "reference")...))
		}
		for _, name := range []string{"careTeam", "supportingInfo", "diagnosis", "procedure", "item"} {
			for i, n := range values(c.raw, name, "sequence") {
				if n != float64(i+1) {
					t.Fatalf("%s: element %d of %s has sequence %v", d["id"], i, name, n)
				}
			}
		}
	}
}

func testCodesV3(t *testing.T, claims []claimV3) {
	for _, c := range claims {
		d := parse(t, c.line)
		for _, code := range values(d, "diagnosis", "diagnosisCodeableConcept", "coding", "code") {
			before, after, dotted := strings.Cut(code.(string), ".")
			if len(before) != 3 || dotted == (after == "") || protected.MatchString(before+after) {
				t.Fatalf("%s: diagnosis %s", d["id"], code)
			}
		}
		for _, npi := range values(d, "careTeam", "provider", "identifier", "value") {
			if !npiShape.MatchString(npi.(string)) || !luhn("80840"+npi.(string)) {
				t.Fatalf("%s: NPI %s", d["id"], npi)
			}
		}
		for _, ndc := range values(d, "item", "detail", "productOrService", "coding", "code") {
			if len(ndc.(string)) != 11 || !strings.HasPrefix(ndc.(string), "99999") {
				t.Fatalf("%s: drug code %s", d["id"], ndc)
			}
		}
	}
}

// TestHistoryV3: of two looks, the later one finds every claim of the earlier one
// again, changed only with its lastUpdated, unless it was canceled outright.
func TestHistoryV3(t *testing.T) {
	s := sourceAt(42, asOf)
	selections := sample(t, s, 20)
	rapid.Check(t, func(t *rapid.T) {
		of := *selections[rapid.IntRange(0, len(selections)-1).Draw(t, "enrollee")]
		hours := rapid.SampledFrom([]int{0, 3_000, 9_000, 20_000, 40_000}).Draw(t, "hours") + rapid.IntRange(0, 400).Draw(t, "and")
		then := asOf.Add(-time.Duration(hours) * time.Hour)
		more := rapid.SampledFrom([]int{0, 60, 1_000, 9_000}).Draw(t, "hours more") + rapid.IntRange(0, 200).Draw(t, "and more")
		later := then.Add(time.Duration(more) * time.Hour)
		before, after := offersAt(t, fhir.V3, of, then), offersAt(t, fhir.V3, of, later)
		canceled := canceledV3(t, s, of.Enrollee.ID, later)
		for id, b := range before {
			a, ok := after[id]
			switch {
			case ok == canceled[id]:
				t.Fatalf("%s is there: %v; canceled: %v", id, ok, canceled[id])
			case ok && !a.facts.LastUpdated.After(then) && !bytes.Equal(a.line, b.line):
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

// canceledV3 returns the ids of the person's claims that are canceled without a
// replacement by a moment.
func canceledV3(t *rapid.T, s *Source, id coverage.EnrolleeID, at time.Time) map[string]bool {
	index, _ := s.population.IndexOf(id)
	g, canceled := new(claimgen.Generator), map[string]bool{}
	g.Begin(s.population, index)
	err := g.Each(context.Background(), at.AddDate(0, 0, 7).UnixMilli(), func(c *claimgen.Claim) error {
		c.Reset(&g.Person)
		if c.History.Canceled != 0 && !mondayOf(c, c.History.Canceled).After(at) {
			canceled[strconv.FormatInt(c.IDV3(), 10)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return canceled
}

// TestDatasetV3: a raw data set of version 3 has claims that an import must refuse or
// leave out, each told by what BFD tells it.
func TestDatasetV3(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a data set, which -short leaves out")
	}
	set, err := sourceAt(42, asOf).Dataset(asOf, "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	n, err := set.WriteClaims(context.Background(), &raw, fhir.V3)
	if err != nil {
		t.Fatal(err)
	}
	met, ids := map[string]int{}, map[string]bool{}
	for line := range bytes.Lines(raw.Bytes()) {
		var c struct { // a parsed document is slow
			ID, Outcome string
			Meta        struct {
				Source        string
				Security, Tag []struct{ Code string }
			}
			Type           struct{ Coding []struct{ Code string } }
			BillablePeriod struct{ End string }
		}
		if err := json.Unmarshal(line, &c); err != nil || ids[c.ID] {
			t.Fatalf("%s: %v, or it occurs twice", c.ID, err)
		}
		ids[c.ID] = true
		met[c.Meta.Source]++
		met["type "+c.Type.Coding[0].Code]++
		met["Part 2"] += count(len(c.Meta.Security) == 1 && c.Meta.Security[0].Code == "42CFRPart2")
		met["no end"] += count(c.BillablePeriod.End == "")
		final := c.Meta.Source == "NCH"
		if (c.Outcome == "partial") != (!final && c.Meta.Source != "DDPS") || final != (c.Meta.Tag[0].Code == "NationalClaimsHistory") {
			t.Fatalf("%s: outcome %s of %s", c.ID, c.Outcome, c.Meta.Source)
		}
	}
	if int(n) != len(ids) {
		t.Errorf("%d claims, %d lines", n, len(ids))
	}
	for _, what := range []string{"NCH", "DDPS", "FISS", "MCS", "Part 2", "no end", "type 1", "type 10", "type 20", "type 40", "type 50",
		"type 60", "type 71", "type 72", "type 81", "type 82", "type 2700"} {
		if met[what] == 0 {
			t.Errorf("no claim of %s: %v", what, met)
		}
	}
}

// TestFreshnessV3: version 3 is as fresh as the last Monday, the others as the last
// Saturday night.
func TestFreshnessV3(t *testing.T) {
	s := sourceAt(42, asOf)
	for v, want := range map[fhir.Version]string{fhir.V2: "2026-11-21T22:00:00Z", fhir.V3: "2026-11-23T09:00:00Z"} {
		f, err := s.Freshness(context.Background(), "Z0000", v)
		if got := f.LastLoad.Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", v, got, err, want)
		}
	}
}

// TestWriteV3: claims that must never be delivered are offered, with what is wrong in
// their facts, and claims of the shared systems are not. No claim has a historic MBI.
func TestWriteV3(t *testing.T) {
	s := sourceAt(1, asOf)
	list, got := enrollees(t, s, "Z0000"), map[coverage.Verdict]int{}
	for i := range list {
		sink := claimsOf(t, s, fhir.V3, selectionOf(t, s, "Z0000", &list[i]), false)
		for verdict, n := range sink.verdicts {
			got[verdict] += n
		}
		for _, o := range sink.offers {
			if o.line != nil && (bytes.Count(o.line, []byte("us-mbi")) != 1 || !bytes.Contains(o.line, []byte(list[i].MBIs[0]))) {
				t.Fatalf("not one MBI, the current: %s", o.line)
			}
		}
		if bytes.Contains(sink.bytes(), []byte("SharedSystem")) || bytes.Contains(sink.bytes(), []byte("42CFRPart2")) || bytes.Contains(sink.bytes(), []byte("DDPS")) {
			t.Fatal("a claim is delivered that must not be")
		}
	}
	for _, v := range []coverage.Verdict{coverage.Deliver, coverage.NotPatient, coverage.PartDEvent, coverage.SubstanceUse,
		coverage.NoBillablePeriod, coverage.BeforeAttestation, coverage.NotEnrolled} {
		if got[v] == 0 {
			t.Errorf("no claim is %s: %v", v, got)
		}
	}
}
