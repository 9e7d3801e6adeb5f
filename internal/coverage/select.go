package coverage

import (
	"math"
	"slices"
	"time"
)

// EarliestService is the first service end date that is ever delivered.
var EarliestService = DateOf(2020, time.January, 1)

// Verdict says why a claim is delivered or not.
type Verdict uint8

// The verdicts, in the order in which the rules are tried.
const (
	Deliver Verdict = iota
	NotPatient
	PartDEvent
	NotOfferedType
	SubstanceUse
	NoBillablePeriod
	NoLastUpdated
	BeforeAttestation
	BeforeEarliest
	NotEnrolled
	NotSince
	NotUntil
	NotServiceDate
	verdicts
)

// VerdictCount is how many verdicts there are.
const VerdictCount = int(verdicts)

var verdictNames = [verdicts]string{
	"delivered", "of another patient", "Part D event", "not a Part A or B claim type", "substance-use treatment",
	"no billable period", "no lastUpdated", "before attestation", "ends before 2020", "outside enrollment",
	"not updated after _since", "updated after _until", "outside service-date",
}

// String names the verdict for a report.
func (v Verdict) String() string {
	if v < verdicts {
		return verdictNames[v]
	}
	return "unknown verdict"
}

// ServiceDates bounds a claim's service period: its first day and its last day
// must lie between two days each, all included.
type ServiceDates struct {
	StartFrom, StartTo Date
	EndFrom, EndTo     Date
}

// AnyServiceDates leaves every period in.
func AnyServiceDates() ServiceDates {
	return ServiceDates{StartFrom: math.MinInt32, StartTo: math.MaxInt32, EndFrom: math.MinInt32, EndTo: math.MaxInt32}
}

// Both gives what both leave in.
func (d ServiceDates) Both(o ServiceDates) ServiceDates {
	return ServiceDates{
		StartFrom: max(d.StartFrom, o.StartFrom), StartTo: min(d.StartTo, o.StartTo),
		EndFrom: max(d.EndFrom, o.EndFrom), EndTo: min(d.EndTo, o.EndTo),
	}
}

func (d ServiceDates) has(c *Claim) bool {
	return d.StartFrom <= c.Start && c.Start <= d.StartTo && d.EndFrom <= c.End && c.End <= d.EndTo
}

// Selection is what one export asks of one enrollee's claims. The zero value
// selects nothing, because nothing is attested.
type Selection struct {
	Contract     Contract
	Enrollee     *Enrollee
	Since        time.Time      // exclusive; zero: from the beginning
	Added        MonthSet       // enrollment months for which Since does not hold: they are new, and count from the beginning
	Until        time.Time      // inclusive; the job's transactionTime, or an earlier _until
	ServiceDates []ServiceDates // the period must lie within one of them; none: any period
}

// Verdict applies the rules to a claim. All of them must hold for Deliver;
// the first one that does not is returned.
func (s *Selection) Verdict(c *Claim) Verdict {
	enrolled := s.enrolled()
	switch {
	case c.Patient != s.Enrollee.ID:
		return NotPatient
	case c.PartD:
		return PartDEvent
	case c.Type == OtherClaim:
		return NotOfferedType
	case c.Part2:
		return SubstanceUse
	case !c.HasStart || !c.HasEnd:
		return NoBillablePeriod
	case c.LastUpdated.IsZero():
		return NoLastUpdated
	case !s.Contract.HasAttested || c.End < s.Contract.Attested || c.LastUpdated.Before(s.Contract.Attested.Time()):
		return BeforeAttestation
	case c.End < EarliestService:
		return BeforeEarliest
	case !enrolled.Overlaps(c.Start, c.End):
		return NotEnrolled
	case !s.Since.IsZero() && !c.LastUpdated.After(s.Since) && enrolled.Without(s.Added).Overlaps(c.Start, c.End):
		return NotSince
	case c.LastUpdated.After(s.Until):
		return NotUntil
	}
	if len(s.ServiceDates) > 0 && !slices.ContainsFunc(s.ServiceDates, func(d ServiceDates) bool { return d.has(c) }) {
		return NotServiceDate
	}
	return Deliver
}

// enrolled gives the months of enrollment that count: from the month of the
// attestation to that of Until, so that an enrollment that is still open never
// reaches beyond the day of the export.
func (s *Selection) enrolled() MonthSet {
	return s.Enrollee.Months.Between(s.Contract.FirstMonth(), MonthOf(s.Until.UTC().Year(), s.Until.UTC().Month()))
}

// NothingUpTo tells whether no claim last updated at t or before can be
// delivered.
func (s *Selection) NothingUpTo(t time.Time) bool {
	return !s.Since.IsZero() && !t.After(s.Since) && s.Added.Empty()
}
