package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"ab2d/internal/segment"
)

const (
	// gzipLevel 3 is within a sixth of level 6's size at more than one and a
	// half times its speed (docs/decisions, compression).
	gzipLevel = 3
	// pendingLimit bounds the lines of one enrollee that are held back until
	// all of them have been read.
	pendingLimit = 16 << 20
	// storeBuffer is how much is written to Files at a time.
	storeBuffer = 256 << 10
)

// output writes the lines of one part into files: it hashes, counts and
// compresses while writing, so that no byte is ever read again, and begins a
// new file at the size limit, never within one enrollee's lines.
type output struct {
	ctx    context.Context
	worker *Worker
	lease  Lease
	kind   Kind

	pending []byte // lines of the enrollee under way
	lines   int64  // of pending
	spilled bool   // lines of the enrollee under way are in the file already

	file *openFile // nil before the first line
	done []File
}

func (w *Worker) newOutput(ctx context.Context, l Lease, k Kind) *output {
	return &output{ctx: ctx, worker: w, lease: l, kind: k}
}

// line adds a line, with its newline, of the enrollee under way.
func (o *output) line(b []byte) error {
	o.pending = append(o.pending, b...)
	o.lines++
	if len(o.pending) < pendingLimit {
		return nil
	}
	err := o.flush()
	o.spilled = true
	return err
}

// keep ends an enrollee: all lines since the last keep stay.
func (o *output) keep() error {
	err := o.flush()
	o.spilled = false
	return err
}

// drop throws away the lines since the last keep. When they were too many to
// hold back it is an error, and the part must be done again.
func (o *output) drop() error {
	o.pending, o.lines = o.pending[:0], 0
	if o.spilled {
		return errors.New("an enrollee's claims broke off after part of them had been written")
	}
	return nil
}

// segment adds all of an enrollee's lines as they are stored.
func (o *output) segment(s segment.Segment, plain []byte, lines int64) error {
	if err := o.ready(len(plain)); err != nil {
		return err
	}
	o.spilled = true
	if err := o.file.segment(s, plain, lines); err != nil {
		return fmt.Errorf("write %s: %w", o.file.Key, err)
	}
	return nil
}

// flush writes the pending lines.
func (o *output) flush() error {
	if o.lines == 0 {
		return nil
	}
	if err := o.ready(len(o.pending)); err != nil {
		return err
	}
	if err := o.file.write(o.pending, o.lines); err != nil {
		return fmt.Errorf("write %s: %w", o.file.Key, err)
	}
	o.pending, o.lines = o.pending[:0], 0
	return nil
}

// ready opens a file: the first one, or a new one where n bytes would not fit
// any more.
func (o *output) ready(n int) error {
	if o.file != nil && !o.spilled && o.file.Length+int64(n) > o.worker.FileBytes {
		if err := o.closeFile(); err != nil {
			return err
		}
	}
	if o.file == nil {
		return o.openFile()
	}
	return nil
}

// close commits the last file and returns all of them.
func (o *output) close() ([]File, error) {
	if o.file == nil {
		return o.done, nil
	}
	if err := o.closeFile(); err != nil {
		return nil, err
	}
	return o.done, nil
}

// abort throws away the file under way, if there is one.
func (o *output) abort() {
	if o.file != nil {
		o.file.to.Abort()
		o.file = nil
	}
}

// discard removes the files of a part whose commit was refused. After any
// other error the commit may have happened all the same: the sweep decides.
func (o *output) discard(err error) {
	if !errors.Is(err, ErrLeaseLost) {
		return
	}
	for _, f := range o.done {
		if err := o.worker.Files.Remove(context.WithoutCancel(o.ctx), f.Key); err != nil {
			o.worker.Log.Warn("remove a file of a lost part; the sweep will", "key", f.Key, "error", err)
		}
	}
}

// openFile is a file under way.
type openFile struct {
	File
	to     FileWriter
	stored *checksumWriter
	buffer *bufio.Writer
	gzip   *segment.Joiner
	hash   hash.Hash
}

func (o *output) openFile() error {
	if o.worker.gzip == nil {
		j, err := segment.NewJoiner(gzipLevel)
		if err != nil {
			return fmt.Errorf("make a compressor: %w", err)
		}
		o.worker.gzip = j
	}
	key := fileKey(o.lease, o.kind, len(o.done))
	to, err := o.worker.Files.Create(o.ctx, key)
	if err != nil {
		return fmt.Errorf("create %s: %w", key, err)
	}
	f := &openFile{
		File: File{Job: o.lease.Job, Kind: o.kind, Part: o.lease.Part, Order: len(o.done), Key: key},
		to:   to, stored: &checksumWriter{to: to}, hash: sha256.New(), gzip: o.worker.gzip,
	}
	f.buffer = bufio.NewWriterSize(f.stored, storeBuffer)
	o.worker.gzip.Reset(f.buffer)
	o.file = f
	return nil
}

func (f *openFile) write(b []byte, lines int64) error {
	f.hash.Write(b) // never fails
	f.Length += int64(len(b))
	f.Count += lines
	_, err := f.gzip.Write(b)
	return err
}

func (f *openFile) segment(s segment.Segment, plain []byte, lines int64) error {
	f.hash.Write(plain)
	f.Length += int64(len(plain))
	f.Count += lines
	return f.gzip.Segment(s)
}

// closeFile ends the file under way and makes it durable.
func (o *output) closeFile() error {
	f := o.file
	if err := errors.Join(f.gzip.Close(), f.buffer.Flush()); err != nil {
		return fmt.Errorf("write %s: %w", f.Key, err)
	}
	if err := f.to.Commit(); err != nil {
		return fmt.Errorf("commit %s: %w", f.Key, err)
	}
	f.Stored, f.Checksums, f.SHA256 = f.stored.n, f.stored.sums(), f.hash.Sum(nil)
	o.done, o.file = append(o.done, f.File), nil
	return nil
}
