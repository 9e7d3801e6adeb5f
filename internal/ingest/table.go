package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/feed"
	"ab2d/internal/store"
)

// File is a file of contracts, enrollment or opt-outs that was read and checked.
type File struct {
	kind   string
	name   string
	digest [sha256.Size]byte
	put    func(context.Context, *store.DB) (counts string, err error)
}

// newFile reads r to its end with read, and returns a File that put stores.
func newFile[T any](r io.Reader, kind, name string, read func(io.Reader) (T, error), put func(context.Context, *store.DB, T) (string, error)) (*File, error) {
	sum := sha256.New()
	rows, err := read(io.TeeReader(r, sum))
	if err != nil {
		return nil, err
	}
	return &File{kind: kind, name: name, digest: [sha256.Size]byte(sum.Sum(nil)),
		put: func(ctx context.Context, db *store.DB) (string, error) { return put(ctx, db, rows) }}, nil
}

// Check finds faults that only show in the file as a whole, and reports what Store
// would store.
func (f *File) Check(ctx context.Context) error {
	_, err := f.put(ctx, nil)
	return err
}

// Store stores the file. Storing the same file again changes nothing.
func (f *File) Store(ctx context.Context, db *store.DB) error {
	detail := fmt.Sprintf("%s from %s, SHA-256 %x", f.kind, f.name, f.digest)
	if err := db.Record(ctx, audit.Entry{Event: audit.ImportBegan, Detail: detail}); err != nil {
		return err
	}
	counts, err := f.put(ctx, db)
	if err != nil {
		return err
	}
	return db.Record(ctx, audit.Entry{Event: audit.ImportEnded, Detail: detail + ": " + counts})
}

// ContractsReport counts the contracts of a file.
type ContractsReport struct {
	Contracts, Attested int
}

// String is the report in one line.
func (r ContractsReport) String() string {
	return fmt.Sprintf("%s, %d attested", english.Plural(r.Contracts, "contract", ""), r.Attested)
}

// ReadContracts reads a file of contracts. Its Store returns a
// *store.AttestationLossError if the file takes an attestation away, unless force
// is set. It calls report when the contracts are stored or checked.
func ReadContracts(r io.Reader, name string, force bool, report func(ContractsReport)) (*File, error) {
	return newFile(r, "contracts", name, feed.ReadContracts, func(ctx context.Context, db *store.DB, list []coverage.Contract) (string, error) {
		if len(list) == 0 {
			return "", errors.New("the file has no contracts; nothing was imported")
		}
		counts := ContractsReport{Contracts: len(list)}
		for _, one := range list {
			if one.HasAttested {
				counts.Attested++
			}
		}
		if db != nil {
			if err := db.ImportContracts(ctx, list, force); err != nil {
				return "", err
			}
		}
		report(counts)
		return counts.String(), nil
	})
}

// EnrollmentReport counts the enrollees of one contract of a file.
type EnrollmentReport struct {
	Contract   string
	Enrollees  int
	WithoutMBI int  // cannot be delivered
	Open       int  // are enrolled without an end
	Stored     bool // false when the file is only checked
	Unchanged  bool // the same enrollment was stored before
	Before     int  // enrollees that the contract had
	Refreshed  int  // enrollees whose stored claims have other identifiers now
}

// ReadEnrollment reads a file of enrollment. Each contract in it is stored by
// itself: one that fails does not hold up the others. The errors of Store hold a
// *store.ShrinkError for a contract that would lose a fifth of its enrollees, unless
// force is set. It calls report for every contract that is stored or checked, in the
// order of their numbers.
func ReadEnrollment(r io.Reader, name string, force bool, report func(EnrollmentReport)) (*File, error) {
	return newFile(r, "enrollment", name, feed.ReadEnrollment, func(ctx context.Context, db *store.DB, all map[string][]coverage.Enrollee) (string, error) {
		if len(all) == 0 {
			return "", errors.New("the file has no enrollees; nothing was imported")
		}
		var failed []error
		var counts []string
		for _, contract := range slices.Sorted(maps.Keys(all)) {
			one, err := StoreEnrollment(ctx, db, contract, all[contract], force)
			if err == nil || one.Stored {
				report(one)
			}
			if err != nil {
				failed = append(failed, err)
				continue
			}
			counts = append(counts, fmt.Sprintf("%s %s", contract, english.Plural(one.Enrollees, "enrollee", "")))
		}
		return strings.Join(counts, ", "), errors.Join(failed...)
	})
}

// StoreEnrollment stores the enrollment of one contract, in ascending order of id, in
// place of the one before. Without a db it only counts. The error is
// *store.ShrinkError, wrapped, if the contract would lose a fifth of its enrollees,
// unless force is set.
func StoreEnrollment(ctx context.Context, db *store.DB, contract string, enrollees []coverage.Enrollee, force bool) (EnrollmentReport, error) {
	r := EnrollmentReport{Contract: contract, Enrollees: len(enrollees)}
	for _, e := range enrollees {
		if len(e.MBIs) == 0 {
			r.WithoutMBI++
		}
		if e.Months.Has(coverage.LastMonth) {
			r.Open++
		}
	}
	if db == nil {
		return r, nil
	}
	done, err := db.PutEnrollment(ctx, contract, enrollees, force)
	if err != nil {
		return r, err
	}
	r.Stored, r.Unchanged, r.Before = true, done.Unchanged, int(done.Before)
	r.Refreshed, err = db.RefreshMBIs(ctx, contract)
	return r, err
}

// OptOutsReport counts the data sharing preferences of a file.
type OptOutsReport struct {
	Persons, Share int
	Changed        int // that were not stored like this before
	Older          int // not changed, because a later preference is stored
}

// String is the report in one line.
func (r OptOutsReport) String() string {
	older := ""
	if r.Older > 0 {
		older = fmt.Sprintf("; %d not changed, because a later preference is known", r.Older)
	}
	return fmt.Sprintf("%s: %d do not share, %d share; %d changed%s", english.Plural(r.Persons, "person", ""), r.Persons-r.Share, r.Share, r.Changed, older)
}

// ReadOptOuts reads a file of data sharing preferences. now decides which of them are
// in effect.
func ReadOptOuts(r io.Reader, name string, now time.Time, report func(OptOutsReport)) (*File, error) {
	read := func(r io.Reader) ([]feed.OptOut, error) {
		return feed.ReadOptOuts(r, coverage.DateOf(now.UTC().Date()))
	}
	return newFile(r, "opt-outs", name, read, func(ctx context.Context, db *store.DB, list []feed.OptOut) (string, error) {
		counts := OptOutsReport{Persons: len(list)}
		rows := make([]store.OptOut, 0, len(list))
		for _, o := range list {
			if o.Share {
				counts.Share++
			}
			rows = append(rows, store.OptOut(o))
		}
		if db != nil {
			sum, err := db.PutOptOuts(ctx, rows)
			if err != nil {
				return "", err
			}
			counts.Changed, counts.Older = int(sum.Changed), int(sum.Older)
		}
		report(counts)
		return counts.String(), nil
	})
}
