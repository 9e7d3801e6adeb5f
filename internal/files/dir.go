package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// unfinished ends the name of a file that has not been committed.
const unfinished = ".unfinished"

// Dir keeps result files in a directory: job/name. Only this user can read
// them. A file is written under another name, synced, renamed, and its folder
// synced, so that it is either there whole or not at all.
type Dir struct {
	path string
}

// OpenDir opens a directory, and makes it if it is not there.
func OpenDir(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for result files: %w", err)
	}
	return &Dir{path: dir}, nil
}

// file gives the path of a key.
func (d *Dir) file(key string) (string, error) {
	job, name, err := splitKey(key)
	if err != nil {
		return "", err
	}
	return filepath.Join(d.path, job, name), nil
}

// Create starts a file.
func (d *Dir) Create(_ context.Context, key string) (export.FileWriter, error) {
	p, err := d.file(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", key, err)
	}
	f, err := os.OpenFile(p+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", key, err)
	}
	return &dirWriter{File: f, path: p}, nil
}

type dirWriter struct {
	*os.File
	path string
	done bool
}

// Commit makes the file durable and visible.
func (w *dirWriter) Commit() error {
	if w.done {
		return errors.New("commit a file that is closed")
	}
	w.done = true
	err := w.Sync()
	if e := w.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(w.path+unfinished, w.path)
	}
	if err != nil {
		os.Remove(w.path + unfinished)
		return fmt.Errorf("store a file: %w", err)
	}
	return syncDirs(filepath.Dir(w.path))
}

// Abort throws the file away.
func (w *dirWriter) Abort() {
	if !w.done {
		w.done = true
		w.Close()
		os.Remove(w.path + unfinished)
	}
}

// syncDirs makes the names in a job's folder durable, and the folder's own.
func syncDirs(folder string) error {
	for _, p := range []string{folder, filepath.Dir(folder)} {
		d, err := os.Open(p)
		if err != nil {
			return fmt.Errorf("sync a folder: %w", err)
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return fmt.Errorf("sync a folder: %w", err)
		}
	}
	return nil
}

// Open reads a file from its start.
func (d *Dir) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	p, err := d.file(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, export.ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	return f, nil
}

// List gives the keys of a job's files, also of unfinished ones.
func (d *Dir) List(_ context.Context, job string) ([]string, error) {
	if !plain(job) {
		return nil, fmt.Errorf("job %q is not a name", job)
	}
	entries, err := os.ReadDir(filepath.Join(d.path, job))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", job, err)
	}
	var keys []string
	for _, e := range entries {
		key := path.Join(job, strings.TrimSuffix(e.Name(), unfinished))
		if len(keys) == 0 || keys[len(keys)-1] != key { // entries are sorted
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Jobs gives the jobs of which anything is stored.
func (d *Dir) Jobs(context.Context) ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("list the jobs that have files: %w", err)
	}
	var jobs []string
	for _, e := range entries {
		if e.IsDir() && plain(e.Name()) {
			jobs = append(jobs, e.Name())
		}
	}
	return jobs, nil
}

// Remove deletes a file, and its folder with the last one.
func (d *Dir) Remove(_ context.Context, key string) error {
	p, err := d.file(key)
	if err != nil {
		return err
	}
	for _, name := range []string{p, p + unfinished} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", key, err)
		}
	}
	os.Remove(filepath.Dir(p)) // refuses while there are others
	return nil
}

// pingBytes is what Ping writes: a full disk may still have room for a name.
const pingBytes = 4096

// Ping tells whether files can be stored.
func (d *Dir) Ping(context.Context) error {
	if err := obs.CheckSpace(d.path); err != nil {
		return fmt.Errorf("the disk of the result files: %w", err)
	}
	f, err := os.CreateTemp(d.path, ".ping")
	if err != nil {
		return fmt.Errorf("the folder for result files cannot be written: %w", err)
	}
	if _, err := f.Write(make([]byte, pingBytes)); err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("the folder for result files cannot be written: %w", err)
	}
	f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("the folder for result files cannot be written: %w", err)
	}
	return nil
}
