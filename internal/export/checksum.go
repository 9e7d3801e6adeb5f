package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrDamaged means that the stored bytes of a result file are not those that
// were written.
var ErrDamaged = errors.New("the stored file is damaged")

// ChecksumBlock is how many stored bytes have a checksum of their own.
const ChecksumBlock = 256 << 10

// Checksums are the CRC-32C (Castagnoli) of each block of ChecksumBlock stored
// bytes of a file, in order, four bytes each, big-endian. By these every byte is
// checked before it is sent, also of a range. The SHA-256 of a file is of its
// uncompressed bytes and can be checked only when all of it has been read.
type Checksums []byte

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once by the library

// checksumWriter counts what it passes on, and makes its Checksums.
type checksumWriter struct {
	to   io.Writer
	n    int64
	crc  uint32 // of the block that is being written
	done Checksums
}

// Write passes b on.
func (c *checksumWriter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	for written := b[:n]; len(written) > 0; {
		left := ChecksumBlock - int(c.n%ChecksumBlock)
		block := written[:min(left, len(written))]
		c.crc = crc32.Update(c.crc, castagnoli(), block)
		c.n += int64(len(block))
		if len(block) == left {
			c.done, c.crc = binary.BigEndian.AppendUint32(c.done, c.crc), 0
		}
		written = written[len(block):]
	}
	return n, err
}

// sums returns the Checksums of all that was written.
func (c *checksumWriter) sums() Checksums {
	if c.n%ChecksumBlock == 0 {
		return c.done
	}
	return binary.BigEndian.AppendUint32(c.done, c.crc)
}

// CheckedReader reads the stored bytes of a file and checks each block before
// it gives any of its bytes away. A Read returns ErrDamaged at the first block
// that is damaged or missing. Not safe for concurrent use.
type CheckedReader struct {
	stored io.ReadSeeker
	size   int64
	sums   Checksums

	block   []byte
	from    int64 // where the block that is in memory begins; -1: none
	at      int64 // where the next Read begins
	readPos int64 // where stored is
}

// NewCheckedReader returns a reader of f, whose bytes are read from stored,
// which is at its start.
func NewCheckedReader(stored io.ReadSeeker, f *File) *CheckedReader {
	return &CheckedReader{stored: stored, size: f.Stored, sums: f.Checksums, from: -1}
}

// Seek sets where the next Read begins.
func (c *CheckedReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	c.at = offset
	return offset, nil
}

// Check reads and checks the block at the place of the next Read.
func (c *CheckedReader) Check() error {
	if c.at >= c.size {
		return nil
	}
	return c.load(c.at - c.at%ChecksumBlock)
}

// Read reads from where the last Seek or Read ended.
func (c *CheckedReader) Read(b []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if err := c.Check(); err != nil {
		return 0, err
	}
	n := copy(b, c.block[c.at-c.from:])
	c.at += int64(n)
	return n, nil
}

// load reads and checks the block that begins at from.
func (c *CheckedReader) load(from int64) error {
	if c.from == from {
		return nil
	}
	c.from = -1
	if c.readPos != from {
		if _, err := c.stored.Seek(from, io.SeekStart); err != nil {
			return fmt.Errorf("read a result file: %w", err)
		}
		c.readPos = from
	}
	size := min(ChecksumBlock, c.size-from)
	if c.block == nil {
		c.block = make([]byte, min(ChecksumBlock, c.size))
	}
	c.block = c.block[:size]
	n, err := io.ReadFull(c.stored, c.block)
	c.readPos += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends after %d of %d bytes", ErrDamaged, from+int64(n), c.size)
	}
	if err != nil {
		return fmt.Errorf("read a result file: %w", err)
	}
	i := int(from / ChecksumBlock * 4)
	if i+4 > len(c.sums) || binary.BigEndian.Uint32(c.sums[i:]) != crc32.Checksum(c.block, castagnoli()) {
		return fmt.Errorf("%w: bytes %d to %d", ErrDamaged, from, from+size-1)
	}
	c.from = from
	return nil
}
