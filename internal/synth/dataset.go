package synth

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/eobjson"
	"ab2d/internal/synth/population"
)

// DatasetSponsors returns three sponsors with n enrollees together: Z9001 attested
// when the sandbox's sponsors did, Z9002 three years later, and Z9003 never.
func DatasetSponsors(n int) []Sponsor {
	second, third := n*35/100, n*5/100
	all := []Sponsor{
		{Name: "SYNTHETIC PDP ONE", Contract: "Z9001", Enrollees: n - second - third},
		{Name: "SYNTHETIC PDP TWO", Contract: "Z9002", Enrollees: second, Attested: coverage.DateOf(2023, time.January, 1)},
		{Name: "SYNTHETIC PDP THREE", Contract: "Z9003", Enrollees: third, Unattested: true},
	}
	return slices.DeleteFunc(all, func(s Sponsor) bool { return s.Enrollees == 0 })
}

// Dataset is the data of some contracts as of a moment, as upstreams store them. It
// writes them in the formats that package feed reads. It is safe for concurrent use.
type Dataset struct {
	source  *Source
	members []*member
	people  []int // indexes, ascending
	at      time.Time
}

// Dataset returns the data of the contracts, or of all contracts if none is named. It
// returns export.ErrNoContract if one of them does not exist.
func (s *Source) Dataset(at time.Time, contracts ...string) (*Dataset, error) {
	d := &Dataset{source: s, at: at}
	if len(contracts) == 0 {
		for i := range s.members {
			contracts = append(contracts, s.members[i].Contract)
		}
	}
	for _, number := range contracts {
		m, err := s.contract(number)
		if err != nil {
			return nil, err
		}
		d.members = append(d.members, m)
		d.people = slices.AppendSeq(d.people, m.group.Indexes(s.population.Size()))
	}
	slices.Sort(d.people)
	d.people = slices.Compact(d.people) // people who moved are in two contracts
	return d, nil
}

// Contracts returns the numbers of the contracts.
func (d *Dataset) Contracts() (numbers []string) {
	for _, m := range d.members {
		numbers = append(numbers, m.Contract)
	}
	return numbers
}

// WriteContracts writes CSV with contract, sponsor and attested.
func (d *Dataset) WriteContracts(w io.Writer) error {
	rows := [][]string{{"contract", "sponsor", "attested"}}
	for _, m := range d.members {
		attested := ""
		if c := m.facts(); c.HasAttested {
			attested = c.Attested.String()
		}
		rows = append(rows, []string{m.Contract, m.Name, attested})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WriteEnrollment writes CSV with a row for each run of months of an enrollee.
func (d *Dataset) WriteEnrollment(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"contract", "beneficiary_id", "mbi", "historic_mbis", "v3_patient_id", "from", "to"}); err != nil {
		return err
	}
	people, last := d.source.population, coverage.MonthOf(d.at.UTC().Year(), d.at.UTC().Month())
	for _, m := range d.members {
		for index := range m.group.Indexes(people.Size()) {
			e := people.Enrollee(m.group, index, last, 0)
			historic := make([]string, 0, population.MaxMBIs)
			for _, mbi := range e.MBIs[1:] {
				historic = append(historic, string(mbi))
			}
			row := []string{m.Contract, strconv.FormatInt(int64(e.ID), 10), string(e.MBIs[0]), strings.Join(historic, ";"), strconv.FormatInt(int64(e.PatientV3), 10), "", ""}
			for from := population.EnrollmentStart; from <= last; from++ {
				if !e.Months.Has(from) {
					continue
				}
				row[5] = from.String()
				for from < last && e.Months.Has(from+1) {
					from++
				}
				row[6] = from.String()
				if err := out.Write(row); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// WriteOptOuts writes CMS's file of data sharing preferences: N for people who have
// opted out, and Y for people who have opted back in.
func (d *Dataset) WriteOptOuts(w io.Writer) error {
	out := bufio.NewWriter(w)
	utc := d.at.UTC()
	today, month := coverage.Date(utc.Unix()/86_400), coverage.MonthOf(utc.Year(), utc.Month())
	date, n := utc.Format("20060102"), 0
	fmt.Fprintf(out, "HDR_BENEDATARSP%s\n", date)
	for _, index := range d.people {
		share := "N"
		if !d.source.population.OptedOut(index, today) {
			if share = "Y"; !d.source.everOptedOut(index, today) {
				continue
			}
		}
		fmt.Fprintf(out, "%s%s\n", string(d.source.population.MBIs(index, month)[0]), share)
		n++
	}
	fmt.Fprintf(out, "TRL_BENEDATARSP%s%010d\n", date, n)
	return out.Flush()
}

// everOptedOut reports whether a person has ever opted out until day last.
func (s *Source) everOptedOut(index int, last coverage.Date) bool {
	for day := population.EnrollmentStart.First(); day <= last; day += 30 {
		if s.population.OptedOut(index, day) {
			return true
		}
	}
	return false
}

// WriteClaims writes the raw claims of all people, one on a line, and returns their
// number. They include claims that must never be delivered, and in version 3 also some
// of the shared systems. The memory it needs does not depend on their number.
func (d *Dataset) WriteClaims(ctx context.Context, w io.Writer, v fhir.Version) (claims int64, err error) {
	write, err := eobjson.FormatOf(v)
	if err != nil {
		return 0, err
	}
	desk := new(desk)
	for _, index := range d.people {
		desk.claims.Begin(d.source.population, index)
		err := desk.each(ctx, v, d.at.UnixMilli(), func(c *claimgen.Claim) error {
			claims++
			_, err := w.Write(desk.raw(c, write))
			return err
		})
		if err != nil {
			return claims, fmt.Errorf("write synthetic claims: %w", err)
		}
	}
	return claims, nil
}
