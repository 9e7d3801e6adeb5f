package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"ab2d/client"
	"ab2d/internal/table"
)

// exported is what an export came to.
type exported struct {
	run    *client.Run
	dir    string // of the run
	issues []client.Issue
	tables table.Counts // of this run; nil for ndjson
	// rejected is how many lines of this run cannot be read; they are in its
	// rejected.ndjson.
	rejected int64
	latest   *table.Latest // nil without --latest
	next     time.Time     // where the next export starts; zero at the beginning
	notes    []string
}

// Run exports, or goes on with an export.
func (c *exportCommand) Run(ctx context.Context, s streams) error {
	request, err := c.validate()
	if err != nil {
		return err
	}
	api, folder, err := c.open(ctx)
	if err != nil {
		return c.coded(ctx, err)
	}
	defer folder.Close()
	if c.Cancel {
		return c.cancel(ctx, folder, s)
	}
	view := c.newView(s)
	done, err := c.export(ctx, api, folder, request, view)
	view.end()
	if errors.Is(err, client.ErrNoNewMembers) {
		if !c.Quiet {
			fmt.Fprintln(s.err, "There are no new members: the folder has the history of every patient whom the server lists.")
		}
		return nil
	}
	if err != nil {
		err = c.coded(ctx, err)
		view.failed(err)
		return err
	}
	view.report(done)
	return done.incomplete()
}

// incomplete is the error of an export that ended and misses something.
func (d *exported) incomplete() error {
	for _, i := range d.issues {
		if i.Serious() {
			return &codedError{exitSome, errors.New("the export is complete, but the server reports missing claims")}
		}
	}
	if d.rejected > 0 {
		return &codedError{exitSome, fmt.Errorf("the export is complete, but %s of its files could not be read. See %s, and report it to the server's operator",
			several(d.rejected, "line"), filepath.Join(d.dir, rejectedName))}
	}
	return nil
}

// export does the whole: claims, tables, newest versions.
func (c *exportCommand) export(ctx context.Context, api *client.Client, folder *client.Folder, request client.Request, view exportView) (*exported, error) {
	if err := table.ClearLeft(folder.Dir()); err != nil {
		return nil, err
	}
	since := c.version()
	run, err := folder.Sync(ctx, client.SyncOptions{Request: request, Full: c.Full, NewMembers: c.NewMembers, First: since.first, Floor: since.floor, Parallel: c.Parallel, Event: view.event})
	if err != nil {
		return nil, err
	}
	done := &exported{run: run, dir: run.Dir()}
	if done.issues, err = client.ReadIssues(ctx, run.ErrorPaths()); err != nil {
		return nil, err
	}
	rejects := newRejects(done.dir, run)
	if c.Format != string(table.NDJSON) {
		if err := c.tables(ctx, folder, done, rejects, view); err != nil {
			return nil, err
		}
	}
	if c.Latest {
		if err := c.latest(ctx, folder, done, view); err != nil {
			return nil, err
		}
	}
	if done.rejected, err = rejects.finish(ctx); err != nil {
		return nil, err
	}
	if job := folder.Job(); c.Delete && job.StatusURL != "" {
		if err := api.Delete(ctx, job); err != nil {
			done.notes = append(done.notes, fmt.Sprintf("The server keeps its copy until it expires: %v.", err))
		}
	}
	done.next = folder.Since()
	return done, folder.Finish()
}

// tables makes the tables of each run of the folder that has none. The lines of
// this run that cannot be read go to rejects; those of other runs were reported
// when they came.
func (c *exportCommand) tables(ctx context.Context, folder *client.Folder, done *exported, rejects *rejects, view exportView) error {
	for _, name := range folder.Runs() {
		dir := filepath.Join(folder.Dir(), name, c.Format)
		_, err := os.Stat(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && name != done.run.Name {
			continue
		}
		run, err := folder.Run(name)
		if err != nil {
			return err
		}
		reject := ignoreRejected
		if name == done.run.Name {
			reject = rejects.add
		}
		counts, err := table.Convert(ctx, run.OutputPaths(), nil, dir, table.Format(c.Format), view.reading("Making tables", length(run)), reject)
		if err != nil {
			return fmt.Errorf("write the tables of %s: %w", name, err)
		}
		if name == done.run.Name {
			done.tables = counts
		}
	}
	return nil
}

// ignoreRejected is a table.Reject.
func ignoreRejected(string, int64, string, []byte) {}

// latest makes the folder of the newest versions of all runs.
func (c *exportCommand) latest(ctx context.Context, folder *client.Folder, done *exported, view exportView) error {
	var paths []string
	var sources []table.Source
	var total int64
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return err
		}
		// What a run says is deleted was deleted before what it delivers was
		// updated.
		for _, path := range run.DeletedPaths() {
			sources = append(sources, table.Source{Path: path, Deleted: true})
		}
		for _, path := range run.OutputPaths() {
			sources = append(sources, table.Source{Path: path})
		}
		paths = append(paths, run.OutputPaths()...)
		total += length(run)
	}
	latest, err := table.FindLatest(ctx, sources, folder.Dir(), view.reading("Finding the newest versions", total))
	if err != nil {
		return err
	}
	_, err = table.Convert(ctx, paths, latest.Keep, filepath.Join(folder.Dir(), "latest"), table.Format(c.Format), view.reading("Writing latest", total), ignoreRejected)
	if err != nil {
		return fmt.Errorf("write latest: %w", err)
	}
	done.latest = latest
	return nil
}

// length is how many bytes they have.
func length(run *client.Run) (n int64) {
	for _, f := range run.Files {
		if f.List == "output" {
			n += max(f.Length, 0)
		}
	}
	return n
}

// cancel abandons the unfinished export.
func (c *exportCommand) cancel(ctx context.Context, folder *client.Folder, s streams) error {
	if !folder.Unfinished() {
		fmt.Fprintln(s.out, "There is no unfinished export to cancel.")
		return nil
	}
	if err := folder.Cancel(ctx); err != nil {
		return c.coded(ctx, err)
	}
	fmt.Fprintln(s.out, "The unfinished export was canceled, and its downloaded files were deleted.")
	return nil
}

// coded gives an error its exit code, and says what to do.
func (c *exportCommand) coded(ctx context.Context, err error) error {
	again := func(why string) error {
		return &codedError{exitAgain, fmt.Errorf("%s\nRun the same command again to resume", why)}
	}
	refused := new(client.Error)
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && !c.known():
		return &usageError{fmt.Errorf("%s asks for credentials, and none were given: %s", c.base(), howToSignIn)}
	case errors.Is(err, client.ErrLocked):
		return &codedError{exitLocked, err}
	case errors.Is(err, client.ErrOtherVersion):
		return &usageError{fmt.Errorf("%w.\nChoose another folder with -o: v3 gives claims and enrollees other ids than v1 and v2", err)}
	case errors.Is(err, client.ErrOtherSource):
		return &usageError{fmt.Errorf("%w.\nChoose another folder with -o, or add --rebind if it is the same contract", err)}
	case errors.Is(err, client.ErrUnfinished):
		return &usageError{fmt.Errorf("%w.\nFinish it with the same parameters, or cancel it with --cancel", err)}
	case ctx.Err() != nil:
		return again("stopped")
	case diskFull(err):
		return again(fmt.Sprintf("the disk is full: %v\nMake space", err))
	case errors.Is(err, client.ErrNotThere):
		return &codedError{exitAgain, err}
	case client.Temporary(err):
		return again(err.Error())
	}
	return err
}

// diskFull tells whether there was no space.
func diskFull(err error) bool {
	if runtime.GOOS == "windows" { // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
		return errors.Is(err, syscall.Errno(112)) || errors.Is(err, syscall.Errno(39))
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
