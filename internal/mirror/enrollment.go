package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/store"
)

// recentMonths are read each time: enrollment is corrected for some months.
const recentMonths = 4

// contractLease is how long one process reads the enrollment of a contract before
// another may.
const contractLease = time.Hour

// readEnrollment reads the enrollment of the attested contracts that was read before a
// time, each once. Contracts that failed are tried again if that is due by retry. A
// contract that fails keeps the enrollment that it has; its error is returned when the
// others are done.
func (m *Mirror) readEnrollment(ctx context.Context, before, retry time.Time, sum *Summary) error {
	if !m.Enrollment {
		return nil
	}
	due := store.MirrorDue{Before: before, Retry: retry, Lease: contractLease}
	var failed []error
	for {
		c, err := m.DB.LeaseMirrorContract(ctx, due)
		if errors.Is(err, export.ErrNoWork) {
			return errors.Join(failed...)
		}
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		due.Except = append(due.Except, c.Number)
		err = m.readContract(ctx, c, sum)
		if err == nil {
			continue
		}
		failed = append(failed, fmt.Errorf("the enrollment of contract %s was not read, and stays as it is: %w", c.Number, err))
		if err := m.failContract(ctx, c, err); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
}

// failContract notes why a contract could not be read, and when to try again. If it
// was only interrupted, the error is that of ctx.
func (m *Mirror) failContract(ctx context.Context, c *store.MirrorContract, err error) error {
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), m.DB.FailMirrorContract(context.WithoutCancel(ctx), c.Number, "", time.Time{}))
	}
	fault := faultOf(err)
	if errors.As(err, new(*store.ShrinkError)) {
		fault = "a fifth of the enrollees is missing"
	}
	return m.DB.FailMirrorContract(ctx, c.Number, fault, m.DB.Now().Add(m.pause(c.Failures, maxPersonPause)))
}

// readContract reads the enrollment of one contract: all months the first time and
// from time to time, and otherwise the latest.
func (m *Mirror) readContract(ctx context.Context, c *store.MirrorContract, sum *Summary) error {
	began := m.DB.Now()
	current, err := m.DB.CurrentEnrollment(ctx, c.Number)
	if err != nil {
		return err
	}
	complete := c.Complete.Add(m.Complete).Before(began)
	last := coverage.MonthOf(began.UTC().Year(), began.UTC().Month())
	first := coverage.Contract{Number: c.Number, Attested: c.Attested, HasAttested: true}.FirstMonth()
	if !complete {
		first = max(first, last-recentMonths+1)
	}
	r := newRoll(current)
	for month := first; month <= last; month++ {
		if err := m.readMonth(ctx, c.Number, month, r); err != nil {
			return fmt.Errorf("month %s: %w", month, err)
		}
	}
	enrollees := r.enrollees()
	if len(enrollees)+len(current) == 0 { // nobody is enrolled yet
		return m.DB.FinishMirrorContract(ctx, c.Number, began, complete)
	}
	if slices.Contains(m.Versions, fhir.V3) {
		if err := m.addNumbers(ctx, enrollees); err != nil {
			return fmt.Errorf("numbers of version 3: %w", err)
		}
	}
	report, err := ingest.StoreEnrollment(ctx, m.DB, c.Number, enrollees, false)
	if err != nil {
		return err
	}
	sum.Contracts = append(sum.Contracts, report)
	m.Log.Info("enrollment was read", slog.String("contract", c.Number), slog.Int("enrollees", report.Enrollees),
		slog.Bool("complete", complete), slog.Bool("unchanged", report.Unchanged))
	return m.DB.FinishMirrorContract(ctx, c.Number, began, complete)
}

// errOtherYear says that most people of an answer are not of the year that was asked
// for.
var errOtherYear = errors.New("the server answers with the enrollment of another year")

// readMonth reads who was enrolled in a month.
func (m *Mirror) readMonth(ctx context.Context, contract string, month coverage.Month, r *roll) error {
	known := r.clear(month)
	result, err := m.Upstream.Enrollment(ctx, bfd.EnrollmentQuery{Contract: contract, Month: month, Known: known}, func(member bfd.Member) error {
		r.add(month, member)
		return nil
	})
	if err != nil {
		return err
	}
	if result.OtherYear > result.Count-result.OtherYear {
		return errOtherYear
	}
	if result.Unclear > 0 || result.BadMBIs > 0 {
		m.Log.Warn("people of an enrollment answer could not be read", slog.String("contract", contract), slog.String("month", month.String()),
			slog.Int("without_id", result.Unclear), slog.Int("bad_mbis", result.BadMBIs))
	}
	return nil
}

// roll is the enrollment of a contract while it is read.
type roll struct {
	people map[coverage.EnrolleeID]*coverage.Enrollee
}

// newRoll begins with the current enrollment.
func newRoll(current []coverage.Enrollee) *roll {
	r := &roll{people: make(map[coverage.EnrolleeID]*coverage.Enrollee, len(current))}
	for _, e := range current {
		r.people[e.ID] = &e
	}
	return r
}

// clear takes a month from everybody, and tells whether anybody had it.
func (r *roll) clear(month coverage.Month) (known bool) {
	var one coverage.MonthSet
	one.Add(month)
	for _, e := range r.people {
		known = known || e.Months.Has(month)
		e.Months = e.Months.Without(one)
	}
	return known
}

// add enrolls a person in a month. The identifiers of the latest month that is read
// count.
func (r *roll) add(month coverage.Month, member bfd.Member) {
	e := r.people[member.ID]
	if e == nil {
		e = &coverage.Enrollee{ID: member.ID}
		r.people[member.ID] = e
	}
	e.Months.Add(month)
	if member.Current == "" {
		return
	}
	mbis := []coverage.MBI{member.Current}
	for _, mbi := range member.Historic {
		if !slices.Contains(mbis, mbi) {
			mbis = append(mbis, mbi)
		}
	}
	e.MBIs = mbis
}

// enrollees are those who are enrolled in any month, in ascending order of id.
func (r *roll) enrollees() []coverage.Enrollee {
	all := make([]coverage.Enrollee, 0, len(r.people))
	for _, e := range r.people {
		if !e.Months.Empty() {
			all = append(all, *e)
		}
	}
	slices.SortFunc(all, func(a, b coverage.Enrollee) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
