package segment

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/flate"
)

// ErrDamaged says that stored bytes are not what was once stored.
var ErrDamaged = errors.New("damaged segment")

// Segment is a compressed sequence of lines. The zero value is the segment
// without lines.
type Segment struct {
	Deflate []byte // raw DEFLATE, ended by a sync flush, without a final block
	CRC     uint32 // CRC-32 (IEEE) of the inflated bytes
	Length  int64  // of the inflated bytes
}

// syncMarker is how a sync flush ends: the lengths of an empty stored block,
// RFC 1951 §3.2.4.
var syncMarker = []byte{0x00, 0x00, 0xff, 0xff}

// maxRatio is the most that DEFLATE can compress: 258 bytes in two bits.
const maxRatio = 258 * 8 / 2

// check finds what is wrong with a segment without inflating it.
func (s Segment) check() error {
	switch {
	case s.Length < 0 || s.Length > maxRatio*int64(len(s.Deflate)):
		return fmt.Errorf("%w: %d bytes cannot inflate to %d", ErrDamaged, len(s.Deflate), s.Length)
	case s.Length == 0 && s.CRC != 0:
		return fmt.Errorf("%w: no inflated bytes, but a checksum of them", ErrDamaged)
	case len(s.Deflate) != 0 && !bytes.HasSuffix(s.Deflate, syncMarker):
		return fmt.Errorf("%w: it does not end with a sync flush", ErrDamaged)
	}
	return nil
}

// Builder makes segments out of lines, one segment after another. It keeps its
// compressor and buffers, which cost more than a segment does. Not safe for
// concurrent use.
//
// A segment of some length consists of two blocks, the second of which can be
// inflated without the first: it holds the last eighth of the lines, for those
// who want only what is new. More blocks would serve them better, but compress
// so much worse that everybody else would pay for it.
type Builder struct {
	deflate *flate.Writer
	buffer  bytes.Buffer
	plain   []byte
	index   Index
}

// oneBlock is the most that is not divided, in bytes.
const oneBlock = 32 << 10

// NewBuilder returns a builder that compresses at a level of 1 (fastest) to 9
// (smallest). A level that does not exist is an error.
func NewBuilder(level int) (*Builder, error) {
	b := new(Builder)
	z, err := newDeflate(&b.buffer, level)
	if err != nil {
		return nil, err
	}
	b.deflate = z
	return b, nil
}

// Add appends a line, which ends with its newline, and what is known of it.
// Where it stands is filled in here. Nothing of line is kept. After an error the
// segment under way is as before.
func (b *Builder) Add(line []byte, e Entry) error {
	if len(line) == 0 || line[len(line)-1] != '\n' || len(line) > math.MaxInt32 {
		return fmt.Errorf("add a line of %d bytes: it must end with a newline and have at most %d bytes", len(line), math.MaxInt32)
	}
	e.Offset, e.Length, e.Block = int64(len(b.plain)), int64(len(line)), Block{}
	if err := e.check(); err != nil {
		return fmt.Errorf("add a line: %w", err)
	}
	b.index = append(b.index, e.normal())
	b.plain = append(b.plain, line...)
	return nil
}

// Finish returns the segment of the lines added and its index, which are the
// caller's to keep, and readies the builder for the next segment. The same
// lines give the same bytes.
func (b *Builder) Finish() (Segment, Index, error) {
	defer b.Reset()
	for from := 0; from < len(b.index); {
		to := b.blockEnd(from)
		if err := b.compress(from, to); err != nil {
			return Segment{}, nil, fmt.Errorf("compress a segment: %w", err)
		}
		from = to
	}
	s := Segment{Deflate: bytes.Clone(b.buffer.Bytes()), CRC: crc32.ChecksumIEEE(b.plain), Length: int64(len(b.plain))}
	return s, slices.Clone(b.index), nil
}

// blockEnd is the entry after the block that begins with an entry.
func (b *Builder) blockEnd(from int) int {
	total := int64(len(b.plain))
	if from > 0 || total <= oneBlock {
		return len(b.index)
	}
	to := from + 1
	for to < len(b.index) && b.index[to].Offset < total-total/8 {
		to++
	}
	return to
}

// compress makes a block of the entries from one to before another.
func (b *Builder) compress(from, to int) error {
	plain := b.plain[b.index[from].Offset:]
	if to < len(b.index) {
		plain = b.plain[b.index[from].Offset:b.index[to].Offset]
	}
	b.index[from].Block = Block{Begins: true, At: int64(b.buffer.Len()), CRC: crc32.ChecksumIEEE(plain)}
	b.deflate.Reset(&b.buffer)
	if _, err := b.deflate.Write(plain); err != nil {
		return err
	}
	return b.deflate.Flush()
}

// Reset throws away the segment under way.
func (b *Builder) Reset() {
	b.buffer.Reset()
	clear(b.index) // lets go of the ids
	b.index, b.plain = b.index[:0], b.plain[:0]
}

// Concat appends the bytes of segments to dst, and returns the segment that they make one
// after the other.
func Concat(dst []byte, list ...Segment) Segment {
	all := Segment{Deflate: dst}
	for _, s := range list {
		all.Deflate = append(all.Deflate, s.Deflate...)
		all.CRC = combine(all.CRC, s.CRC, s.Length)
		all.Length += s.Length
	}
	return all
}
