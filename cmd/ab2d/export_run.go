package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	removed  int64         // bytes of NDJSON that were removed
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
	if err := c.fits(folder); err != nil {
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
	if err := c.makeTables(ctx, folder, done, rejects, view); err != nil {
		return nil, err
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
	if err := folder.Finish(); err != nil || !c.NoNDJSON {
		return done, err
	}
	return done, c.removeNDJSON(ctx, folder, done, view)
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
