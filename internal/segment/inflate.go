package segment

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"
)

// finalBlock is an empty block that ends a stream: last, with fixed codes, and
// nothing but the end of block (RFC 1951 §3.2.6).
var finalBlock = []byte{0x03, 0x00}

// Inflater inflates segments, one after another, without allocating more than
// the destination. The zero value is ready to use. Not safe for concurrent use.
type Inflater struct {
	ended   []byte // the segment's bytes and a final block
	source  bytes.Reader
	inflate io.ReadCloser // also a flate.Resetter
	beyond  [1]byte
}

// Inflate is Inflater.Inflate for a single segment.
func (s Segment) Inflate(dst []byte) ([]byte, error) {
	return new(Inflater).Inflate(dst, s)
}

// Inflate appends the inflated bytes of s to dst. Unless they are exactly those
// that went in, by length and CRC-32, and the segment can be joined with others,
// the error is ErrDamaged and dst is returned as it came. However much the
// segment claims to hold or does hold, no more than Length+1 bytes are taken from
// it, and Length is refused beyond what its bytes could be inflated to.
func (i *Inflater) Inflate(dst []byte, s Segment) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	if err := i.reset(s.Deflate); err != nil {
		return dst, err
	}
	grown := slices.Grow(dst, int(s.Length))
	plain := grown[len(dst) : len(dst)+int(s.Length)]
	if n, err := io.ReadFull(i.inflate, plain); err != nil {
		return dst, fmt.Errorf("%w: %d bytes of %d, then: %w", ErrDamaged, n, s.Length, err)
	}
	if err := i.atEnd(); err != nil {
		return dst, err
	}
	if crc32.ChecksumIEEE(plain) != s.CRC {
		return dst, fmt.Errorf("%w: the CRC-32 of its bytes is another", ErrDamaged)
	}
	return grown[:len(dst)+len(plain)], nil
}

// InflateFrom appends to dst the inflated bytes of the block that holds an entry,
// which the index must have, and of all blocks after it. It tells with which entry they begin. What is
// wrong with these blocks is ErrDamaged; those before are not looked at.
func (i *Inflater) InflateFrom(dst []byte, s Segment, x Index, entry int) (plain []byte, first int, err error) {
	first = x.blockOf(entry)
	plain = dst
	for from := first; from < len(x); {
		to := from + 1
		for to < len(x) && !x[to].Block.Begins {
			to++
		}
		block := Segment{CRC: x[from].Block.CRC, Length: x.Length() - x[from].Offset}
		begin, end := x[from].Block.At, int64(len(s.Deflate))
		if to < len(x) {
			block.Length, end = x[to].Offset-x[from].Offset, x[to].Block.At
		}
		if begin < 0 || begin > end || end > int64(len(s.Deflate)) {
			return dst, first, fmt.Errorf("%w: a block is not within it", ErrDamaged)
		}
		block.Deflate = s.Deflate[begin:end]
		if plain, err = i.Inflate(plain, block); err != nil {
			return dst, first, err
		}
		from = to
	}
	return plain, first, nil
}

// InflateLast is InflateFrom for the last block alone, whose compressed bytes
// are tail.
func (i *Inflater) InflateLast(dst, tail []byte, x Index) (plain []byte, first int, err error) {
	if len(x) == 0 {
		return dst, 0, fmt.Errorf("%w: it has no lines", ErrDamaged)
	}
	first = x.LastBlock()
	plain, err = i.Inflate(dst, Segment{Deflate: tail, CRC: x[first].Block.CRC, Length: x.Length() - x[first].Offset})
	return plain, first, err
}

// reset puts the segment's bytes, ended by a final block, before the inflater.
//
// The final block does more than end the reading: Segment.check has seen to it
// that the last byte is 0xff, so if bits of it were left over, they and the
// first two bits of the final block would read as a block of the reserved type.
// The final block is therefore only found when it begins a byte.
func (i *Inflater) reset(deflate []byte) error {
	i.ended = append(append(i.ended[:0], deflate...), finalBlock...)
	i.source.Reset(i.ended)
	if i.inflate == nil {
		i.inflate = flate.NewReader(&i.source)
		return nil
	}
	if err := i.inflate.(flate.Resetter).Reset(&i.source, nil); err != nil {
		return fmt.Errorf("reset the inflater: %w", err)
	}
	return nil
}

// atEnd makes sure that the stream ends here, and at the final block of reset,
// not at one of the segment's own.
func (i *Inflater) atEnd() error {
	switch n, err := io.ReadFull(i.inflate, i.beyond[:]); {
	case n != 0:
		return fmt.Errorf("%w: it is longer than it says", ErrDamaged)
	case err != io.EOF:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case i.source.Len() != 0:
		return fmt.Errorf("%w: it has a final block", ErrDamaged)
	}
	return nil
}
