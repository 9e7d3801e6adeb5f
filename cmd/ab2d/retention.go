package main

import (
	"context"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/store"
)

// retentionConfig says how long the database holds what is over. All processes on a
// database have the same settings; where they differ, the shortest time counts.
type retentionConfig struct {
	JobRetention    time.Duration `help:"How long the database holds jobs after they and their files have expired, and expired admin tokens. A sponsor who continues from an older export gets everything again, or a note." default:"400d" placeholder:"DURATION"`
	LedgerRetention time.Duration `help:"How long the database holds the outcomes of the enrollees of such jobs. Those of the export that the next one continues from stay as long as its job." default:"90d" placeholder:"DURATION"`
	ImportRetention time.Duration `help:"How long the database holds the records of imports and mirror passes of which no claims are stored." default:"400d" placeholder:"DURATION"`
	AuditArchive    string        `help:"Directory to which old audit entries are moved, a month at a time. Set it for one process only. The default is none: all entries stay in the database." type:"path" placeholder:"DIR"`
	AuditRetention  time.Duration `help:"How long audit entries stay in the database, if there is a directory for the archive." default:"400d" placeholder:"DURATION"`
}

// complete fills in the defaults where no command line was read.
func (c *retentionConfig) complete() {
	const day = 24 * time.Hour
	if *c == (retentionConfig{}) {
		*c = retentionConfig{JobRetention: 400 * day, LedgerRetention: 90 * day, ImportRetention: 400 * day, AuditRetention: 400 * day}
	}
}

func (c *retentionConfig) validate(f *faults) {
	for flag, d := range map[string]time.Duration{"ledger": c.LedgerRetention, "import": c.ImportRetention, "audit": c.AuditRetention} {
		f.add(d < 24*time.Hour, "--%s-retention=%s: must be a day or more, for example 400d", flag, d)
	}
	f.add(c.JobRetention < c.LedgerRetention, "--job-retention=%s: must not be shorter than --ledger-retention=%s", c.JobRetention, c.LedgerRetention)
}

// retentionEvery is between two removals of what is over.
const retentionEvery = time.Hour

// removeOld removes what is over, until ctx is done.
func (w *workers) removeOld(ctx context.Context, c retentionConfig) {
	look := time.NewTicker(retentionEvery)
	defer look.Stop()
	for {
		w.removeOnce(ctx, &c)
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (w *workers) removeOnce(ctx context.Context, c *retentionConfig) {
	removed, err := w.db.RemoveOld(ctx, store.Retention{Jobs: c.JobRetention, Ledgers: c.LedgerRetention, Imports: c.ImportRetention})
	if removed.Any() {
		w.log.Info("removed what is over", "jobs", removed.Jobs, "ledgers", removed.Ledgers, "arrivals", removed.Arrivals,
			"withdrawals", removed.Withdrawals, "imports", removed.Imports, "mirrorPasses", removed.Passes, "adminTokens", removed.Tokens, "leftovers", removed.Leftovers)
	}
	if err != nil && ctx.Err() == nil {
		w.log.Error("remove what is over", "error", err)
	}
	w.fold(ctx)
	if c.AuditArchive == "" {
		return
	}
	_, err = archiveAudit(audit.With(ctx, &audit.Facts{Actor: "schedule"}), w.db, c.AuditArchive, monthBefore(w.now().Add(-c.AuditRetention)), func(a *audit.Archive) {
		w.log.Info("moved audit entries to an archive", "first", a.First, "last", a.Last, "file", a.File)
	})
	if err != nil && ctx.Err() == nil {
		w.log.Error("archive the audit log", "error", err)
	}
}

// fold folds what imports have written of enrollees into one row each.
func (w *workers) fold(ctx context.Context) {
	n, err := w.db.Fold(ctx, false)
	if n > 0 {
		w.log.Info("folded stored claims", "enrollees", n)
	}
	if err != nil && ctx.Err() == nil {
		w.log.Error("fold stored claims", "error", err)
	}
}

// monthBefore is the beginning of the month of a time, so that there are archives of
// whole months.
func monthBefore(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
