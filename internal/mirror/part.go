package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ab2d/internal/store"
)

// flushBytes is about how much raw JSON is stored in one transaction.
const flushBytes = 16 << 20

// partReader reads the people of a part. It is used once.
type partReader struct {
	m      *Mirror
	pass   *store.MirrorPass
	part   *store.MirrorPart
	merger *store.Merger
	moved  *atomic.Int64

	reads  []store.MirrorRead
	failed []store.MirrorFailure
	report Report // of what is in reads
}

// confirmations is how often somebody is asked for again who seems to have no claims.
const confirmations = 2

// run reads everybody of the part who has not been read in the pass. Whoever seems to
// have no claims, and is read for the first time, is asked for again after the others.
// The error is one of the whole part; what was read before it is stored.
func (p *partReader) run(ctx context.Context) error {
	people, err := p.m.DB.MirrorPatients(ctx, p.pass, p.part)
	if err != nil {
		return err
	}
	for n := 0; len(people) > 0; n++ {
		if people, err = p.read(ctx, people, n < confirmations); err != nil {
			return err
		}
	}
	return nil
}

// read reads people in parallel, and stores them as they come. It returns those who
// seem to have no claims, if they are to be asked for again.
func (p *partReader) read(ctx context.Context, people []store.MirrorPatient, confirm bool) (again []store.MirrorPatient, err error) {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan *person)
	ended := make(chan error, 1)
	go func() {
		defer close(done)
		ended <- p.readAll(reading, people, done)
	}()
	var failed error
	for one := range done {
		switch {
		case failed != nil: // the readers are ending
		case confirm && one.unsure():
			again = append(again, one.patient)
		default:
			if failed = p.take(ctx, one); failed != nil {
				cancel(failed)
			}
		}
	}
	if failed != nil {
		return nil, failed
	}
	return again, errors.Join(<-ended, p.flush(ctx))
}

// readAll reads people in parallel and sends them to done, until the upstream server
// fails as a whole.
func (p *partReader) readAll(ctx context.Context, people []store.MirrorPatient, done chan<- *person) error {
	todo := make(chan store.MirrorPatient)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(todo)
		for _, one := range people {
			select {
			case todo <- one:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(p.m.Calls, len(people)) {
		g.Go(func() error {
			minimizer := p.m.minimizer(p.pass.Version)
			defer p.m.minimizers[p.pass.Version].Put(minimizer)
			for patient := range todo {
				one := p.m.readPerson(ctx, p.pass.Version, patient, minimizer)
				if one.ofServer() {
					return one.err
				}
				select {
				case done <- one:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// take keeps what was read of a person, and stores it when there is enough.
func (p *partReader) take(ctx context.Context, one *person) error {
	if one.err != nil {
		p.report.Failed++
		p.report.Retries += one.retries
		p.failed = append(p.failed, store.MirrorFailure{Patient: one.patient.Patient, Fault: faultOf(one.err),
			NotBefore: p.m.DB.Now().Add(p.m.pause(one.patient.Failures, maxPersonPause))})
		return nil
	}
	p.report.add(one)
	p.reads = append(p.reads, one.read())
	if p.report.Bytes < flushBytes {
		return nil
	}
	return p.flush(ctx)
}

// flush stores what was read, with those who failed.
func (p *partReader) flush(ctx context.Context) error {
	if len(p.reads)+len(p.failed) == 0 {
		return nil
	}
	var total Report
	err := p.merger.MergeMirror(ctx, p.pass, p.part, p.reads, p.failed, func(before string, merged store.Merged) (string, error) {
		total = Report{}
		if err := json.Unmarshal([]byte(before), &total); err != nil {
			return "", fmt.Errorf("read the report so far: %w", err)
		}
		total.sum(&p.report, merged)
		after, err := json.Marshal(total)
		return string(after), err
	})
	if err != nil {
		return err
	}
	p.reads, p.failed, p.report = p.reads[:0], p.failed[:0], Report{}
	p.moved.Store(p.m.DB.Now().UnixMilli())
	p.m.Progress(p.pass, &total)
	return nil
}
