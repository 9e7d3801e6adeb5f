package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// gzipHeader begins a member, RFC 1952 §2.3: DEFLATE, no flags, no time, no
// word on the compressor, unknown system. That it is always the same makes the
// same input the same file.
var gzipHeader = []byte{0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff}

var errNotOpen = errors.New("no gzip file is open")

// Joiner writes one gzip member out of plain bytes, which it compresses, and
// segments, which it copies, in any order. It can be used for one file after
// another without allocating. Not safe for concurrent use.
type Joiner struct {
	deflate *flate.Writer
	to      io.Writer
	trailer [8]byte
	crc     uint32
	length  int64

	begun  bool  // the header is written
	inside bool  // the compressor has bytes of this file that it did not flush
	err    error // the first that a file met; nothing of it can be saved then
}

// NewJoiner returns a joiner that compresses plain bytes at a level of 1
// (fastest) to 9 (smallest). A level that does not exist is an error. The first
// file begins with Reset.
func NewJoiner(level int) (*Joiner, error) {
	z, err := newDeflate(io.Discard, level)
	if err != nil {
		return nil, err
	}
	return &Joiner{deflate: z, err: errNotOpen}, nil
}

func newDeflate(to io.Writer, level int) (*flate.Writer, error) {
	if level < flate.BestSpeed || level > flate.BestCompression {
		return nil, fmt.Errorf("make a compressor: there is no level %d", level)
	}
	z, err := flate.NewWriter(to, level)
	if err != nil {
		return nil, fmt.Errorf("make a compressor: %w", err)
	}
	return z, nil
}

// Reset begins a file that is written to w, in pieces as small as some hundred
// bytes. A file that was not closed is left as it is.
func (j *Joiner) Reset(w io.Writer) {
	j.to, j.crc, j.length = w, 0, 0
	j.begun, j.inside, j.err = false, false, nil
}

// Write compresses plain bytes and appends them to the file. They may be held
// back until the next segment or Close. How they are cut into calls does not
// matter for the file. After an error, which may be one of the writer below, the
// file is lost, and each later call returns the same error.
func (j *Joiner) Write(plain []byte) (int, error) {
	if err := j.begin(); err != nil || len(plain) == 0 {
		return 0, err
	}
	if !j.inside {
		// A window that reached back over a segment would refer to bytes that
		// the compressor never saw.
		j.deflate.Reset(j.to)
		j.inside = true
	}
	n, err := j.deflate.Write(plain)
	if err != nil {
		return n, j.fail("compress into a gzip file", err)
	}
	j.crc = crc32.Update(j.crc, crc32.IEEETable, plain)
	j.length += int64(n)
	return n, nil
}

// Segment appends a segment to the file. It takes it at its word: what
// Segment.Inflate would refuse makes a file that cannot be inflated. An error is
// as one of Write.
func (j *Joiner) Segment(s Segment) error {
	if err := j.begin(); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return j.fail("join a segment", err)
	}
	if s.Length == 0 {
		return nil
	}
	if j.inside {
		if err := j.deflate.Flush(); err != nil {
			return j.fail("compress into a gzip file", err)
		}
		j.inside = false
	}
	if _, err := j.to.Write(s.Deflate); err != nil {
		return j.fail("write a segment into a gzip file", err)
	}
	j.crc = combine(j.crc, s.CRC, s.Length)
	j.length += s.Length
	return nil
}

// Close ends the file; a second Close, or a write before the next Reset, is an
// error. It does not close the writer below. A file without bytes
// is a gzip file too.
func (j *Joiner) Close() error {
	if err := j.begin(); err != nil {
		return err
	}
	if err := j.endDeflate(); err != nil {
		return j.fail("end a gzip file", err)
	}
	putTrailer(&j.trailer, j.crc, j.length)
	if _, err := j.to.Write(j.trailer[:]); err != nil {
		return j.fail("end a gzip file", err)
	}
	j.to, j.err = nil, errNotOpen
	return nil
}

// begin writes the header if it is not written yet.
func (j *Joiner) begin() error {
	if j.err != nil || j.begun {
		return j.err
	}
	j.begun = true
	if _, err := j.to.Write(gzipHeader); err != nil {
		return j.fail("begin a gzip file", err)
	}
	return nil
}

func (j *Joiner) endDeflate() error {
	if j.inside {
		return j.deflate.Close()
	}
	_, err := j.to.Write(finalBlock)
	return err
}

// putTrailer writes CRC32 and ISIZE, RFC 1952 §2.3.1. ISIZE is the length
// modulo 2^32: a member may be longer than that.
func putTrailer(to *[8]byte, crc uint32, length int64) {
	binary.LittleEndian.PutUint32(to[:4], crc)
	binary.LittleEndian.PutUint32(to[4:], uint32(length))
}

func (j *Joiner) fail(doing string, err error) error {
	j.err = fmt.Errorf("%s: %w", doing, err)
	return j.err
}
