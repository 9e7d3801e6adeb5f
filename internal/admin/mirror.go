package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// Mirrors tells how the copy of an upstream server stands.
type Mirrors interface {
	MirrorPasses(ctx context.Context, limit int) ([]*store.MirrorPass, error)
	MirrorFaults(ctx context.Context) ([]store.MirrorFault, error)
	MirrorEnrollments(ctx context.Context) ([]store.MirrorEnrollment, error)
}

// Mirror is the state of the copy of an upstream server.
type Mirror struct {
	Passes     []MirrorPass       `json:"passes"` // the newest first
	Failed     []MirrorFault      `json:"failed"`
	Enrollment []MirrorEnrollment `json:"enrollment"`
}

// MirrorPass is one pass over the people of a version.
type MirrorPass struct {
	ID       int64      `json:"id"`
	Version  string     `json:"version"`
	Source   string     `json:"source"` // the upstream server's host
	Complete bool       `json:"complete"`
	Again    bool       `json:"again"` // only people who failed, or were never read
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended,omitempty"`
	ReadUpTo time.Time  `json:"readUpTo"`
	People   int64      `json:"people"`
	Read     int64      `json:"read"`
	Failed   int64      `json:"failed"`
	Retries  int64      `json:"retries"` // calls that failed and were tried again
	Claims   int64      `json:"claims"`  // read
	Changed  int64      `json:"changed"`
	// PerSecond is the number of people read in a second, over the whole pass.
	PerSecond float64 `json:"peoplePerSecond"`
}

// MirrorFault is a reason for which people could not be read.
type MirrorFault struct {
	Version string    `json:"version"`
	Reason  string    `json:"reason"`
	People  int64     `json:"people"`
	Next    time.Time `json:"nextTry"` // of the first of them
}

// MirrorEnrollment is when the enrollment of a contract was read.
type MirrorEnrollment struct {
	Contract string     `json:"contract"`
	Read     *time.Time `json:"read,omitempty"`
	Failures int        `json:"failures"` // in a row
	Reason   string     `json:"reason,omitempty"`
}

// mirrorPassesShown is how many passes are listed.
const mirrorPassesShown = 20

// Mirror shows the latest passes, and what failed in them.
func (s *Service) Mirror(ctx context.Context) (*Mirror, error) {
	passes, err := s.store.MirrorPasses(ctx, mirrorPassesShown)
	if err != nil {
		return nil, err
	}
	faults, err := s.store.MirrorFaults(ctx)
	if err != nil {
		return nil, err
	}
	contracts, err := s.store.MirrorEnrollments(ctx)
	if err != nil {
		return nil, err
	}
	m := &Mirror{Passes: []MirrorPass{}, Failed: []MirrorFault{}, Enrollment: []MirrorEnrollment{}}
	for _, p := range passes {
		shown, err := s.showPass(p)
		if err != nil {
			return nil, err
		}
		m.Passes = append(m.Passes, shown)
	}
	for _, f := range faults {
		m.Failed = append(m.Failed, MirrorFault{Version: fhir.Version(f.Version).String(), Reason: f.Fault, People: f.People, Next: f.Next})
	}
	for _, c := range contracts {
		m.Enrollment = append(m.Enrollment, MirrorEnrollment{Contract: c.Contract, Read: timeOrNil(c.Read), Failures: c.Failures, Reason: c.Fault})
	}
	return m, nil
}

// showPass reads the counts of a pass from its report.
func (s *Service) showPass(p *store.MirrorPass) (MirrorPass, error) {
	shown := MirrorPass{ID: p.ID, Version: p.Version.String(), Source: p.Source, Complete: p.Complete, Again: p.Again, Started: p.Started,
		Ended: timeOrNil(p.Published), ReadUpTo: p.ReadUpTo, People: p.People}
	var report struct {
		Read, People, Failed, Retries int64
		Merged                        store.Merged
	}
	if err := json.Unmarshal([]byte(p.Report), &report); err != nil {
		return shown, fmt.Errorf("read the report of mirror pass %d: %w", p.ID, err)
	}
	m := report.Merged
	shown.Read, shown.Failed, shown.Retries, shown.Claims, shown.Changed = report.People, report.Failed, report.Retries, report.Read, m.New+m.Replaced+m.Removed+m.Withdrawn
	end := p.Published
	if end.IsZero() {
		end = s.now()
	}
	if took := end.Sub(p.Started).Seconds(); took > 0 {
		shown.PerSecond = float64(report.People) / took
	}
	return shown, nil
}

// timeOrNil is nil for no time.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
