package export

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// MaxPatients is how many patients one export can be limited to.
const MaxPatients = 10_000

// nobody is the Job.PatientsHash of a job without patients.
const nobody = "nobody"

// UnknownPatientsError says that some of the patients that an export is asked for
// are not enrolled in the contract. Whether they are enrolled in another one, or
// exist at all, is not known here.
type UnknownPatientsError struct {
	Patients []coverage.EnrolleeID // in ascending order, 1 or more
}

// Error says how many there are. It names none: their numbers are not for a log.
func (e *UnknownPatientsError) Error() string {
	return fmt.Sprintf("%d of the patients are not enrolled in the contract", len(e.Patients))
}

// PatientOf is the number under which the claims of a version have an enrollee; 0
// when it is not known.
func PatientOf(v fhir.Version, e *coverage.Enrollee) coverage.EnrolleeID {
	if v == fhir.V3 {
		return e.PatientV3
	}
	return e.ID
}

// sortedPatients are the patients in ascending order, each once.
func sortedPatients(patients []coverage.EnrolleeID) []coverage.EnrolleeID {
	sorted := slices.Clone(patients)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// hashPatients is Job.PatientsHash.
func hashPatients(sorted []coverage.EnrolleeID) string {
	if len(sorted) == 0 {
		return ""
	}
	h := sha256.New()
	var b [8]byte
	for _, p := range sorted {
		binary.BigEndian.PutUint64(b[:], uint64(p))
		h.Write(b[:]) // never fails
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// checkPatients finds out whether all of the patients are enrolled now. It returns
// an *UnknownPatientsError if not.
func (in *Intake) checkPatients(ctx context.Context, contract string, v fhir.Version, patients []coverage.EnrolleeID) error {
	snapshot, err := in.Roster.Snapshot(ctx, contract)
	if err != nil {
		return fmt.Errorf("take a snapshot of the enrollment of %s: %w", contract, err)
	}
	members, err := in.Roster.Members(ctx, contract, snapshot, v, patients)
	if err != nil {
		return fmt.Errorf("find patients in the enrollment of %s: %w", contract, err)
	}
	if unknown := notAmong(patients, members, v); len(unknown) > 0 {
		return &UnknownPatientsError{Patients: unknown}
	}
	return nil
}

// Patients gives the patients of a contract whose claims can be exported, by enrollee
// from an id on: of limit enrollees those who share their claims and have an
// identifier. next is where the next page begins; more tells whether there is one.
func (in *Intake) Patients(ctx context.Context, contract string, v fhir.Version, from coverage.EnrolleeID, limit int) (patients []coverage.EnrolleeID, next coverage.EnrolleeID, more bool, err error) {
	snapshot, err := in.Roster.Snapshot(ctx, contract)
	if err != nil {
		return nil, 0, false, fmt.Errorf("take a snapshot of the enrollment of %s: %w", contract, err)
	}
	page, err := in.Roster.Enrollees(ctx, contract, snapshot, from, limit)
	if err != nil {
		return nil, 0, false, fmt.Errorf("read the enrollment of %s: %w", contract, err)
	}
	for i := range page {
		e := &page[i]
		if patient := PatientOf(v, e); !e.OptedOut && len(e.MBIs) > 0 && patient != 0 {
			patients = append(patients, patient)
		}
		next = e.ID + 1
	}
	return patients, next, len(page) == limit, nil
}

// FirstPatient is the id from which Intake.Patients gives all.
const FirstPatient = coverage.EnrolleeID(minEnrollee)

// notAmong gives the patients that are none of the members.
func notAmong(patients []coverage.EnrolleeID, members []coverage.Enrollee, v fhir.Version) []coverage.EnrolleeID {
	found := make(map[coverage.EnrolleeID]bool, len(members))
	for i := range members {
		found[PatientOf(v, &members[i])] = true
	}
	var unknown []coverage.EnrolleeID
	for _, p := range patients {
		if !found[p] {
			unknown = append(unknown, p)
		}
	}
	return unknown
}

// planPatients cuts the patients that the job is limited to into parts.
func (w *Worker) planPatients(ctx context.Context, j *Job, snapshot string, size int) ([]Part, error) {
	members, _, err := w.patients(ctx, j, snapshot)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for chunk := range slices.Chunk(members, size) {
		p := Part{Number: len(parts) + 1, First: chunk[0].ID, Last: chunk[len(chunk)-1].ID, Enrollees: int64(len(chunk))}
		for i := range chunk {
			p.Members = append(p.Members, PatientOf(j.Version, &chunk[i]))
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// patients finds the enrollees that the job is limited to, and the patients who are
// not enrolled.
func (w *Worker) patients(ctx context.Context, j *Job, snapshot string) (members []coverage.Enrollee, unknown []coverage.EnrolleeID, err error) {
	asked, err := w.Jobs.Patients(ctx, j.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the patients of the job: %w", err)
	}
	members, err = w.Roster.Members(ctx, j.Contract, snapshot, j.Version, asked)
	if err != nil {
		return nil, nil, fmt.Errorf("find patients in the enrollment of %s: %w", j.Contract, err)
	}
	return members, notAmong(asked, members, j.Version), nil
}

// nameUnknown writes into the error file which of the patients that the job is
// limited to are not enrolled.
func (w *Worker) nameUnknown(ctx context.Context, t *Task, errs *output) error {
	if t.Job.PatientsHash == "" {
		return nil
	}
	_, unknown, err := w.patients(ctx, &t.Job, t.Job.Snapshot)
	if err != nil {
		return err
	}
	for _, p := range unknown {
		if err := errs.outcome(UnknownPatient(p, t.Job.Contract)); err != nil {
			return err
		}
	}
	return nil
}

// UnknownPatient tells a sponsor that a patient is none of the contract. It is the
// same for a patient of another contract and for one that nobody has.
func UnknownPatient(p coverage.EnrolleeID, contract string) fhir.Issue {
	return fhir.ErrorIssue(fhir.CodeNotFound, fmt.Sprintf("Patient/%d is not an enrollee of contract %s, so there are no claims of this patient. "+
		"Leave the patient out, or compare the number with your enrollment.", p, contract))
}
