package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/store"
)

type auditArchiveCommand struct {
	stateConfig
	Dir       string        `arg:"" help:"Directory of the archives, which is created if needed." type:"path"`
	OlderThan time.Duration `help:"Move entries that are older than this." default:"400d" placeholder:"DURATION"`
}

// Run moves old entries to files, until none are left.
func (c *auditArchiveCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n, err := archiveAudit(asOperator(ctx), db, c.Dir, db.Now().Add(-c.OlderThan), func(a *audit.Archive) {
		fmt.Fprintf(s.out, "Entries %d to %d were moved to %s\n", a.First, a.Last, filepath.Join(c.Dir, a.File))
	})
	if err == nil && n == 0 {
		fmt.Fprintf(s.out, "No entry is older than %s\n", c.OlderThan)
	}
	return err
}

// archiveAudit moves the entries from before a time to files, and counts these.
func archiveAudit(ctx context.Context, db *store.DB, dir string, before time.Time, tell func(*audit.Archive)) (int, error) {
	for n := 0; ; n++ {
		a, err := db.ArchiveAudit(ctx, dir, before)
		if err != nil || a == nil {
			return n, err
		}
		tell(a)
	}
}

// archivedLog is the audit log of a database with its archives.
type archivedLog struct {
	db       *store.DB
	archives []audit.Archive
	dir      string // of the archives; empty: they are not read
}

// end is the head of the last archive.
func (l *archivedLog) end() audit.Head {
	if n := len(l.archives); n > 0 {
		return l.archives[n-1].Head()
	}
	return audit.Head{}
}

// start is what the first entry that is read continues.
func (l *archivedLog) start() audit.Head {
	if l.dir != "" {
		return audit.Head{}
	}
	return l.end()
}

// verify reads the log. That entries were moved must be an entry of the log itself.
func (l *archivedLog) verify(ctx context.Context, known audit.Head) (audit.Head, error) {
	confirmed := len(l.archives) == 0
	head, err := audit.VerifyFrom(l.start(), l.links(ctx, &confirmed), known)
	if err == nil && !confirmed {
		err = &audit.Broken{Number: l.end().Number, Reason: "it and all before are missing, and no later entry says that they were moved to an archive"}
	}
	return head, err
}

func (l *archivedLog) links(ctx context.Context, confirmed *bool) iter.Seq2[audit.Link, error] {
	return func(yield func(audit.Link, error) bool) {
		if l.dir != "" {
			for i := range l.archives {
				for link, err := range l.archives[i].Read(l.dir) {
					if !yield(link, err) || err != nil {
						return
					}
				}
			}
		}
		for link, err := range l.db.Links(ctx, l.end().Number) {
			body := string(link.Body)
			*confirmed = *confirmed || strings.Contains(body, string(audit.AuditArchived)) && strings.Contains(body, "head "+l.end().String())
			if !yield(link, err) || err != nil {
				return
			}
		}
	}
}
