package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// operator changes the data while exports run, and repeats each change until it has
// succeeded.
type operator struct {
	w     *world
	next  int
	ended bool
	// What is being done, so that it is the same after the process was killed.
	claims    []store.Claim
	enrollees []coverage.Enrollee
	contract  string
	optOuts   []store.OptOut
}

// run is the operator's process.
func (o *operator) run(p *process) {
	p.goes(func() {
		for o.next < o.w.plan.events {
			name := fmt.Sprintf("event#%d", o.next)
			r := o.w.random(name)
			if o.w.sleep(p.ctx, time.Duration(r.Int64N(int64(12*time.Second)))) != nil {
				return
			}
			if o.w.leftOut(name) {
				o.next++
				continue
			}
			if err := o.change(caller{p, "operator"}, r); err != nil {
				if p.ctx.Err() != nil || errors.Is(err, errOver) {
					return
				}
				continue
			}
			o.w.mu.Lock()
			o.w.fired = append(o.w.fired, name)
			o.w.mu.Unlock()
			o.claims, o.enrollees, o.optOuts = nil, nil, nil
			o.next++
		}
		o.w.mu.Lock()
		o.ended = true
		o.w.mu.Unlock()
	})
}

// change makes one change.
func (o *operator) change(c caller, r *rand.Rand) error {
	what := []string{"load", "load", "load", "enrollment", "opt-out", "attestation", "fold", "fold"}[r.IntN(8)]
	o.contract = contractName(r.IntN(o.w.plan.contracts))
	var err error
	switch what {
	case "load":
		err = o.load(c, r)
	case "fold":
		err = doing(c.ctx, c, "Fold", writes, func(ctx context.Context) error {
			n, err := o.w.db.Fold(ctx, true)
			if n > 0 {
				o.w.mu.Lock()
				o.w.hits.events["folded"]++
				o.w.mu.Unlock()
			}
			return err
		})
	case "enrollment":
		err = o.enroll(c, r)
	case "opt-out":
		err = o.optOut(c, r)
	case "attestation":
		err = o.attest(c, r)
	}
	if err == nil {
		o.w.mu.Lock()
		o.w.hits.events[what]++
		o.w.mu.Unlock()
	}
	return err
}

// load imports claims in batches. An import that was broken off goes on.
func (o *operator) load(c caller, r *rand.Rand) error {
	if o.claims == nil {
		o.claims = o.w.data.some(r)
	}
	claims, digest := o.claims, fmt.Sprint("load ", o.next)
	l, err := do(c.ctx, c, "BeginLoad", writes, func(ctx context.Context) (*store.Load, error) {
		return o.w.db.BeginLoad(ctx, digest, digest, fhir.V2)
	})
	if other := (*store.LoadInProgressError)(nil); errors.As(err, &other) {
		return errors.Join(err, doing(c.ctx, c, "AbandonLoad", writes, func(ctx context.Context) error {
			_, err := o.w.db.AbandonLoad(ctx)
			return err
		}))
	}
	if err != nil {
		return err
	}
	const batches = 2
	for n := l.Position + 1; n <= batches; n++ {
		batch := *l
		if err := doing(c.ctx, c, "Merge", writes, func(ctx context.Context) error {
			half := claims[:len(claims)/2]
			if n == batches {
				half = claims[len(claims)/2:]
			}
			m, err := o.w.db.NewMerger(&batch)
			if err != nil {
				return err
			}
			_, err = m.Merge(ctx, slices.Clone(half), n, n, func(store.Merged) string { return "{}" })
			return err
		}); err != nil {
			return err
		}
		l.Position = n
	}
	return doing(c.ctx, c, "Publish", writes, func(ctx context.Context) error { return o.w.data.publish(ctx, l, claims) })
}

// enroll changes a contract's enrollment: some leave, some come, some have other
// months or another identifier.
func (o *operator) enroll(c caller, r *rand.Rand) error {
	if o.enrollees == nil {
		o.w.data.mu.Lock()
		had := slices.Clone(o.w.data.current[o.contract])
		o.w.data.mu.Unlock()
		seen := map[coverage.EnrolleeID]bool{}
		for _, e := range had {
			seen[e.ID] = true
			switch r.IntN(6) {
			case 0: // leaves
			case 1:
				o.enrollees = append(o.enrollees, o.w.data.enrollee(r, e.ID))
			default:
				o.enrollees = append(o.enrollees, e)
			}
		}
		var i int
		fmt.Sscanf(o.contract, "Z%d", &i)
		for k := range o.w.plan.enrollees + 2 {
			if id := coverage.EnrolleeID(1000*(i+1) + k + 1); !seen[id] && r.IntN(2) == 0 {
				o.enrollees = append(o.enrollees, o.w.data.enrollee(r, id))
			}
		}
		slices.SortFunc(o.enrollees, func(a, b coverage.Enrollee) int { return int(a.ID - b.ID) })
	}
	list, contract := o.enrollees, o.contract
	return doing(c.ctx, c, "PutEnrollment", writes, func(ctx context.Context) error { return o.w.data.putEnrollment(ctx, contract, list) })
}

// optOut stores what some people say of sharing their claims.
func (o *operator) optOut(c caller, r *rand.Rand) error {
	o.w.data.mu.Lock()
	had := slices.Clone(o.w.data.current[o.contract])
	o.w.data.mu.Unlock()
	if o.optOuts == nil {
		for _, e := range had {
			if r.IntN(3) == 0 && len(e.MBIs) > 0 {
				o.optOuts = append(o.optOuts, store.OptOut{MBI: e.MBIs[0], Share: r.IntN(2) == 0, Effective: coverage.DateOf(2025, time.January, 1) + coverage.Date(o.next)})
			}
		}
	}
	list := o.optOuts
	return doing(c.ctx, c, "PutOptOuts", writes, func(ctx context.Context) error {
		_, err := o.w.db.PutOptOuts(ctx, list)
		if err == nil {
			o.w.data.noteOptOuts(list)
		}
		return err
	})
}

// attest withdraws a contract's attestation, and gives it back some time later.
func (o *operator) attest(c caller, r *rand.Rand) error {
	contract, d := o.w.data.contract(o.contract), o.w.data
	put := func(attested bool) error {
		contract := contract
		contract.HasAttested = attested
		return doing(c.ctx, c, "PutContracts", writes, func(ctx context.Context) error {
			err := o.w.db.PutContracts(ctx, []coverage.Contract{contract}, true)
			if err == nil {
				d.attested(contract.Number, attested)
			}
			return err
		})
	}
	if err := put(false); err != nil {
		return err
	}
	if err := o.w.sleep(c.ctx, time.Duration(r.Int64N(int64(30*time.Second)))); err != nil {
		return err
	}
	return put(true)
}

// attested notes that a contract has its attestation, or since when not.
func (d *data) attested(contract string, attested bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, withdrawn := d.withdrawn[contract]
	switch {
	case attested:
		delete(d.withdrawn, contract)
	case !withdrawn:
		d.withdrawn[contract] = d.w.now()
	}
}

func (d *data) withdrawnSince(contract string) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.withdrawn[contract]
	return t, ok
}

// noteOptOuts notes what people said last.
func (d *data) noteOptOuts(list []store.OptOut) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range list {
		if had, ok := d.optOuts[o.MBI]; !ok || had.Effective <= o.Effective {
			d.optOuts[o.MBI] = o
		}
	}
}

func (d *data) isOptedOut(e *coverage.Enrollee) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range e.MBIs {
		if o, ok := d.optOuts[m]; ok && !o.Share {
			return true
		}
	}
	return false
}
