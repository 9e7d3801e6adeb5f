package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ab2d/client"
	"ab2d/internal/table"
)

// fits tells, before anything is exported, whether what is asked for can be made of the
// runs of the folder. Of those whose NDJSON files were removed, tables cannot be made
// again.
func (c *exportCommand) fits(folder *client.Folder) error {
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return err
		}
		if !run.Removed {
			continue
		}
		if c.Latest {
			return &usageError{fmt.Errorf("--latest: the NDJSON files of %s were removed with --no-ndjson. Leave it out: the views in %s find the newest version of each claim. Or export everything into another folder with -o", name, table.ViewsFile)}
		}
		if c.Format == string(table.NDJSON) {
			continue
		}
		outdated, err := c.outdated(run)
		if err != nil {
			return err
		}
		if outdated {
			return &usageError{fmt.Errorf("--format=%s: %s has no such tables, or those of an earlier release, and its NDJSON files were removed with --no-ndjson. Set the format that it has, or export everything into another folder with -o", c.Format, name)}
		}
	}
	return nil
}

// outdated tells whether tables of a run have to be made: there are none, or they have the
// columns of an earlier release.
func (c *exportCommand) outdated(run *client.Run) (bool, error) {
	info, err := table.ReadInfo(filepath.Join(run.Dir(), c.Format))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err == nil && info.Version > table.Version {
		err = &usageError{fmt.Errorf("the tables of %s are of a later release (version %d, this one knows %d). Update ab2d, or delete the folder %s to have them made again", run.Name, info.Version, table.Version, filepath.Join(run.Dir(), c.Format))}
	}
	return info.Version < table.Version, err
}

// makeTables makes what is made of the claims: tables, the newest versions, and the views
// of both.
func (c *exportCommand) makeTables(ctx context.Context, folder *client.Folder, done *exported, rejects *rejects, view exportView) error {
	tables := c.Format != string(table.NDJSON)
	if tables {
		if err := c.tables(ctx, folder, done, rejects, view); err != nil {
			return err
		}
	}
	if c.Latest {
		if err := c.latest(ctx, folder, done, view); err != nil {
			return err
		}
	}
	if !tables {
		return nil
	}
	if err := table.WriteLookups(folder.Dir(), table.Format(c.Format)); err != nil {
		return err
	}
	sources, err := sources(folder)
	if err != nil {
		return err
	}
	return table.WriteViews(folder.Dir(), table.Views{Format: table.Format(c.Format), Latest: c.Latest, Runs: folder.Runs(), Sources: sources})
}

// tables makes the tables of each run of the folder that has none, or those of an earlier
// release. The lines of this run that cannot be read go to rejects; those of other runs
// were reported when they came.
func (c *exportCommand) tables(ctx context.Context, folder *client.Folder, done *exported, rejects *rejects, view exportView) error {
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return err
		}
		outdated, err := c.outdated(run)
		if err != nil {
			return err
		}
		if !outdated && name != done.run.Name {
			continue
		}
		reject := ignoreRejected
		if name == done.run.Name {
			reject = rejects.add
		}
		counts, err := table.Convert(ctx, run.OutputPaths(), nil, filepath.Join(run.Dir(), c.Format), table.Format(c.Format), view.reading("Making tables", length(run)), reject)
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

// sources are the files of claims of all runs, and of what was deleted, in the order in
// which they came. What a run says is deleted was deleted before what it delivers was
// updated.
func sources(folder *client.Folder) (list []table.Source, err error) {
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return nil, err
		}
		for _, path := range run.DeletedPaths() {
			list = append(list, table.Source{Path: path, Deleted: true})
		}
		for _, path := range run.OutputPaths() {
			list = append(list, table.Source{Path: path})
		}
	}
	return list, nil
}

// latest makes the folder of the newest versions of all runs.
func (c *exportCommand) latest(ctx context.Context, folder *client.Folder, done *exported, view exportView) error {
	sources, err := sources(folder)
	if err != nil {
		return err
	}
	var paths []string
	for _, s := range sources {
		if !s.Deleted {
			paths = append(paths, s.Path)
		}
	}
	total, err := outputLength(folder)
	if err != nil {
		return err
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

// outputLength is how many bytes the claims of all runs have.
func outputLength(folder *client.Folder) (n int64, err error) {
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return 0, err
		}
		n += length(run)
	}
	return n, nil
}

// length is how many bytes the claims of a run have.
func length(run *client.Run) (n int64) {
	for _, f := range run.Files {
		if f.List == "output" {
			n += max(f.Length, 0)
		}
	}
	return n
}

// removeNDJSON removes the NDJSON files of each run whose tables hold what they hold. It
// compares all cells, so that what is removed is not what was only believed to be there.
// The files of runs that also have other resources than claims stay.
func (c *exportCommand) removeNDJSON(ctx context.Context, folder *client.Folder, done *exported, view exportView) error {
	for _, name := range folder.Runs() {
		run, err := folder.Run(name)
		if err != nil {
			return err
		}
		if !run.Removed {
			err := c.check(ctx, run, view)
			if errors.Is(err, table.ErrNotInTables) {
				done.notes = append(done.notes, fmt.Sprintf("The NDJSON files of %s were not removed: they have resources that no table holds, because they are not claims or are longer than 64 MiB.", name))
				continue
			}
			if err != nil {
				return fmt.Errorf("the NDJSON files of %s were not removed: %w.\nDelete its folder %s, and run the same command again", name, err, c.Format)
			}
			done.removed += length(run)
		}
		if err := run.RemoveOutput(ctx); err != nil {
			return err
		}
		if name == done.run.Name {
			done.run.Removed = true
		}
	}
	return nil
}

// check compares the tables of a run with its claims, and puts the lines that cannot be
// read into its rejected.ndjson: an export without tables did not look for all of them.
func (c *exportCommand) check(ctx context.Context, run *client.Run, view exportView) error {
	rejects := newRejects(run.Dir(), run)
	err := table.Check(ctx, run.OutputPaths(), filepath.Join(run.Dir(), c.Format), table.Format(c.Format), view.reading("Checking tables", length(run)), rejects.add)
	if err != nil && !errors.Is(err, table.ErrNotInTables) {
		return err
	}
	_, failed := rejects.finish(ctx)
	return errors.Join(err, failed)
}
