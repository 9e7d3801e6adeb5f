package mirror

import (
	"context"
	"errors"

	"ab2d/internal/bfd"
	"ab2d/internal/eob"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/store"
)

// What the claims of one person may be at most, minimized. More is a fault of the
// upstream server.
const (
	maxPersonBytes  = 256 << 20
	maxPersonClaims = 500_000
)

// errTooMany says that one person has more claims than anybody can have.
var errTooMany = errors.New("the person has more claims than are accepted")

// person is what was read of one person.
type person struct {
	patient store.MirrorPatient
	err     error // of the search; nothing of it is used then

	claims   []store.Claim
	report   feed.Report
	size     int64 // of claims
	foreign  int64 // claims of somebody else
	answered bool  // the answer had claims
	retries  int64 // calls that were tried again
}

// readPerson reads a person's claims: all, or those that changed since.
func (m *Mirror) readPerson(ctx context.Context, v fhir.Version, patient store.MirrorPatient, z *eob.Minimizer) *person {
	one := &person{patient: patient}
	query := bfd.ClaimQuery{Version: v, Patient: patient.Patient, Since: patient.Since, Known: one.complete() && patient.Known}
	result, err := m.Upstream.Claims(ctx, query, func(raw []byte) error { return one.add(z, raw) })
	one.retries = int64(max(result.Calls-result.Pages, 0))
	switch {
	case err != nil:
		one.err = err
	case result.Short():
		one.err = errShort
	}
	return one
}

// add takes a raw claim of the answer.
func (p *person) add(z *eob.Minimizer, raw []byte) error {
	p.answered = true
	c := feed.OneClaim(z, raw)
	p.report.Bytes += int64(len(raw))
	if c.Fault == nil && c.Patient != p.patient.Patient {
		p.report.Read++
		p.foreign++
		return nil
	}
	// A claim of substance-use treatment removes the version that is stored.
	if kept := p.report.Count(c); kept || c.Fault == nil && c.Part2 {
		p.claims = append(p.claims, ingest.StoreClaim(c))
	}
	if p.size += int64(len(c.JSON)); p.size > maxPersonBytes || len(p.claims) > maxPersonClaims {
		return errTooMany
	}
	return nil
}

// complete tells whether all claims were asked for.
func (p *person) complete() bool { return p.patient.Since.IsZero() }

// unsure tells whether the person has to be asked for again: the answer has no
// claims, and nothing is known of the person yet.
func (p *person) unsure() bool {
	return p.err == nil && !p.answered && p.complete() && !p.patient.Read
}

// read is the person's claims for the store. Stored claims that an answer does not
// have are removed only if each claim of it could be read.
func (p *person) read() store.MirrorRead {
	return store.MirrorRead{Patient: p.patient.Patient, Claims: p.claims, Answered: p.answered,
		Complete: p.complete() && p.answered && p.report.Invalid == 0 && p.foreign == 0}
}
