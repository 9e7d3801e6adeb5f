package simulation_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// mutant is a fault that is put into the store or the bucket, to show that the judge
// finds it. The zero mutant is none.
type mutant struct {
	name  string
	seed  uint64 // from which on it is looked for
	store func(mutated) backend
	files func(mutatedBucket) objects
}

// wrap puts the fault in.
func (m mutant) wrap(w *world) (backend, objects) {
	b, o := backend(w.db), objects(w.bucket)
	if m.store != nil {
		b = m.store(mutated{w.db, w})
	}
	if m.files != nil {
		o = m.files(mutatedBucket{w.bucket, w})
	}
	return b, o
}

// mutated is a store of which a mutant changes a method.
type mutated struct {
	*store.DB
	w *world
}

type mutatedBucket struct {
	*bucket
	w *world
}

// sql changes the tables behind the store's back.
func (m mutated) sql(ctx context.Context, statement string, args ...any) error {
	_, err := m.Pools()["write"].ExecContext(ctx, statement, args...)
	return err
}

// insert stores a file that has no number yet.
func (m mutated) insert(ctx context.Context, f *export.File) error {
	return m.sql(ctx, `insert into file (job, key, kind, part, ord, number, name, count, length, stored, sha256, checksums) values ($1, $2, $3, $4, $5, 0, '', $6, $7, $8, $9, $10)`,
		f.Job, f.Key, string(f.Kind), f.Part, f.Order, f.Count, f.Length, f.Stored, f.SHA256, []byte(f.Checksums))
}

// pause lets the process die in the middle of a call.
func (m mutated) pause(ctx context.Context, op string) error {
	p, ok := ctx.Value(callerKey{}).(caller)
	if !ok {
		return nil
	}
	_, err := do(ctx, p, op, of(killBefore, failBefore), func(context.Context) (struct{}, error) { return struct{}{}, nil })
	return err
}

func mutants() []mutant {
	return []mutant{
		{name: "a commit does not check the fence", seed: 315, store: func(m mutated) backend { return noFence{m} }},
		{name: "a commit of a part is two transactions", seed: 3, store: func(m mutated) backend { return splitCommit{m} }},
		{name: "the end of a job is two transactions", seed: 1, store: func(m mutated) backend { return splitFinish{m} }},
		{name: "leases are compared with a clock that is ahead", store: func(m mutated) backend { return clockAhead{m} }},
		{name: "a lost lease can be extended", store: func(m mutated) backend { return revive{m} }},
		{name: "a lost lease that is given back frees another's", seed: 170, store: func(m mutated) backend { return freeAll{m} }},
		{name: "a download is counted twice", store: func(m mutated) backend { return countTwice{m} }},
		{name: "downloads under way are not reserved", store: func(m mutated) backend { return noReserve{m} }},
		{name: "a sweep does not wait for writers", seed: 66, store: func(m mutated) backend { return earlySweep{m} }},
		{name: "a sweep keeps claim files only", store: func(m mutated) backend { return sweepErrors{m} }},
		{name: "a plan is stored with a snapshot that was replaced", seed: 64, store: func(m mutated) backend { return unpinned{m} }},
		{name: "a request is not known again by its key", seed: 13, store: func(m mutated) backend { return noKey{m} }},
		{name: "a default _since goes on from what was not downloaded", seed: 14, store: func(m mutated) backend { return anyBase{m} }},
		{name: "claims that arrived late are forgotten", seed: 1, store: func(m mutated) backend { return noArrivals{m} }},
		{name: "the audit entry of a job is stored after the job", store: func(m mutated) backend { return auditLater{m} }},
		{name: "the attestation is read once", seed: 42, store: func(m mutated) backend { return attestedOnce{m} }},
		{name: "opt-outs are not read", seed: 20, store: func(m mutated) backend { return noOptOuts{m} }},
		{name: "a file is reported as stored before it is", files: func(m mutatedBucket) objects { return eager{m} }},
		{name: "keys of files have no fence", seed: 33, store: func(m mutated) backend { return plainRows{m} }, files: func(m mutatedBucket) objects { return plainKeys{m} }},
	}
}

// mostHistories is within how many histories a mutant has to be found.
const mostHistories = 1000

// TestMutants: each fault that is put into the engine is found. The normal run looks
// at the history that is known to find it, and only searches when that does not.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two histories for each mutant")
	}
	only := os.Getenv("AB2D_SIMULATE_MUTANT")
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if only != "" && !strings.Contains(m.name, only) {
				t.Skip("not asked for")
			}
			for n := range uint64(mostHistories) {
				if r := history(t, m.seed+n, m, nil); len(r.faults) > 0 {
					if base := history(t, r.seed, mutant{}, nil); len(base.faults) > 0 {
						t.Errorf("seed %d fails without the mutant, too: %s", r.seed, base.faults[0])
					}
					t.Logf("found by history %d, seed %d: %s", n+1, r.seed, r.faults[0])
					return
				}
			}
			t.Errorf("not found in %d histories", mostHistories)
		})
	}
}

type noFence struct{ mutated }

func (m noFence) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	err := m.DB.CommitPart(ctx, l, r)
	if !errors.Is(err, export.ErrLeaseLost) {
		return err
	}
	if err := m.sql(ctx, `update part set fence = $3, lease_until = 1 where job = $1 and number = $2 and done = 0`, l.Job, l.Part, l.Fence); err != nil {
		return err
	}
	return m.DB.CommitPart(ctx, l, r)
}

type splitCommit struct{ mutated }

func (m splitCommit) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	if err := m.DB.CommitPart(ctx, l, export.PartResult{Ledger: r.Ledger}); err != nil {
		return err
	}
	if err := m.pause(ctx, "CommitPart, second half"); err != nil {
		return err
	}
	for i := range r.Files {
		if err := m.insert(ctx, &r.Files[i]); err != nil {
			return err
		}
	}
	return nil
}

type splitFinish struct{ mutated }

func (m splitFinish) Finish(ctx context.Context, l export.Lease, files []export.File, totals export.Totals, expires time.Time) error {
	if err := m.DB.Finish(ctx, l, nil, totals, expires); err != nil {
		return err
	}
	if err := m.sql(ctx, `update job set downloaded = 0 where id = $1`, l.Job); err != nil {
		return err
	}
	if err := m.pause(ctx, "Finish, second half"); err != nil {
		return err
	}
	for i := range files {
		f := &files[i]
		if f.Part == 0 { // no part has written it
			if err := m.insert(ctx, f); err != nil {
				return err
			}
		}
		if err := m.sql(ctx, `update file set number = $3, name = $4 where job = $1 and key = $2`, f.Job, f.Key, f.Number, f.Name); err != nil {
			return err
		}
	}
	return nil
}

type clockAhead struct{ mutated }

func (m clockAhead) Lease(ctx context.Context, worker, source string, ttl time.Duration) (*export.Task, error) {
	soon := m.w.now().Add(ttl - time.Second).UnixMilli()
	if err := m.sql(ctx, `update part set lease_until = 0 where done = 0 and lease_until between 1 and $1`, soon); err != nil {
		return nil, err
	}
	return m.DB.Lease(ctx, worker, source, ttl)
}

type revive struct{ mutated }

func (m revive) Extend(ctx context.Context, l export.Lease, ttl time.Duration, progress int64) error {
	err := m.DB.Extend(ctx, l, ttl, progress)
	if errors.Is(err, export.ErrLeaseLost) && l.Step == export.StepPart {
		return m.sql(ctx, `update part set lease_until = $3 where job = $1 and number = $2 and done = 0`, l.Job, l.Part, m.w.now().Add(ttl).UnixMilli())
	}
	return err
}

type freeAll struct{ mutated }

func (m freeAll) Release(ctx context.Context, l export.Lease, f *export.StepFailure) error {
	if l.Step == export.StepPart {
		if err := m.sql(ctx, `update part set lease_until = 0 where job = $1 and number = $2 and fence <> $3`, l.Job, l.Part, l.Fence); err != nil {
			return err
		}
	}
	return m.DB.Release(ctx, l, f)
}

type countTwice struct{ mutated }

func (m countTwice) EndDelivery(ctx context.Context, id string, f *export.File, d export.Delivery) error {
	if err := m.DB.EndDelivery(ctx, id, f, d); err != nil {
		return err
	}
	d.Unrecorded = true
	return m.DB.EndDelivery(ctx, id, f, d)
}

type noReserve struct{ mutated }

func (m noReserve) BeginDelivery(ctx context.Context, f *export.File, d export.Delivery, limit int, _ time.Duration) (string, error) {
	return m.DB.BeginDelivery(ctx, f, d, limit, -time.Second)
}

type earlySweep struct{ mutated }

func (m earlySweep) Lease(ctx context.Context, worker, source string, ttl time.Duration) (*export.Task, error) {
	if err := m.sql(ctx, `update part set lease_until = 0 where job in (select id from job where state not in ('accepted', 'running'))`); err != nil {
		return nil, err
	}
	return m.DB.Lease(ctx, worker, source, ttl)
}

type sweepErrors struct{ mutated }

func (m sweepErrors) Files(ctx context.Context, id string) ([]export.File, error) {
	files, err := m.DB.Files(ctx, id)
	p, _ := ctx.Value(callerKey{}).(caller)
	if p.process == nil || p.api != nil {
		return files, err
	}
	var kept []export.File
	for _, f := range files {
		if f.Kind == export.Data {
			kept = append(kept, f)
		}
	}
	return kept, err
}

type unpinned struct{ mutated }

func (m unpinned) SavePlan(ctx context.Context, l export.Lease, snapshot string, parts []export.Part) error {
	err := m.DB.SavePlan(ctx, l, snapshot, parts)
	if !errors.Is(err, export.ErrNoSnapshot) {
		return err
	}
	j, err := m.Job(ctx, l.Job)
	if err != nil {
		return err
	}
	current, err := m.Snapshot(ctx, j.Contract)
	if err != nil {
		return err
	}
	if err := m.DB.SavePlan(ctx, l, current, parts); err != nil {
		return err
	}
	return m.sql(ctx, `update job set snapshot = $2 where id = $1`, l.Job, snapshot)
}

type noKey struct{ mutated }

func (m noKey) Accept(ctx context.Context, j *export.Job, limit int) error {
	job := *j
	job.Key = ""
	return m.DB.Accept(ctx, &job, limit)
}

type anyBase struct{ mutated }

func (m anyBase) Base(ctx context.Context, contract string, v fhir.Version) (*export.Job, error) {
	list, err := m.List(ctx, contract, 100)
	for _, j := range list {
		if j.Continuous && j.Version == v && j.State == export.Completed {
			return j, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return m.DB.Base(ctx, contract, v)
}

type noArrivals struct{ mutated }

func (noArrivals) Arrived(context.Context, export.Query, string) (map[coverage.EnrolleeID]time.Time, error) {
	return nil, nil
}

type auditLater struct{ mutated }

func (m auditLater) Accept(ctx context.Context, j *export.Job, limit int) error {
	if err := m.DB.Accept(ctx, j, limit); err != nil {
		return err
	}
	if err := m.sql(ctx, `delete from audit_pending where id = (select max(id) from audit_pending)`); err != nil {
		return err
	}
	if err := m.pause(ctx, "Accept, second half"); err != nil {
		return err
	}
	return m.Record(ctx, audit.Entry{Event: audit.JobAccepted, Job: j.ID, Contract: j.Contract, Client: j.Client})
}

type attestedOnce struct{ mutated }

func (m attestedOnce) Contract(_ context.Context, number string) (coverage.Contract, error) {
	return m.w.data.contract(number), nil
}

type noOptOuts struct{ mutated }

func (m noOptOuts) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	page, err := m.DB.Enrollees(ctx, contract, snapshot, from, limit)
	for i := range page {
		page[i].OptedOut = false
	}
	return page, err
}

type eager struct{ mutatedBucket }

func (m eager) put(ctx context.Context, key, mark, upload string, content []byte) error {
	p, _ := ctx.Value(callerKey{}).(caller)
	m.w.at(2*time.Second, "late put of "+key, func() {
		if !p.isDead() {
			_ = m.bucket.put(ctx, key, mark, upload, content) // nobody hears of it
		}
	})
	return nil
}

var fenceOfKey = regexp.MustCompile(`-\d+-(\d+)\.ndjson`)

func withoutFence(key string) string { return fenceOfKey.ReplaceAllString(key, "-$1.ndjson") }

// plainRows and plainKeys are the two halves of a mutant.
type plainRows struct{ mutated }

func (m plainRows) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	for i := range r.Files {
		r.Files[i].Key = withoutFence(r.Files[i].Key)
	}
	return m.DB.CommitPart(ctx, l, r)
}

func (m plainRows) Finish(ctx context.Context, l export.Lease, files []export.File, totals export.Totals, expires time.Time) error {
	for i := range files {
		files[i].Key = withoutFence(files[i].Key)
	}
	return m.DB.Finish(ctx, l, files, totals, expires)
}

type plainKeys struct{ mutatedBucket }

func (m plainKeys) put(ctx context.Context, key, mark, upload string, content []byte) error {
	return m.bucket.put(ctx, withoutFence(key), mark, upload, content)
}
func (m plainKeys) get(key string) ([]byte, bool) { return m.bucket.get(withoutFence(key)) }
func (m plainKeys) remove(key string)             { m.bucket.remove(withoutFence(key)) }
func (m plainKeys) begin(key, upload string)      { m.bucket.begin(withoutFence(key), upload) }
func (m plainKeys) abort(key, upload string)      { m.bucket.abort(withoutFence(key), upload) }
