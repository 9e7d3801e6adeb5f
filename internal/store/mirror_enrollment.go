package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// MirrorContract is a contract whose enrollment is read from an upstream server.
type MirrorContract struct {
	Number   string
	Attested coverage.Date // enrollment before this day does not count
	Complete time.Time     // when all months were read last; zero: never
	Failures int           // in a row
}

// MirrorDue says which contracts are due.
type MirrorDue struct {
	Before time.Time     // their enrollment was read before it, or never
	Retry  time.Time     // after a failure, they are to be tried again by then
	Except []string      // these contracts are not
	Lease  time.Duration // how long nobody else takes the contract
}

// LeaseMirrorContract takes an attested contract whose enrollment is to be read.
// export.ErrNoWork when there is none.
func (db *DB) LeaseMirrorContract(ctx context.Context, due MirrorDue) (*MirrorContract, error) {
	var c MirrorContract
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "mirror enrollment"); err != nil {
			return err
		}
		now, complete := millis(db.now()), int64(0)
		err := tx.QueryRowContext(ctx, `select c.number, a.effective, coalesce(m.complete, 0), coalesce(m.failures, 0) from contract c `+lastAttestation+`
			left join mirror_enrollment m on m.contract = c.number
			where a.kind = 'attested' and not c.number`+db.inList+` and coalesce(m.read, 0) < $2 and coalesce(m.lease_until, 0) <= $3
				and coalesce(m.not_before, 0) <= $4 order by c.number limit 1`,
			encoded(append([]string{}, due.Except...)), millis(due.Before), now, millis(due.Retry)).Scan(&c.Number, &c.Attested, &complete, &c.Failures)
		if err != nil {
			return err
		}
		c.Complete = timeOf(complete)
		_, err = tx.ExecContext(ctx, `insert into mirror_enrollment (contract, lease_until) values ($1, $2)
			on conflict (contract) do update set lease_until = excluded.lease_until`, c.Number, now+due.Lease.Milliseconds())
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoWork
	}
	if err != nil {
		return nil, fmt.Errorf("find a contract whose enrollment is to be read: %w", err)
	}
	return &c, nil
}

// FinishMirrorContract says that the enrollment of a contract has been read: as of a
// time, and in all months if complete.
func (db *DB) FinishMirrorContract(ctx context.Context, number string, at time.Time, complete bool) error {
	return db.exec(ctx, `update mirror_enrollment set read = $2, complete = case when $3 = 1 then $2 else complete end,
		lease_until = 0, not_before = 0, failures = 0, fault = '' where contract = $1`, number, millis(at), bit(complete))
}

// FailMirrorContract says that the enrollment of a contract could not be read, and
// when to try again. An empty fault is none: the reader stops.
func (db *DB) FailMirrorContract(ctx context.Context, number, fault string, notBefore time.Time) error {
	return db.exec(ctx, `update mirror_enrollment set lease_until = 0, not_before = $2, fault = $3, failures = failures + $4 where contract = $1`,
		number, millis(notBefore), fault, bit(fault != ""))
}

func (db *DB) exec(ctx context.Context, statement string, args ...any) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
}

// CurrentEnrollment reads the whole current enrollment of a contract, in ascending
// order of id.
func (db *DB) CurrentEnrollment(ctx context.Context, contract string) ([]coverage.Enrollee, error) {
	snapshot, err := db.Snapshot(ctx, contract)
	if err != nil {
		return nil, err
	}
	p, err := parsePin(snapshot)
	if err != nil || p.enrollment == 0 {
		return nil, err
	}
	var all []coverage.Enrollee
	for from := minEnrollee; ; from = all[len(all)-1].ID + 1 {
		page, err := db.queryEnrollees(ctx, `where e.snapshot = $1 and e.enrollee >= $2 order by e.enrollee limit $3`, p.enrollment, int64(from), enrollmentBatch)
		if err != nil {
			return nil, fmt.Errorf("read the enrollment of contract %s: %w", contract, err)
		}
		all = append(all, page...)
		if len(page) < enrollmentBatch {
			return all, nil
		}
	}
}

// Numbers finds the numbers of version 3 that are known of beneficiaries.
func (db *DB) Numbers(ctx context.Context, ids []coverage.EnrolleeID) (map[coverage.EnrolleeID]coverage.EnrolleeID, error) {
	known := map[coverage.EnrolleeID]coverage.EnrolleeID{}
	for chunk := range slices.Chunk(ids, homesAtOnce) {
		rows, err := db.read.QueryContext(ctx, `select enrollee, patient_v3 from mirror_number where enrollee`+db.inIDs, encoded(chunk))
		if err != nil {
			return nil, fmt.Errorf("find the patients' numbers of version 3: %w", err)
		}
		for rows.Next() {
			var id, number coverage.EnrolleeID
			if err := rows.Scan(&id, &number); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			known[id] = number
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("find the patients' numbers of version 3: %w", err)
		}
	}
	return known, nil
}

// PutNumbers stores numbers of version 3.
func (db *DB) PutNumbers(ctx context.Context, numbers map[coverage.EnrolleeID]coverage.EnrolleeID) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(numbers)) {
			_, err := tx.ExecContext(ctx, `insert into mirror_number (enrollee, patient_v3) values ($1, $2)
				on conflict (enrollee) do update set patient_v3 = excluded.patient_v3`, int64(id), int64(numbers[id]))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the patients' numbers of version 3: %w", err)
	}
	return nil
}

// MirrorFault counts people who could not be read for one reason.
type MirrorFault struct {
	Version int
	Fault   string
	People  int64
	Next    time.Time // the earliest next try
}

// MirrorFaults counts the people who could not be read the last time.
func (db *DB) MirrorFaults(ctx context.Context) ([]MirrorFault, error) {
	rows, err := db.read.QueryContext(ctx, `select version, fault, count(*), min(not_before) from mirror_person where failures > 0
		group by version, fault order by version, fault`)
	if err != nil {
		return nil, fmt.Errorf("count who could not be read: %w", err)
	}
	defer rows.Close()
	list := []MirrorFault{}
	for rows.Next() {
		var f MirrorFault
		var next int64
		if err := rows.Scan(&f.Version, &f.Fault, &f.People, &next); err != nil {
			return nil, fmt.Errorf("count who could not be read: %w", err)
		}
		f.Next = timeOf(next)
		list = append(list, f)
	}
	return list, rows.Err()
}

// MirrorEnrollment is when the enrollment of a contract was read.
type MirrorEnrollment struct {
	Contract string
	Read     time.Time // zero: never
	Failures int       // in a row
	Fault    string
	Next     time.Time // try, after a failure
}

// MirrorEnrollments lists the contracts whose enrollment the mirror reads.
func (db *DB) MirrorEnrollments(ctx context.Context) ([]MirrorEnrollment, error) {
	rows, err := db.read.QueryContext(ctx, `select contract, read, failures, fault, not_before from mirror_enrollment order by contract`)
	if err != nil {
		return nil, fmt.Errorf("list the contracts of the mirror: %w", err)
	}
	defer rows.Close()
	list := []MirrorEnrollment{}
	for rows.Next() {
		var e MirrorEnrollment
		var read, next int64
		if err := rows.Scan(&e.Contract, &read, &e.Failures, &e.Fault, &next); err != nil {
			return nil, fmt.Errorf("list the contracts of the mirror: %w", err)
		}
		e.Read, e.Next = timeOf(read), timeOf(next)
		list = append(list, e)
	}
	return list, rows.Err()
}
