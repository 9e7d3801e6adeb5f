package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
)

// mbi is a Medicare Beneficiary Identifier as CMS forms it: letters without S,
// L, O, I, B and Z. A synthetic one has S in the second place.
var mbi = regexp.MustCompile(`^[1-9][AC-HJKMNP-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}$`)

// ParseMBI checks the form of an identifier. Its error does not quote it.
func ParseMBI(s string) (coverage.MBI, error) {
	m, ok := parseMBI(s)
	if !ok {
		return "", errors.New(mbiForm)
	}
	return m, nil
}

const mbiForm = "the identifier does not have the form of an MBI: eleven letters and digits, without dashes"

func parseMBI(s string) (coverage.MBI, bool) {
	return coverage.MBI(s), mbi.MatchString(s)
}

// ReadEnrollment reads who is enrolled: CSV with the columns contract,
// beneficiary_id, mbi (may be empty), historic_mbis (separated by ; or spaces,
// may be empty or missing), v3_patient_id (the person's number in claims of version
// 3, may be empty or missing), and the months: year and month, or from and to
// (YYYY-MM, both included). A range with an empty to is still open: it reaches to
// coverage.LastMonth, of which an export counts the months up to its own. Rows of
// one beneficiary are put together, in any order to the same end: all months
// count, the current MBI is that of the row with the latest month among those
// that have one (of rows that end in the same month, of the one that begins last;
// of those the one that comes last in the alphabet), and all others are historic,
// in alphabetical order. It gives the enrollees of each contract in ascending
// order of id: about 100 bytes each, and while it reads 250. The error is
// LineErrors when lines are wrong.
func ReadEnrollment(r io.Reader) (map[string][]coverage.Enrollee, error) {
	return readEnrollment(r, tableLimits())
}

func readEnrollment(r io.Reader, l limits) (map[string][]coverage.Enrollee, error) {
	b, err := inflated(r)
	if err != nil {
		return nil, err
	}
	t, err := openTable(b, l, []string{"contract", "beneficiary_id", "mbi"}, []string{"historic_mbis", "v3_patient_id", "year", "month", "from", "to"})
	if err != nil {
		return nil, err
	}
	monthly, ranges := t.has("year") && t.has("month"), t.has("from") && t.has("to")
	if monthly == ranges || monthly && (t.has("from") || t.has("to")) || ranges && (t.has("year") || t.has("month")) {
		t.line = 1
		t.fault("give the columns year and month, or the columns from and to, and not both")
		return nil, t.err()
	}
	rolls := map[string]roll{}
	for t.next() {
		t.enrollmentRow(rolls, ranges)
	}
	if err := t.err(); err != nil {
		return nil, err
	}
	if err := samePatientTwice(rolls); err != nil {
		return nil, err
	}
	all := map[string][]coverage.Enrollee{}
	for contract, persons := range rolls {
		all[contract] = persons.sorted()
	}
	return all, nil
}

// roll is a contract's enrollees by id.
type roll map[coverage.EnrolleeID]*person

// person is an enrollee while rows are still to come.
type person struct {
	coverage.Enrollee
	current span // of the row that gave the current MBI, the first of MBIs
}

// span is the months of a row, both included.
type span struct {
	first, last coverage.Month
}

// compare orders spans by their ends, and those with the same end by their
// beginnings.
func (s span) compare(o span) int {
	return cmp.Or(cmp.Compare(s.last, o.last), cmp.Compare(s.first, o.first))
}

func (r roll) sorted() []coverage.Enrollee {
	list := make([]coverage.Enrollee, 0, len(r))
	for _, p := range r {
		list = append(list, p.Enrollee)
	}
	slices.SortFunc(list, func(a, b coverage.Enrollee) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (t *table) enrollmentRow(rolls map[string]roll, ranges bool) {
	before := len(t.faults)
	contract := strings.Clone(t.get("contract"))
	t.contract(contract)
	id, err := strconv.ParseInt(t.get("beneficiary_id"), 10, 64)
	if err != nil {
		t.fault("beneficiary_id is not a whole number")
	}
	months := t.months(ranges)
	mbis := t.mbis()
	patient := t.patientV3()
	if len(t.faults) > before {
		return
	}
	persons := rolls[contract]
	if persons == nil {
		persons = roll{}
		rolls[contract] = persons
	}
	p := persons[coverage.EnrolleeID(id)]
	if p == nil {
		p = &person{Enrollee: coverage.Enrollee{ID: coverage.EnrolleeID(id)}}
		persons[p.ID] = p
		if t.persons++; t.persons > t.src.limits.persons {
			t.stop("there are more than %d beneficiaries; import some of the contracts in another file", t.src.limits.persons)
			return
		}
	}
	if patient != 0 && p.PatientV3 != 0 && patient != p.PatientV3 {
		t.fault("v3_patient_id differs from that of an earlier row of this beneficiary_id")
	}
	p.PatientV3 = cmp.Or(p.PatientV3, patient)
	p.Months.AddRange(months.first, months.last)
	known := len(p.MBIs)
	p.merge(mbis, months)
	switch t.ids += len(p.MBIs) - known; {
	case len(p.MBIs) > mostIDs:
		t.stop("the beneficiary has more than %d identifiers; look for rows of others with the same beneficiary_id", mostIDs)
	case t.ids > t.src.limits.ids:
		t.stop("there are more than %d identifiers; import some of the contracts in another file", t.src.limits.ids)
	}
}

// merge puts the identifiers of a row to those known: the latest row says which
// is the current one.
func (p *person) merge(mbis []coverage.MBI, months span) {
	if len(mbis) == 0 {
		return
	}
	if len(p.MBIs) == 0 {
		p.MBIs, p.current = []coverage.MBI{mbis[0]}, months
	}
	current := p.MBIs[0]
	if later := months.compare(p.current); later > 0 || later == 0 && mbis[0] > current {
		current, p.current = mbis[0], months
	}
	if len(mbis) == 1 && len(p.MBIs) == 1 && mbis[0] == p.MBIs[0] {
		return // nearly every row
	}
	historic := append(slices.Clone(p.MBIs), mbis...)
	slices.Sort(historic)
	historic = slices.DeleteFunc(slices.Compact(historic), func(m coverage.MBI) bool { return m == current })
	p.MBIs = append([]coverage.MBI{current}, historic...)
}

// mbis reads the identifiers of a row, the current one first.
func (t *table) mbis() []coverage.MBI {
	current := t.get("mbi")
	historic := strings.FieldsFunc(t.get("historic_mbis"), func(r rune) bool { return r == ';' || r == ' ' })
	if current == "" {
		if len(historic) > 0 {
			t.fault("historic_mbis without an mbi: the current one is missing")
		}
		return nil
	}
	list := []coverage.MBI{t.mbi("mbi", current)}
	for _, s := range historic {
		list = append(list, t.mbi("historic_mbis", s))
	}
	return list
}

// patientV3 reads the person's number in claims of version 3; 0 if there is none.
func (t *table) patientV3() coverage.EnrolleeID {
	s := t.get("v3_patient_id")
	if s == "" {
		return 0
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id == 0 {
		t.fault("v3_patient_id is not a whole number other than 0")
	}
	return coverage.EnrolleeID(id)
}

// samePatientTwice finds a number of version 3 that two people of a contract have:
// one of them would get the other's claims.
func samePatientTwice(rolls map[string]roll) error {
	for _, contract := range slices.Sorted(maps.Keys(rolls)) {
		seen := map[coverage.EnrolleeID]bool{}
		for _, p := range rolls[contract] {
			if p.PatientV3 != 0 && seen[p.PatientV3] {
				return fmt.Errorf("two beneficiaries of contract %s have the same v3_patient_id; nothing was imported", contract)
			}
			seen[p.PatientV3] = true
		}
	}
	return nil
}

func (t *table) mbi(column, s string) coverage.MBI {
	m, ok := parseMBI(strings.Clone(s))
	if !ok {
		t.fault("%s: %s", column, mbiForm)
	}
	return m
}

// months reads the months of a row.
func (t *table) months(ranges bool) span {
	if !ranges {
		m := t.month("year and month", t.get("year")+"-"+zeroPadded(t.get("month")), "write 2024-03, or year 2024 and month 3")
		return span{m, m}
	}
	before := len(t.faults)
	first := t.month("from", t.get("from"), "write 2024-03")
	if t.get("to") == "" {
		return span{first, max(first, coverage.LastMonth)}
	}
	last := t.month("to", t.get("to"), "write 2024-03, or leave it empty for an enrollment that is still open")
	if last < first && len(t.faults) == before {
		t.fault("to is before from")
	}
	return span{first, last}
}

func zeroPadded(month string) string {
	if len(month) == 1 {
		return "0" + month
	}
	return month
}

// The years that can be years of enrollment: Medicare began in 1965.
const (
	firstYear = 1965
	lastYear  = 2100
)

func (t *table) month(name, s, hint string) coverage.Month {
	m, err := time.Parse("2006-01", s)
	if err != nil || m.Year() < firstYear || m.Year() > lastYear {
		t.fault("%s: not a month from %d to %d; %s", name, firstYear, lastYear, hint)
		return 0
	}
	return coverage.MonthOf(m.Year(), m.Month())
}
