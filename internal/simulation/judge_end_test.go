package simulation_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"ab2d/internal/audit"
	"ab2d/internal/export"
)

// plain gives the inflated bytes of a file by its name.
func (r *reference) plain(name string) ([]byte, bool) {
	stored, ok := r.bytes[name]
	if !ok {
		return nil, false
	}
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, false
	}
	b, err := io.ReadAll(z)
	return b, err == nil
}

// keys are the claims of a job.
func (r *reference) keys() map[string]bool {
	all := map[string]bool{}
	for _, f := range r.files {
		if f.Kind == export.Data {
			b, _ := r.plain(f.Name)
			for _, k := range keysOf(b) {
				all[k] = true
			}
		}
	}
	return all
}

// atEnd checks all that must hold when everybody has come to rest.
func (g *judge) atEnd(ctx context.Context) {
	for _, id := range g.sorted() {
		g.mu.Lock()
		r := g.jobs[id]
		g.mu.Unlock()
		j, err := g.w.db.Job(ctx, id)
		if err != nil {
			g.fail("read job %s: %v", id, err)
			continue
		}
		if !j.State.Ended() {
			g.fail("job %s is still %s", id, j.State)
		}
		g.w.hits.state(g.w, "at the end: job "+string(j.State))
		if j.State == export.Failed {
			g.jobFailed(j)
		}
		if j.State != export.Completed {
			continue
		}
		if r.want == nil {
			g.fail("job %s is completed, and nobody completed it", id)
			continue
		}
		g.compare(ctx, id, r.want)
		files, err := g.w.db.Files(ctx, id)
		if err != nil {
			g.fail("list the files of job %s: %v", id, err)
		}
		g.downloads(ctx, j, files)
	}
	for _, id := range g.finished {
		g.chain(g.jobs[id])
	}
	g.orphans(ctx)
	g.auditLog(ctx)
}

func (g *judge) sorted() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.jobs))
}

// jobFailed: a job fails if the attestation was withdrawn or the enrollment is not
// kept any more; what only fails for a time does not make it fail.
func (g *judge) jobFailed(j *export.Job) {
	switch {
	case bytes.Contains([]byte(j.Reason), []byte("attestation of the contract was withdrawn")):
		g.w.hits.state(g.w, "job failed: attestation")
	case bytes.Contains([]byte(j.Reason), []byte("No enrollee's claims could be read")):
		g.w.hits.state(g.w, "job failed: nothing readable")
	default:
		g.fail("job %s failed: %s", j.ID, j.Reason)
	}
}

// chain checks that a job without _since, and those that it goes on from, have all
// claims that its contract is entitled to.
func (g *judge) chain(r *record) {
	j := r.found
	if j.SinceSource == export.SinceUser {
		return
	}
	entitled, err := g.w.data.entitled(j.Contract, j.Snapshot, j.TransactionTime.UnixMilli())
	if err != nil {
		g.fail("job %s: %v", j.ID, err)
		return
	}
	have := map[string]bool{}
	for at := r; at != nil; at = g.jobs[at.found.Base] {
		if at.want == nil {
			g.fail("job %s goes on from job %s, which was never completed", j.ID, at.job.ID)
			return
		}
		if at != r && !g.received(at) {
			g.fail("job %s goes on from job %s, whose files were not all downloaded", j.ID, at.job.ID)
			return
		}
		maps.Copy(have, at.want.keys())
		if at.found.Base == "" {
			break
		}
	}
	for key, c := range entitled {
		if !have[key] && g.inAll([]string{j.ID}, c) {
			g.fail("job %s and those that it goes on from lack claim %s of enrollee %d", j.ID, key, c.patient)
		}
	}
}

// received tells whether clients have read all claim files of a job.
func (g *judge) received(r *record) bool {
	for _, f := range r.want.files {
		s := g.sent[r.job.ID+"/"+f.Name]
		if f.Kind == export.Data && (s == nil || complete(s.received[1], f.Stored)+complete(s.received[0], f.Length) == 0) {
			return false
		}
	}
	return true
}

// orphans checks that nothing is stored but the files of completed jobs, and of those
// that are to be swept yet.
func (g *judge) orphans(ctx context.Context) {
	kept := map[string]bool{}
	for _, id := range g.sorted() {
		var swept int
		if err := g.w.db.Pools()["read"].QueryRowContext(ctx, `select swept from job where id = $1`, id).Scan(&swept); err != nil {
			g.fail("read whether job %s is swept: %v", id, err)
		}
		if swept == 0 {
			for _, key := range g.w.bucket.keys(id + "/") {
				kept[key] = true
			}
		}
		files, err := g.w.db.Files(ctx, id)
		if err != nil {
			g.fail("list the files of job %s: %v", id, err)
		}
		for _, f := range files {
			kept[f.Key] = true
		}
	}
	for _, key := range g.w.bucket.keys("") {
		if !kept[key] {
			g.fail("%s is stored and belongs to no job", key)
		}
	}
}

// auditLog checks that the audit log is whole, and has an entry for each event.
func (g *judge) auditLog(ctx context.Context) {
	head, err := g.w.db.AuditHead(ctx)
	if err != nil {
		g.fail("read the head of the audit log: %v", err)
		return
	}
	if _, err := audit.Verify(g.w.db.Links(ctx, 0), head); err != nil {
		g.fail("the audit log: %v", err)
	}
	if n, err := g.w.db.Unsealed(ctx); err != nil || n > 0 {
		g.fail("%d entries of the audit log are not chained, %v", n, err)
	}
	count := map[string]int{}
	for l, err := range g.w.db.Links(ctx, 0) {
		var e audit.Entry
		if err == nil {
			err = json.Unmarshal(l.Body, &e)
		}
		if err != nil {
			g.fail("read the audit log: %v", err)
			return
		}
		count[string(e.Event)]++
		count[string(e.Event)+" "+e.Job]++
	}
	for event, n := range g.audit {
		if count[event] != n {
			g.fail("the audit log has %d entries %s, and not %d", count[event], event, n)
		}
	}
	jobs, err := g.w.db.List(ctx, "", 1000)
	if err != nil {
		g.fail("list the jobs: %v", err)
	}
	for _, j := range jobs {
		g.auditJob(j, count)
	}
}

func (g *judge) auditJob(j *export.Job, count map[string]int) {
	id, r := j.ID, g.jobs[j.ID]
	if r == nil {
		r = &record{}
	}
	want := map[audit.Event]int{audit.JobAccepted: 1, audit.JobCompleted: which(r.want != nil), audit.JobCanceled: which(r.deleted),
		audit.JobExpired: which(j.State == export.Expired || r.deleted && count[fmt.Sprint(audit.JobExpired, " ", id)] == 1)}
	if j.State == export.Failed {
		want[audit.JobFailed] = 1
	}
	for event, n := range want {
		if got := count[fmt.Sprint(event, " ", id)]; got != n {
			g.fail("the audit log has %d entries %s of job %s, which is %s, and not %d", got, event, id, j.State, n)
		}
	}
}
