package admin

import (
	"context"
	"errors"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/rest"
)

// FileMarks are the marks of result files that are damaged.
type FileMarks interface {
	// MarkDamaged marks a file, or with false removes the mark.
	MarkDamaged(ctx context.Context, f *export.File, damaged bool) error
	// CompletedJobs lists the ids of the jobs whose files are stored, in
	// ascending order, at most limit that come after an id.
	CompletedJobs(ctx context.Context, after string, limit int) ([]string, error)
}

// FileState is how a stored file is.
type FileState string

// The states of a stored file that is not good.
const (
	FileDamaged FileState = "damaged" // its bytes are not those that were written
	FileMissing FileState = "missing"
	FileUnread  FileState = "unread" // the file store did not answer
)

// FaultyFile is a result file that is not what was written.
type FaultyFile struct {
	Job   string    `json:"job"`
	Name  string    `json:"name"`
	Key   string    `json:"key"`
	State FileState `json:"state"`
	Error string    `json:"error"`
}

// Verification tells how the stored files are.
type Verification struct {
	Jobs   int          `json:"jobs"`
	Files  int          `json:"files"`
	Bytes  int64        `json:"bytes"` // as stored
	Faulty []FaultyFile `json:"faulty"`
	// Unowned are the keys of stored files that belong to no job of the database,
	// which happens after a restore. They are looked for when all files are verified.
	Unowned []string `json:"unowned"`
}

// maxFaulty bounds the files that a Verification names.
const maxFaulty = 10_000

// VerifyJob reads the stored files of a completed job and checks them against
// what was written. It marks those that are not good, and removes the mark of
// those that are good again.
func (s *Service) VerifyJob(ctx context.Context, job string) (Verification, error) {
	v := Verification{Faulty: []FaultyFile{}, Unowned: []string{}}
	j, err := s.findJob(ctx, job)
	if err != nil {
		return v, err
	}
	if j.State != export.Completed {
		return v, rest.Conflict("The job is %s. Only a completed job has files to verify.", j.State)
	}
	err = s.verifyJob(ctx, j.ID, &v)
	return v, err
}

// VerifyFiles does what VerifyJob does for all completed jobs.
func (s *Service) VerifyFiles(ctx context.Context) (Verification, error) {
	v := Verification{Faulty: []FaultyFile{}, Unowned: []string{}}
	const page = 100
	for after := ""; ; {
		ids, err := s.store.CompletedJobs(ctx, after, page)
		if err != nil {
			return v, err
		}
		for _, id := range ids {
			if err := s.verifyJob(ctx, id, &v); err != nil {
				return v, err
			}
			after = id
		}
		if len(ids) < page {
			return v, s.findUnowned(ctx, &v)
		}
	}
}

// findUnowned finds stored files that no job has. Jobs that are running write files
// before they have them, and the files of other ended jobs are being deleted.
func (s *Service) findUnowned(ctx context.Context, v *Verification) error {
	stored, ok := s.files.(export.StoredJobs)
	if !ok {
		return nil
	}
	ids, err := stored.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		j, err := s.store.Job(ctx, id)
		known := err == nil
		if err != nil && !errors.Is(err, export.ErrNoJob) {
			return err
		}
		if known && j.State != export.Completed {
			continue
		}
		if err := s.findUnownedOf(ctx, stored, id, known, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) findUnownedOf(ctx context.Context, stored export.StoredJobs, id string, known bool, v *Verification) error {
	keys, err := stored.List(ctx, id)
	if err != nil {
		return err
	}
	owned := map[string]bool{}
	if known {
		files, err := s.store.Files(ctx, id)
		if err != nil {
			return err
		}
		for i := range files {
			owned[files[i].Key] = true
		}
	}
	for _, key := range keys {
		if !owned[key] && len(v.Unowned) < maxFaulty {
			v.Unowned = append(v.Unowned, key)
		}
	}
	return nil
}

// verifyJob verifies the files of one job.
func (s *Service) verifyJob(ctx context.Context, id string, v *Verification) error {
	if s.files == nil {
		return rest.Conflict("The file store is not known. Set --files to the file store of the servers.")
	}
	files, err := s.store.Files(ctx, id)
	if err != nil {
		return err
	}
	v.Jobs++
	for i := range files {
		f := &files[i]
		v.Files++
		v.Bytes += f.Stored
		err := export.Verify(ctx, s.files, f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		state := fileState(err)
		if state == FileUnread {
			v.fault(f, state, err)
			continue
		}
		if state != "" {
			if gone, e := s.ended(ctx, id); gone || e != nil {
				return e // the job expired or was deleted meanwhile
			}
			v.fault(f, state, err)
		}
		if err := s.store.MarkDamaged(ctx, f, state != ""); err != nil {
			return err
		}
	}
	return nil
}

// ended tells whether a job's files may be gone rightly.
func (s *Service) ended(ctx context.Context, id string) (bool, error) {
	j, err := s.store.Job(ctx, id)
	if errors.Is(err, export.ErrNoJob) {
		return true, nil
	}
	return err == nil && (j.State != export.Completed || !s.now().Before(j.Expires.Add(-time.Second))), err
}

func fileState(err error) FileState {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, export.ErrNoFile):
		return FileMissing
	case errors.Is(err, export.ErrDamaged):
		return FileDamaged
	}
	return FileUnread
}

func (v *Verification) fault(f *export.File, state FileState, err error) {
	if len(v.Faulty) < maxFaulty {
		v.Faulty = append(v.Faulty, FaultyFile{Job: f.Job, Name: f.Name, Key: f.Key, State: state, Error: err.Error()})
	}
}
