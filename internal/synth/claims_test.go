package synth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// The versions that share ids and histories, and all of them.
var (
	versions    = []fhir.Version{fhir.V1, fhir.V2}
	allVersions = []fhir.Version{fhir.V1, fhir.V2, fhir.V3}
)

// TestPinned holds the bytes of every sponsor in all versions: of all its
// enrollees, or of about a hundred of them. A change of these bytes must change
// population.GeneratorVersion too.
func TestPinned(t *testing.T) {
	want := map[string]string{
		"PDP-100 v1":   "66eefd0721d2fa031a6a6aa603496dc7c4fba6fdd824610de3fee0eef6cb6799",
		"PDP-100 v2":   "eaa91f09c49dd53b1ff1b33deb1ae379696e32eb7f7dfc020b6bfec29c2ecda5",
		"PDP-1000 v1":  "66aa63f1fc6853fe88d1180dd9139285cb9b682340504ceed79952f3fae3c414",
		"PDP-1000 v2":  "fe280cb22c58634da3033fa4d47a7ff2afd257ef94b09a52892c7e4cbabba950",
		"PDP-2000 v1":  "7cd338713f3d241d5c92600b60da63cd94917834afa215a40c13bd1599e50c02",
		"PDP-2000 v2":  "fe87ee7151ed56131f4cc275cb44bce8150502be2df9ba560287d62888915ef7",
		"PDP-5000 v1":  "ed3f0c978ae712eeb0d408084a20f8efba493623a552773f87b3ab63454fd3dc",
		"PDP-5000 v2":  "2e048f5ae655a212f9ee45d8e7700b3f2dfc3a50678032f8d741632457c8a4f2",
		"PDP-10000 v1": "2e5bbe3f79228ad69bc4a9476391fbb40b53a982f50926ba69a6ff96d5b1337f",
		"PDP-10000 v2": "7c7f3ee40fa14a7247521dabd8f2356e46ff657b3ea25bb634f40a449f2c956f",
		"PDP-100 v3":   "d9dcd9a10a0ed9b90915e1901e2238c46f76b9882c8ccfeec83ae2f709e9586c",
		"PDP-1000 v3":  "e0dcfdd1dfb410ac824c04863dcda264b9a5ec3106f4d48d612fbfe78745e17c",
		"PDP-2000 v3":  "2c4048ecce64a462dd99e261ea91112589ca21eb9062b2498a6cdef862be6b2c",
		"PDP-5000 v3":  "414c8faef0c04f6f29842afc5499fcc421a925c2e583aa3e002469659c69081a",
		"PDP-10000 v3": "0e306a97342376d5f0f4eb31e8a5eca41d10f0d1d116fff5a24a35a75c5f90be",
	}
	s := sourceAt(42, asOf)
	for _, p := range Sponsors() {
		list := enrollees(t, s, p.Contract)
		for _, v := range allVersions {
			name := p.Name + " " + v.String()
			t.Run(name, func(t *testing.T) {
				sink := &hasher{hash: sha256.New()}
				for i := 0; i < len(list); i += max(1, len(list)/100) {
					sink.selection = selectionOf(t, s, p.Contract, &list[i])
					if err := write(context.Background(), s, v, sink.selection, sink); err != nil {
						t.Fatal(err)
					}
				}
				if got := hex.EncodeToString(sink.hash.Sum(nil)); got != want[name] {
					t.Errorf("SHA-256: got %s, want %s", got, want[name])
				}
			})
		}
	}
}

// hasher is a sink that only hashes the lines that the rules deliver.
type hasher struct {
	selection *coverage.Selection
	hash      hash.Hash
}

func (h *hasher) Wants(c *coverage.Claim) bool { return h.selection.Verdict(c) == coverage.Deliver }

func (h *hasher) Segment(segment.Segment, []byte, int64) error {
	return errors.New("a synthetic source has no segments")
}

func (h *hasher) Line(line []byte) error {
	_, err := h.hash.Write(line)
	return err
}

// TestSameBytes: on repeat, from a fresh source, in any order and at once.
func TestSameBytes(t *testing.T) {
	for _, v := range []fhir.Version{fhir.V1, fhir.V3} {
		s := sourceAt(42, asOf)
		selections := sample(t, s, 20)
		first := make([][]byte, len(selections))
		for i, selection := range selections {
			first[i] = claimsOf(t, s, v, selection, false).bytes()
		}
		fresh := sourceAt(42, asOf)
		var group sync.WaitGroup
		for i := len(selections) - 1; i >= 0; i-- {
			group.Go(func() {
				if !bytes.Equal(first[i], claimsOf(t, fresh, v, selections[i], false).bytes()) {
					t.Errorf("%s: enrollee %d has other claims from a fresh source", v, selections[i].Enrollee.ID)
				}
			})
		}
		group.Wait()
	}
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

// testFacts shows that the facts given to Wants are those of the line, also for
// claims that the rules reject.
func testFacts(t *testing.T, claims []sampledClaim) {
	for _, c := range claims {
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

// TestClaims checks a sample of claims of each type, in both versions.
func TestClaims(t *testing.T) {
	claims := byType(t, sourceAt(42, asOf), 100)
	for _, c := range []struct {
		name string
		test func(*testing.T, []sampledClaim)
	}{
		{"facts are those of the line", testFacts},
		{"versions agree", testVersionsAgree},
		{"paths are known", testShape},
		{"lines are compact and ordered", testLines},
		{"links point at elements", testLinks},
		{"codes are well formed", testCodes},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, claims) })
	}
}

// testVersionsAgree compares what both versions can express.
func testVersionsAgree(t *testing.T, claims []sampledClaim) {
	for _, c := range claims {
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

// story is the content that both versions of a claim express.
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
	s := sourceAt(1, asOf) // the seed that a sandbox has by default
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
		if claims < 4_000 || claims > 5_500 || size < 25_000_000 || size > 36_000_000 || without < 1 || without > 10 {
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
	want := []coverage.Verdict{coverage.Deliver, coverage.NotPatient, coverage.PartDEvent, coverage.SubstanceUse,
		coverage.NoBillablePeriod, coverage.BeforeAttestation, coverage.NotEnrolled}
	for _, v := range want {
		if verdicts[v] == 0 {
			t.Errorf("no claim is %s", v)
		}
	}
	if len(verdicts) != len(want) {
		t.Errorf("verdicts are %v", verdicts)
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
