package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// insertPatients stores the patients that a new job is limited to.
func insertPatients(ctx context.Context, tx *sql.Tx, j *export.Job) error {
	if j.PatientsHash == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `insert into job_patient (job, patients) values ($1, $2)`, j.ID, encoded(j.Patients)); err != nil {
		return fmt.Errorf("insert the patients of the job: %w", err)
	}
	return nil
}

// Patients gives the patients that a job is limited to, until it was swept.
func (db *DB) Patients(ctx context.Context, id string) ([]coverage.EnrolleeID, error) {
	var stored string
	err := db.read.QueryRowContext(ctx, `select patients from job_patient where job = $1`, id).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var patients []coverage.EnrolleeID
	if err == nil {
		err = json.Unmarshal([]byte(stored), &patients)
	}
	if err != nil {
		return nil, fmt.Errorf("read the patients of job %s: %w", id, err)
	}
	return patients, nil
}

// encodedMembers is export.Part.Members as the table holds it.
func encodedMembers(members []coverage.EnrolleeID) string {
	if members == nil {
		return ""
	}
	return encoded(members)
}

func decodedMembers(stored string) (members []coverage.EnrolleeID, err error) {
	if stored == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(stored), &members)
	return members, err
}

// membersBatch is how many patients are looked for at a time.
const membersBatch = 1000

// Members finds patients in a snapshot, with opt-outs as of now.
func (db *DB) Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error) {
	p, err := parsePin(snapshot)
	if err != nil || p.enrollment == 0 {
		return nil, err
	}
	if err := db.keepsSnapshot(ctx, contract, p); err != nil {
		return nil, err
	}
	var members []coverage.Enrollee
	for batch := range slices.Chunk(patients, membersBatch) {
		found, err := db.queryEnrollees(ctx, `where e.snapshot = $2 and `+storedUnder(v)+` <> 0 and `+storedUnder(v)+db.inIDs+` order by e.enrollee`, encoded(batch), p.enrollment)
		if err != nil {
			return nil, fmt.Errorf("find patients in the enrollment of contract %s: %w", contract, err)
		}
		members = append(members, found...)
	}
	if err := db.markOptOuts(ctx, members); err != nil {
		return nil, fmt.Errorf("find patients in the enrollment of contract %s: %w", contract, err)
	}
	slices.SortFunc(members, func(a, b coverage.Enrollee) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(members, func(a, b coverage.Enrollee) bool { return a.ID == b.ID }), nil
}
