package client

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
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
	if f.RequiresAccessToken && !c.trusted(u) {
		return nil, fmt.Errorf("it wants the token, but is at %s and the API at %s: the token is not sent elsewhere; if that host is to have it, allow it (--allow-host=%s)",
			origin(u), origin(c.base), u.Host)
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
	body, err := inflate(resp, c.maxWire(f))
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	_, err = receive(part, body, f, c.maxFile, progress)
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

// encoding returns the encoding of a body: "" or "gzip". Stores of the cloud
// leave their own aws-chunked in the header of what is plain.
func encoding(resp *http.Response) (string, error) {
	var left []string
	for e := range strings.SplitSeq(strings.ToLower(resp.Header.Get("Content-Encoding")), ",") {
		switch e = strings.TrimSpace(e); e {
		case "", "identity", "aws-chunked":
		case "x-gzip":
			left = append(left, "gzip")
		default:
			left = append(left, e)
		}
	}
	switch {
	case len(left) == 0:
		return "", nil
	case len(left) == 1 && left[0] == "gzip":
		return "gzip", nil
	}
	return "", fmt.Errorf("the server sent the encoding %q, which was not asked for", Printable(strings.Join(left, ", "), 40))
}

// inflate gives the body without its encoding. No more than most bytes are read of
// it.
func inflate(resp *http.Response, most int64) (io.Reader, error) {
	e, err := encoding(resp)
	if err != nil {
		return nil, err
	}
	return unpacked(&bounded{r: wire{resp.Body}, left: most}, e == "gzip")
}

// unpacked gives a body without gzip: of the encoding, or of a file that was
// stored compressed and is sent as it is.
func unpacked(body io.Reader, gzipped bool) (io.Reader, error) {
	b := bufio.NewReader(body)
	if !gzipped {
		magic, _ := b.Peek(2)
		if gzipped = bytes.Equal(magic, []byte{0x1f, 0x8b}); !gzipped {
			return b, nil
		}
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, inflating(err)
	}
	return inflater{z}, nil
}

// defaultMaxFile bounds a file whose length the manifest does not tell.
const defaultMaxFile = 64 << 30

// maxWire bounds what is sent of a file: a little more than its length, which is
// what the worst compression makes of it.
func (c *Client) maxWire(f File) int64 {
	most := f.Length
	if most < 0 {
		most = min(c.maxFile, math.MaxInt64/2)
	}
	return most + most/100 + 64<<10
}

// bounded reads as much as was promised. More is damage.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: the server sends more of it than the manifest promised", ErrDamaged)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
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
	if err == nil || errors.Is(err, io.EOF) || lost(err) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: inflating it: %w", ErrDamaged, err)
}

// receive writes a body to a file, checks it, and has it on disk when it
// returns. No more is written than the manifest told, or else most bytes, and one.
func receive(to *os.File, body io.Reader, f File, most int64, progress func(int64)) (*tally, error) {
	limit := f.Length
	if f.Length < 0 {
		limit = min(most, math.MaxInt64-1)
	}
	t := newTally(to, f, progress)
	t.most = f.Count
	n, err := io.CopyBuffer(t, io.LimitReader(body, limit+1), make([]byte, 256<<10))
	switch {
	case err != nil:
		return t, err
	case f.Length < 0 && n > limit:
		return t, fmt.Errorf("%w: it is longer than %d bytes, and the manifest tells no length (--max-file-size allows more)", ErrDamaged, limit)
	}
	if err := t.check(f); err != nil {
		return t, err
	}
	return t, to.Sync()
}

// tally writes through to a file and takes its measures on the way.
type tally struct {
	to       io.Writer
	hash     hash.Hash
	bytes    int64
	content  content
	most     int64 // resources; negative when not told
	progress func(int64)
}

func newTally(to io.Writer, f File, progress func(int64)) *tally {
	return &tally{to: to, hash: sha256.New(), most: -1, progress: progress, content: content{resource: f.Type, trusted: f.SHA256 != nil}}
}

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	if n > 0 {
		t.hash.Write(p[:n])
		t.bytes += int64(n)
		t.content.write(p[:n])
		t.progress(t.bytes)
	}
	if err == nil && t.most >= 0 && t.content.resources > t.most {
		err = fmt.Errorf("%w: it has more than the manifest's %d resources", ErrDamaged, t.most)
	}
	return n, err
}

// check compares what came with what the manifest told.
func (t *tally) check(f File) error {
	switch {
	case f.Length >= 0 && t.bytes > f.Length:
		return fmt.Errorf("%w: it is longer than the manifest's %d bytes", ErrDamaged, f.Length)
	case f.Length >= 0 && t.bytes < f.Length:
		return fmt.Errorf("%w: it has %d bytes, the manifest says %d", ErrDamaged, t.bytes, f.Length)
	case f.SHA256 != nil && !bytes.Equal(t.hash.Sum(nil), f.SHA256):
		return fmt.Errorf("%w: its SHA-256 is %x, the manifest says %x", ErrDamaged, t.hash.Sum(nil), f.SHA256)
	}
	if err := t.content.end(); err != nil {
		return err
	}
	if lines := t.content.resources; f.Count >= 0 && lines != f.Count {
		return fmt.Errorf("%w: it has %d resources, the manifest says %d", ErrDamaged, lines, f.Count)
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
