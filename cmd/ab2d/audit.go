package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/store"
)

type auditCommand struct {
	Verify  auditVerifyCommand  `cmd:"" help:"Verify that no audit entry was changed or removed, and print the head of the log."`
	Archive auditArchiveCommand `cmd:"" help:"Move old audit entries to a file, which verifies together with the rest of the log."`
	Export  auditExportCommand  `cmd:"" help:"Write the audit log as NDJSON to standard output, or to syslog."`
}

type auditVerifyCommand struct {
	stateConfig
	Head    string `help:"A head that was printed before, as NUMBER:HASH. The log up to that entry must be unchanged." placeholder:"HEAD"`
	Archive string `help:"Directory of the archives, to verify also the entries that ab2d audit archive moved." type:"path" placeholder:"DIR"`
	File    string `help:"Verify an exported audit log instead of the database's; - for standard input." placeholder:"FILE"`
}

// Run checks the record.
func (c *auditVerifyCommand) Run(ctx context.Context, s streams) error {
	var known audit.Head
	var err error
	if c.Head != "" {
		if known, err = audit.ParseHead(c.Head); err != nil {
			return &usageError{fmt.Errorf("--head: %w", err)}
		}
	}
	head, archived, err := c.verify(ctx, known)
	if err != nil {
		return err
	}
	switch {
	case archived > 0 && c.Archive == "":
		_, err = fmt.Fprintf(s.out, "Audit log verified: %d entries in the database. Entries up to %d are in an archive: verify them with --archive=DIR\nhead  %s\n",
			head.Number-archived, archived, head)
	case archived > 0:
		_, err = fmt.Fprintf(s.out, "Audit log verified: %d entries, %d of them in the archive\nhead  %s\n", head.Number, archived, head)
	default:
		_, err = fmt.Fprintf(s.out, "Audit log verified: %d entries\nhead  %s\n", head.Number, head)
	}
	return err
}

// verify returns the head of the log, and up to which entry it is in archives.
func (c *auditVerifyCommand) verify(ctx context.Context, known audit.Head) (head audit.Head, archived int64, err error) {
	if c.File != "" {
		in := os.Stdin
		if c.File != "-" {
			if in, err = os.Open(c.File); err != nil {
				return head, 0, err
			}
			defer in.Close()
		}
		head, err = audit.Verify(audit.ReadLinks(in), known)
		return head, 0, err
	}
	c.complete()
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return head, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// What the store remembers of the last entry was there before the entries
	// are read: others may be added meanwhile, none may be missing.
	if _, err := db.Seal(ctx); err != nil {
		return head, 0, err
	}
	stored, err := db.AuditHead(ctx)
	if err != nil {
		return head, 0, err
	}
	archives, err := db.AuditArchives(ctx)
	if err != nil {
		return head, 0, err
	}
	log := archivedLog{db: db, archives: archives, dir: c.Archive}
	if known.Number > 0 && known.Number < log.start().Number {
		return head, 0, fmt.Errorf("entry %d is in an archive: give its directory with --archive=DIR", known.Number)
	}
	head, err = log.verify(ctx, stored)
	if err == nil && known.Number > 0 {
		head, err = log.verify(ctx, known)
	}
	return head, log.end().Number, err
}

type auditExportCommand struct {
	stateConfig
	After  int64  `help:"Only entries with a higher number." placeholder:"NUMBER"`
	Follow bool   `help:"Continue with new entries until stopped."`
	Syslog string `help:"Write to syslog with facility authpriv instead of standard output: local, udp://HOST:PORT or tcp://HOST:PORT." placeholder:"ADDRESS"`
}

// followEvery is between two looks for new entries.
const followEvery = time.Second

// Run writes the record. With --follow it never ends by itself.
func (c *auditExportCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out := s.out
	if c.Syslog != "" {
		log, err := openSyslog(c.Syslog)
		if err != nil {
			return fmt.Errorf("--syslog=%w", err)
		}
		defer log.Close()
		out = log
	}
	look := time.NewTicker(followEvery)
	defer look.Stop()
	if archives, err := db.AuditArchives(ctx); err != nil {
		return err
	} else if n := len(archives); n > 0 && archives[n-1].Last > c.After {
		fmt.Fprintf(s.err, "Entries up to %d are in archives, and are left out here\n", archives[n-1].Last)
	}
	for after := c.After; ; {
		if after, err = writeLinks(ctx, out, db, after); err != nil {
			if c.Follow && ctx.Err() != nil {
				return nil
			}
			return err
		}
		if !c.Follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// writeLinks writes the entries after a number, a line each, and gives the
// number of the last.
func writeLinks(ctx context.Context, w io.Writer, db *store.DB, after int64) (int64, error) {
	for link, err := range db.Links(ctx, after) {
		if err != nil {
			return after, err
		}
		line, err := json.Marshal(link)
		var e audit.Entry
		if err = errors.Join(err, json.Unmarshal(link.Body, &e)); err != nil {
			return after, fmt.Errorf("write the entry after %d: %w", after, err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return after, fmt.Errorf("write an entry: %w", err)
		}
		after = e.Number
	}
	return after, nil
}
