package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ErrDamaged says that a file came whole but is not the one the manifest
// promised: its length, its checksum or its number of lines is another.
var ErrDamaged = errors.New("the file arrived damaged")

// Download fetches one file into a folder and gives its path. It asks for
// gzip, and writes what is inside. The file is complete, checked against the
// manifest as far as that tells, and on disk before it has its name; after a
// fault nothing of it is left. Only the owner may read it.
//
// A broken download begins again, five times at most. A file of the name that
// is already in the folder is not replaced: the error is then fs.ErrExist.
// progress, which may be nil, is told the bytes written so far, uncompressed;
// they go back to zero when the download begins again.
func (c *Client) Download(ctx context.Context, f File, dir string, progress func(bytes int64)) (string, error) {
	name, err := f.Name()
	if err != nil {
		return "", fmt.Errorf("downloading a file: %w", err)
	}
	u, err := c.fileURL(f)
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w", name, err)
	}
	if progress == nil {
		progress = func(int64) {}
	}
	path := filepath.Join(dir, name)
	err = c.persevere(ctx, downloadTries, func() error {
		return c.fetch(ctx, f, u, path, progress)
	}, func(error, time.Duration) {})
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w", name, err)
	}
	return path, nil
}

// fileURL is where a file is. One that wants the token must be the server's own.
func (c *Client) fileURL(f File) (*url.URL, error) {
	u, err := c.resolve(f.URL, c.base)
	if err != nil {
		return nil, err
	}
	if f.RequiresAccessToken && !c.own(u) {
		return nil, fmt.Errorf("it wants the token, but is at %s and the API at %s: the token is not sent elsewhere", origin(u), origin(c.base))
	}
	return u, nil
}

// fetch downloads a file once.
func (c *Client) fetch(ctx context.Context, f File, u *url.URL, path string, progress func(int64)) error {
	if err := vacant(path); err != nil {
		return err
	}
	resp, err := c.open(ctx, f, u)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := inflate(resp)
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	err = receive(part, body, f, progress)
	if err := errors.Join(err, part.Close()); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return publish(part.Name(), path)
}

// open asks for a file. It names gzip itself: left to net/http, the body
// would be inflated unseen.
func (c *Client) open(ctx context.Context, f File, u *url.URL) (*http.Response, error) {
	h := header("application/fhir+ndjson")
	h.Set("Accept-Encoding", "gzip")
	resp, err := c.send(ctx, http.MethodGet, u, h, f.RequiresAccessToken)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, c.refusal(resp)
	}
	if err := notPage(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// notPage is an error when a web page comes instead of a file.
func notPage(resp *http.Response) error {
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" {
		return errors.New("the server answered with a web page instead of the file")
	}
	return nil
}

// inflate gives the body without its encoding.
func inflate(resp *http.Response) (io.Reader, error) {
	body := wire{resp.Body}
	switch e := strings.ToLower(resp.Header.Get("Content-Encoding")); e {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, inflating(err)
		}
		return inflater{z}, nil
	default:
		return nil, fmt.Errorf("the server sent the encoding %q, which was not asked for", printable(e, 20))
	}
}

// wire reads a body, and marks its faults as those of the connection.
type wire struct{ r io.Reader }

func (w wire) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		err = &transportError{doing: "receiving the file", err: err}
	}
	return n, err
}

// inflater reads gzip, and marks its faults as damage unless they are the
// connection's.
type inflater struct{ z *gzip.Reader }

func (i inflater) Read(p []byte) (int, error) {
	n, err := i.z.Read(p)
	return n, inflating(err)
}

func inflating(err error) error {
	if err == nil || err == io.EOF || lost(err) {
		return err
	}
	return fmt.Errorf("%w: inflating it: %w", ErrDamaged, err)
}

// receive writes a body to a file, checks it, and has it on disk when it
// returns. No more is written than the manifest told, and one byte.
func receive(to *os.File, body io.Reader, f File, progress func(int64)) error {
	if f.Length >= 0 {
		body = io.LimitReader(body, f.Length+1)
	}
	t := newTally(to, progress)
	if _, err := io.CopyBuffer(t, body, make([]byte, 256<<10)); err != nil {
		return err
	}
	if err := t.check(f); err != nil {
		return err
	}
	return to.Sync()
}

// tally writes through to a file and takes its measures on the way.
type tally struct {
	to       io.Writer
	hash     hash.Hash
	bytes    int64
	lines    int64
	last     byte
	progress func(int64)
}

func newTally(to io.Writer, progress func(int64)) *tally {
	return &tally{to: to, hash: sha256.New(), progress: progress}
}

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	if n > 0 {
		t.hash.Write(p[:n])
		t.bytes += int64(n)
		t.lines += int64(bytes.Count(p[:n], []byte{'\n'}))
		t.last = p[n-1]
		t.progress(t.bytes)
	}
	return n, err
}

// check compares what came with what the manifest told.
func (t *tally) check(f File) error {
	lines := t.lines
	if t.bytes > 0 && t.last != '\n' {
		lines++ // the last line need not be ended
	}
	switch {
	case f.Length >= 0 && t.bytes > f.Length:
		return fmt.Errorf("%w: it is longer than the manifest's %d bytes", ErrDamaged, f.Length)
	case f.Length >= 0 && t.bytes < f.Length:
		return fmt.Errorf("%w: it has %d bytes, the manifest says %d", ErrDamaged, t.bytes, f.Length)
	case f.SHA256 != nil && !bytes.Equal(t.hash.Sum(nil), f.SHA256):
		return fmt.Errorf("%w: its SHA-256 is %x, the manifest says %x", ErrDamaged, t.hash.Sum(nil), f.SHA256)
	case f.Count >= 0 && lines != f.Count:
		return fmt.Errorf("%w: it has %d lines, the manifest says %d", ErrDamaged, lines, f.Count)
	}
	return nil
}

// vacant is an error when a file already has the name.
func vacant(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// publish gives a complete file its name, and has the name on disk when it
// returns: the server may be told next that its copy can go.
func publish(part, path string) error {
	err := vacant(path)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func syncFolder(name string) error {
	if runtime.GOOS == "windows" { // has no way to
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
