package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/bfd"
	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/store"
)

// Upstream is the server whose claims are copied. *bfd.Client is one. Its methods are
// safe for concurrent use, and their errors have no person identifiers.
type Upstream interface {
	Claims(ctx context.Context, q bfd.ClaimQuery, see func(raw []byte) error) (bfd.Result, error)
	Enrollment(ctx context.Context, q bfd.EnrollmentQuery, see func(bfd.Member) error) (bfd.Enrollment, error)
	PatientV3(ctx context.Context, mbi coverage.MBI) (id coverage.EnrolleeID, found bool, err error)
}

// Config says what is copied, and how. The zero value of a number is its default.
type Config struct {
	DB       *store.DB
	Upstream Upstream
	Source   string         // the upstream server's host, for logs and the audit log
	Versions []fhir.Version // whose claims are read
	// Enrollment says that the enrollment is read too. Otherwise it is imported.
	Enrollment bool

	Name     string        // of this process, in leases
	Workers  int           // parts at the same time; 2
	Calls    int           // people of a part who are read at the same time; 8
	Every    time.Duration // between two passes of a version; 24 hours
	Complete time.Duration // between two passes that read all claims; 30 days
	Overlap  time.Duration // by which a pass goes back before the one before; 1 hour
	People   int           // of a part; 200
	Lease    time.Duration // how long a process can be silent before others take over; 15 seconds
	Retry    time.Duration // before a person who could not be read is tried again, doubled with each failure; 1 minute
	GiveUp   time.Duration // a round ends when the upstream server gives nothing for so long; 30 minutes
	Rounds   int           // passes over those who failed, in one round; 5

	Log *slog.Logger
	// Progress is called when people were read. It may be nil.
	Progress func(p *store.MirrorPass, r *Report)
}

// Mirror copies claims. It is safe for concurrent use.
type Mirror struct {
	Config
	minimizers [fhir.V3 + 1]sync.Pool // by version; each takes some milliseconds to make
}

// minimizer returns one that nobody else uses.
func (m *Mirror) minimizer(v fhir.Version) *eob.Minimizer {
	if z, ok := m.minimizers[v].Get().(*eob.Minimizer); ok {
		return z
	}
	return eob.New(v)
}

// New checks a configuration and completes it.
func New(c Config) (*Mirror, error) {
	switch {
	case c.DB == nil || c.Upstream == nil || c.Source == "" || c.Log == nil || c.Name == "":
		return nil, errors.New("a mirror needs a database, an upstream server with its host, a name and a log")
	case len(c.Versions) == 0:
		return nil, errors.New("a mirror needs a version whose claims it reads")
	case min(c.Workers, c.Calls, c.People, c.Rounds) < 0 || min(c.Every, c.Complete, c.Overlap, c.Lease, c.Retry, c.GiveUp) < 0:
		return nil, errors.New("a number of the mirror is negative")
	}
	c.Workers, c.Calls, c.People, c.Rounds = cmp.Or(c.Workers, 2), cmp.Or(c.Calls, 8), cmp.Or(c.People, 200), cmp.Or(c.Rounds, 5)
	c.Every, c.Complete, c.Overlap = cmp.Or(c.Every, 24*time.Hour), cmp.Or(c.Complete, 30*24*time.Hour), cmp.Or(c.Overlap, time.Hour)
	c.Lease, c.Retry, c.GiveUp = cmp.Or(c.Lease, 15*time.Second), cmp.Or(c.Retry, time.Minute), cmp.Or(c.GiveUp, 30*time.Minute)
	if c.Progress == nil {
		c.Progress = func(*store.MirrorPass, *Report) {}
	}
	return &Mirror{Config: c}, nil
}

// Summary says what a round has done.
type Summary struct {
	Contracts []ingest.EnrollmentReport // whose enrollment was read
	Passes    []PassSummary             // that ended
	Failed    int64                     // people who could not be read, of all versions
}

// PassSummary is a pass that ended in a round.
type PassSummary struct {
	Version  fhir.Version
	Complete bool
	Report   Report
	Took     time.Duration
}

// Once reads the enrollment and the claims of all versions now, and tries people who
// fail a few times. When it is stopped, a later call continues. The error wraps
// ErrUnreachable if the upstream server gives nothing for a long time.
func (m *Mirror) Once(ctx context.Context) (*Summary, error) {
	var sum Summary
	ctx = audit.With(ctx, &audit.Facts{Actor: "mirror"})
	if err := m.readEnrollment(ctx, m.DB.Now(), m.DB.Now().Add(maxPersonPause), &sum); err != nil {
		return &sum, err
	}
	if err := m.finishOpen(ctx, &sum); err != nil {
		return &sum, err
	}
	for _, v := range m.Versions {
		if err := m.pass(ctx, store.MirrorPlan{Version: v}, &sum); err != nil {
			return &sum, err
		}
		if err := m.again(ctx, v, &sum); err != nil {
			return &sum, err
		}
	}
	faults, err := m.DB.MirrorFaults(ctx)
	for _, f := range faults {
		sum.Failed += f.People
	}
	return &sum, err
}

// again has a pass over those who failed, up to Rounds times, each when the first of
// them is to be tried again.
func (m *Mirror) again(ctx context.Context, v fhir.Version, sum *Summary) error {
	for range m.Rounds {
		faults, err := m.DB.MirrorFaults(ctx)
		if err != nil {
			return err
		}
		var last time.Time
		for _, f := range faults {
			if f.Version == int(v) && f.Next.After(last) {
				last = f.Next
			}
		}
		if last.IsZero() {
			return nil
		}
		if err := wait(ctx, last.Sub(m.DB.Now())+time.Millisecond); err != nil {
			return err
		}
		if err := m.pass(ctx, store.MirrorPlan{Version: v, Again: true}, sum); err != nil {
			return err
		}
	}
	return nil
}

// look is between two looks for something to do.
const look = 10 * time.Second

// Run keeps the copy up to date until ctx is done. Several processes may run it: they
// share the work.
func (m *Mirror) Run(ctx context.Context) {
	ctx = audit.With(ctx, &audit.Facts{Actor: "mirror"})
	for ctx.Err() == nil {
		if err := m.round(ctx); err != nil && ctx.Err() == nil {
			m.Log.Error("the mirror", slog.String("source", m.Source), slog.Any("error", err))
		}
		_ = wait(ctx, look) // the loop ends with ctx
	}
}

// round does what is due.
func (m *Mirror) round(ctx context.Context) error {
	var sum Summary
	failed := m.readEnrollment(ctx, m.DB.Now().Add(-m.Every), m.DB.Now(), &sum)
	if err := m.finishOpen(ctx, &sum); err != nil {
		return errors.Join(failed, err)
	}
	for _, v := range m.Versions {
		err := m.pass(ctx, store.MirrorPlan{Version: v, Every: m.Every}, &sum)
		if err == nil || errors.Is(err, store.ErrNotDue) {
			err = m.retryDue(ctx, v, &sum)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// retryDue has a pass over those who failed, if any of them is due.
func (m *Mirror) retryDue(ctx context.Context, v fhir.Version, sum *Summary) error {
	faults, err := m.DB.MirrorFaults(ctx)
	if err != nil {
		return err
	}
	for _, f := range faults {
		if f.Version == int(v) && !f.Next.After(m.DB.Now()) {
			return m.pass(ctx, store.MirrorPlan{Version: v, Again: true}, sum)
		}
	}
	return nil
}

// wait waits for d, or for the end of ctx, whose cause is then the error.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ErrUnreachable says that the upstream server has given nothing for a long time. What
// was read so far is kept, and the next round continues.
var ErrUnreachable = errors.New("the upstream server does not answer")

// unreachable adds for how long, and why.
func unreachable(d time.Duration, fault string) error {
	return fmt.Errorf("%w for %s (%s)", ErrUnreachable, d.Round(time.Second), fault)
}
