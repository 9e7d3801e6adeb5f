package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// fhirClaim is what the questions of docs/analysis.md need of a claim, as it is delivered.
// It is read without the code that makes tables.
type fhirClaim struct {
	ID         string
	Meta       struct{ LastUpdated time.Time }
	Status     string
	Patient    struct{ Reference string }
	Identifier []struct{ System, Value string }
	Type       fhirConcept
	Billable   fhirPeriod `json:"billablePeriod"`
	CareTeam   []struct {
		Sequence            int
		Role, Qualification fhirConcept
		Provider            struct{ Identifier struct{ Value string } }
	}
	SupportingInfo []struct{ Code fhirConcept }
	Diagnosis      []fhirDiagnosis
	Procedure      []struct {
		Sequence int
		Date     string
		Concept  fhirConcept `json:"procedureCodeableConcept"`
	}
	Item []struct {
		Sequence          int
		CareTeamSequence  []int
		DiagnosisSequence []int
		Service           fhirConcept `json:"productOrService"`
		Period            fhirPeriod  `json:"servicedPeriod"`
		ServicedDate      string
		Location          fhirConcept `json:"locationCodeableConcept"`
	}
}

type fhirDiagnosis struct {
	Sequence int
	Type     []fhirConcept
	Concept  fhirConcept `json:"diagnosisCodeableConcept"`
}

type fhirPeriod struct{ Start, End string }

type fhirConcept struct {
	Coding []struct{ System, Code string }
}

// of is the code in a system whose address ends so.
func (c fhirConcept) of(system string) string {
	for _, coding := range c.Coding {
		if strings.HasSuffix(coding.System, "/"+system) {
			return coding.Code
		}
	}
	return ""
}

func (c *fhirClaim) kind() string { return c.Type.of("eob-type") }

// day counts days.
func day(s string) int {
	t, _ := time.Parse(time.DateOnly, s)
	return int(t.Unix() / 86400)
}

// newestClaims are the newest active versions of the claims in lines of NDJSON of v2.
func newestClaims(t *testing.T, lines []string) (list []*fhirClaim) {
	t.Helper()
	groups := map[string]*fhirClaim{}
	for _, line := range lines {
		c := new(fhirClaim)
		if err := json.Unmarshal([]byte(line), c); err != nil {
			t.Fatal(err)
		}
		key := c.ID
		for _, i := range c.Identifier {
			if strings.HasSuffix(i.System, "/claim-group") {
				key = i.Value + c.Patient.Reference + c.kind()
			}
		}
		if old := groups[key]; c.Status == "active" && (old == nil || c.Meta.LastUpdated.After(old.Meta.LastUpdated)) {
			groups[key] = c
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, groups[key])
	}
	return list
}

// tallies count rows and different members by a key.
type tallies map[string]*struct {
	rows, days         int
	members, providers map[string]bool
}

func (t tallies) add(key, member, provider string, days int) {
	if key == "" {
		return
	}
	if t[key] == nil {
		t[key] = &struct {
			rows, days         int
			members, providers map[string]bool
		}{members: map[string]bool{}, providers: map[string]bool{}}
	}
	t[key].rows++
	t[key].days += days
	t[key].members[member] = true
	t[key].providers[provider] = true
}

// most are the keys, those with the most first.
func (t tallies) most(number func(key string) int, limit int) []string {
	keys := slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		return cmp.Or(cmp.Compare(number(b), number(a)), cmp.Compare(a, b))
	})
	return keys[:min(limit, len(keys))]
}

func (t tallies) rowsOf(key string) int    { return t[key].rows }
func (t tallies) membersOf(key string) int { return len(t[key].members) }

// answered are rows and members of each key, those with the most rows first.
func (t tallies) answered(limit int) (rows [][]string) {
	for _, key := range t.most(t.rowsOf, limit) {
		rows = append(rows, []string{key, fmt.Sprint(t[key].rows), fmt.Sprint(t.membersOf(key))})
	}
	return rows
}

// expectedAnswers are the answers to the ten questions. names are those of places and
// specialties.
func expectedAnswers(claims []*fhirClaim, places, specialties map[string]string) [][][]string {
	types, months, drgs, where, services, equipment, treating := tallies{}, tallies{}, tallies{}, tallies{}, tallies{}, tallies{}, tallies{}
	for _, c := range claims {
		member := c.Patient.Reference
		types.add(c.kind(), member, "", 0)
		if c.kind() == "INPATIENT" {
			months.add(c.Billable.Start[:7], member, "", 0)
			for _, i := range c.SupportingInfo {
				drgs.add(i.Code.of("clm_drg_cd"), member, "", day(c.Billable.End)-day(c.Billable.Start))
			}
		}
		codes := map[int]string{}
		for _, d := range c.Diagnosis {
			codes[d.Sequence] = d.Concept.Coding[0].Code
		}
		for _, i := range c.Item {
			where.add(i.Location.of("line_place_of_srvc_cd"), member, "", 0)
			services.add(i.Service.of("hcpcs"), member, "", 0)
			for _, n := range i.DiagnosisSequence {
				if c.kind() == "DME" {
					equipment.add(codes[n], member, "", 0)
				}
			}
		}
		for _, p := range c.CareTeam {
			if s := p.Qualification.of("prvdr_spclty"); s != "" && (p.Role.Coding[0].Code == "performing" || p.Role.Coding[0].Code == "primary") {
				treating.add(s, member, p.Provider.Identifier.Value, 0)
			}
		}
	}
	byMonth := months.answered(len(months))
	slices.SortFunc(byMonth, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return [][][]string{types.answered(len(types)), byMonth, readmissions(claims), unseen(claims), stayLengths(drgs),
		withNames(where, places), services.answered(10), specialists(treating, specialties), equipment.answered(10), followedUp(claims)}
}

func stayLengths(drgs tallies) (rows [][]string) {
	for _, drg := range drgs.most(drgs.rowsOf, 10) {
		rows = append(rows, []string{drg, fmt.Sprint(drgs[drg].rows), fmt.Sprintf("%.1f", math.Round(10*float64(drgs[drg].days)/float64(drgs[drg].rows))/10)})
	}
	return rows
}

func withNames(where tallies, places map[string]string) (rows [][]string) {
	for _, row := range where.answered(len(where)) {
		rows = append(rows, []string{row[0], places[row[0]], row[1], row[2]})
	}
	return rows
}

func specialists(treating tallies, names map[string]string) (rows [][]string) {
	for _, s := range treating.most(treating.membersOf, 10) {
		rows = append(rows, []string{s, names[s], fmt.Sprint(len(treating[s].providers)), fmt.Sprint(treating.membersOf(s))})
	}
	return rows
}

// stays are the first and last days of hospital stays by member, in their order.
func stays(claims []*fhirClaim) map[string][][2]int {
	out := map[string][][2]int{}
	for _, c := range claims {
		if c.kind() == "INPATIENT" {
			out[c.Patient.Reference] = append(out[c.Patient.Reference], [2]int{day(c.Billable.Start), day(c.Billable.End)})
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	}
	return out
}

func readmissions(claims []*fhirClaim) [][]string {
	all, again := 0, 0
	for _, list := range stays(claims) {
		all += len(list)
		for i := 1; i < len(list); i++ {
			if gap := list[i][0] - list[i-1][1]; gap >= 1 && gap <= 30 {
				again++
			}
		}
	}
	return [][]string{{fmt.Sprint(all), fmt.Sprint(again)}}
}

// officeVisits are the days of visits by member.
func officeVisits(claims []*fhirClaim) map[string][]string {
	out := map[string][]string{}
	for _, c := range claims {
		for _, i := range c.Item {
			if i.Location.of("line_place_of_srvc_cd") == "11" {
				out[c.Patient.Reference] = append(out[c.Patient.Reference], i.Period.Start+i.ServicedDate)
			}
		}
	}
	return out
}

// unseen are members with heart failure without a visit in 90 days.
func unseen(claims []*fhirClaim) (rows [][]string) {
	today, failing, visits := "", map[string]bool{}, officeVisits(claims)
	for _, c := range claims {
		today = max(today, c.Billable.End)
		for _, d := range c.Diagnosis {
			code := d.Concept.Coding[0].Code
			if strings.HasPrefix(code, "I50") || code == "I110" || code == "I130" || code == "I132" {
				failing[c.Patient.Reference] = true
			}
		}
	}
	for member := range failing {
		row := []string{strings.TrimPrefix(member, "Patient/"), "", ""}
		if len(visits[member]) > 0 {
			last := slices.Max(visits[member])
			days := day(today) - day(last)
			if days <= 90 {
				continue
			}
			row[1], row[2] = last, fmt.Sprint(days)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b []string) int { return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0])) })
	return rows
}

func followedUp(claims []*fhirClaim) [][]string {
	all, seen, visits := 0, 0, officeVisits(claims)
	for member, list := range stays(claims) {
		for _, stay := range list {
			all++
			if slices.ContainsFunc(visits[member], func(d string) bool { gap := day(d) - stay[1]; return gap >= 1 && gap <= 14 }) {
				seen++
			}
		}
	}
	return [][]string{{fmt.Sprint(all), fmt.Sprint(seen)}}
}
