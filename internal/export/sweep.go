package export

import (
	"context"
	"fmt"

	"ab2d/internal/obs"
)

// sweep deletes what is stored for an ended job and is none of its files. A
// job that was canceled, has failed or has expired has no files.
func (w *Worker) sweep(ctx context.Context, t *Task) error {
	files, err := w.Jobs.Files(ctx, t.Job.ID)
	if err != nil {
		return fmt.Errorf("list the files of the job: %w", err)
	}
	kept := make(map[string]bool, len(files))
	for _, f := range files {
		kept[f.Key] = true
	}
	keys, err := w.Files.List(ctx, t.Job.ID)
	if err != nil {
		return fmt.Errorf("list what is stored for the job: %w", err)
	}
	removed := 0
	for _, key := range keys {
		if kept[key] {
			continue
		}
		if err := w.Files.Remove(ctx, key); err != nil {
			return fmt.Errorf("remove %s: %w", key, err)
		}
		removed++
		obs.CrashPoint("sweeping")
	}
	if err := w.Queue.Swept(ctx, t.Lease); err != nil {
		return fmt.Errorf("note that the job is swept: %w", err)
	}
	if removed > 0 {
		w.Log.InfoContext(ctx, "files deleted", "job", t.Job.ID, "state", string(t.Job.State), "files", removed)
	}
	return nil
}
