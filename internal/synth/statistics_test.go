package synth

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/population"
)

// band is what a statistic may be: in thousandths of a whole, or as it is.
type band struct {
	name     string
	got, of  int
	from, to int
}

// TestStatistics holds the population in the bands that docs/sandbox.md states:
// of CMS's chronic conditions tables, and of Medicare's shape of claims.
func TestStatistics(t *testing.T) {
	set, err := sourceAt(1, asOf).Dataset(asOf, "Z0002")
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.Statistics(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bandsOf(s) {
		if b.of > 0 {
			b.got = 1000 * b.got / b.of
		}
		if b.got < b.from || b.got > b.to {
			t.Errorf("%s: %d, want %d to %d", b.name, b.got, b.from, b.to)
		}
	}
	if stays := s.OfStays; stays[coverage.SNF] == 0 || stays[coverage.HHA] == 0 || stays[coverage.DME] == 0 || stays[coverage.Outpatient] == 0 {
		t.Errorf("nothing follows the stays: %v", stays)
	}
}

func bandsOf(s *Statistics) []band {
	claims := s.Claims
	return []band{
		{"women", s.Women, s.People, 530, 570},
		{"under 65", s.Under65, s.People, 120, 160},
		{"dead", s.Dead, s.People, 150, 220},
		{"hospice care before death", s.InHospice, s.Dead, 280, 480},
		{"opted out", s.OptedOut, s.People, 22, 38},
		{"moved here or away", s.Moved, s.People, 15, 45},
		{"historic MBI", s.NewMBI, s.People, 42, 65},
		{"no claims", s.NoClaims, s.People, 30, 60},
		{"0-1 conditions", s.HowMany[0], s.People, 200, 330},
		{"2-3 conditions", s.HowMany[1], s.People, 230, 330},
		{"4-5 conditions", s.HowMany[2], s.People, 190, 270},
		{"6 or more conditions", s.HowMany[3], s.People, 170, 290},
		{"hypertension", s.Conditions["hypertension"], s.People, 530, 620},
		{"diabetes", s.Conditions["diabetes"], s.People, 240, 310},
		{"heart failure", s.Conditions["heart failure"], s.People, 130, 190},
		{"dementia", s.Conditions["dementia"], s.People, 90, 140},
		{"carrier", s.ByType["carrier"], claims, 650, 750},
		{"outpatient", s.ByType["outpatient"], claims, 140, 200},
		{"dme", s.ByType["dme"], claims, 40, 80},
		{"inpatient", s.ByType["inpatient"], claims, 15, 30},
		{"hha", s.ByType["hha"], claims, 10, 25},
		{"snf", s.ByType["snf"], claims, 5, 15},
		{"hospice", s.ByType["hospice"], claims, 2, 8},
		{"Part D", s.Withheld["Part D event"], claims, 15, 25},
		{"substance use", s.Withheld["substance-use treatment"], claims, 5, 11},
		{"unknown patient", s.Withheld["of an unknown patient"], claims, 1, 5},
		{"without end", s.Withheld["without the end of its period"], claims, 1, 4},
		{"one version", s.ByVersion[0], s.Groups, 910, 950},
		{"two versions", s.ByVersion[1], s.Groups, 45, 70},
		{"three versions", s.ByVersion[2], s.Groups, 5, 13},
		{"canceled outright", s.Canceled, s.Groups, 6, 13},
		{"reloaded", s.Reloaded, claims, 50, 100},
		{"identical stamps", s.Shared, claims, 80, 300},
		{"median claims of a person", Percentile(s.PerPerson, 50), 0, 30, 60},
		{"p99 of claims of a person", Percentile(s.PerPerson, 99), 0, 300, 600},
		{"median lateness", Percentile(s.Lateness, 50), 0, 30, 45},
		{"p99 of lateness", Percentile(s.Lateness, 99), 0, 180, 300},
		{"most diagnoses", Percentile(s.Diagnoses, 100), 0, 13, 25},
	}
}

// TestDataset: a data set has the people of its contracts, who moved once, and
// the same claims in both versions.
func TestDataset(t *testing.T) {
	s := sourceAt(42, asOf)
	both, err := s.Dataset(asOf, "Z0000", "Z0001")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(both.Contracts(), []string{"Z0000", "Z0001"}) || len(both.people) > 1100 || len(both.people) < 1080 || !slices.IsSorted(both.people) {
		t.Errorf("%d people of %v", len(both.people), both.Contracts())
	}
	small, err := s.Dataset(asOf, "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ids(enrollees(t, s, "Z0000")), idsIn(small)); d != "" {
		t.Error(d)
	}
	small.people = small.people[:5]
	var one, two bytes.Buffer
	n, err := small.WriteClaims(context.Background(), &one, fhir.V1)
	if m, err2 := small.WriteClaims(context.Background(), &two, fhir.V2); err != nil || err2 != nil || n != m {
		t.Fatal(n, err, m, err2)
	}
	id := func(line []byte) string { return parse(t, line)["id"].(string) }
	for line := range bytes.Lines(one.Bytes()) {
		other, rest, _ := bytes.Cut(two.Bytes(), []byte("\n"))
		if id(line) != id(other) {
			t.Fatalf("%s in STU3, %s in R4", id(line), id(other))
		}
		two = *bytes.NewBuffer(rest)
		n--
	}
	if n != 0 {
		t.Errorf("%d claims more than lines", n)
	}
}

// idsIn are the ids of a data set's people, ascending.
func idsIn(d *Dataset) (list []coverage.EnrolleeID) {
	for _, index := range slices.Backward(d.people) {
		list = append(list, population.FirstID-coverage.EnrolleeID(index))
	}
	return list
}
