package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// Entry is what is known of one claim without inflating its line.
type Entry struct {
	ID       string // at most 64 bytes, as a FHIR id
	Type     uint8  // the caller's numbering of claim types
	Canceled bool

	// Start and End are days since 1970-01-01, 0 when there is none.
	Start, End       int32
	HasStart, HasEnd bool
	// LastUpdated is milliseconds since 1970-01-01 UTC; 0 when there is none.
	LastUpdated int64

	// Offset and Length say where the line stands in the inflated bytes. Its
	// newline is part of it.
	Offset, Length int64

	// ExtensionAt is an offset in the line, at most Length: where the caller
	// inserts the enrollee's identifiers. HasExtension is the caller's: whether
	// the claim has extensions there already.
	ExtensionAt  uint32
	HasExtension bool

	Block Block // of the first line of a block
}

// Block is a run of lines that can be inflated without those before it.
type Block struct {
	Begins bool   // with this entry
	At     int64  // where in the compressed bytes it begins
	CRC    uint32 // CRC-32 (IEEE) of its inflated bytes
}

// maxID is the longest id FHIR allows.
const maxID = 64

// check refuses what cannot be stored.
func (e Entry) check() error {
	switch {
	case len(e.ID) > maxID:
		return fmt.Errorf("an id of %d bytes is longer than %d", len(e.ID), maxID)
	case int64(e.ExtensionAt) > e.Length:
		return errors.New("the place of the extension is beyond the line")
	}
	return nil
}

// normal sets to 0 what is absent.
func (e Entry) normal() Entry {
	if !e.HasStart {
		e.Start = 0
	}
	if !e.HasEnd {
		e.End = 0
	}
	return e
}

// Index lists the claims of a segment in the order of their lines, which stand
// one after another without gaps.
type Index []Entry

// Length returns the bytes that the lines take. It is the Length of the segment
// that the index belongs to.
func (x Index) Length() int64 {
	if len(x) == 0 {
		return 0
	}
	last := x[len(x)-1]
	return last.Offset + last.Length
}

// LastBlock is the entry with which the last block begins; 0 for an index
// without entries.
func (x Index) LastBlock() int { return x.blockOf(len(x) - 1) }

// blockOf is the entry with which the block of an entry begins.
func (x Index) blockOf(entry int) int {
	for entry > 0 && !x[entry].Block.Begins {
		entry--
	}
	return max(entry, 0)
}

// The stored form of an index, version 1:
//
//	version, number of entries, entries, CRC-32 of all before it (4 bytes, little-endian)
//
// and of an entry:
//
//	flags, type         one byte each
//	shared, rest        how many bytes of the id are those of the id before it,
//	                    how many follow, and these
//	length              of the line; offsets follow from the lengths
//	start               as difference to the start before it, if there is one
//	end                 as difference to start, if there is one
//	last updated        as difference to the one before it
//	place of extension
//	block               its place and CRC-32, where one begins
//
// Numbers are the varints of encoding/binary; differences are signed ones.
const (
	indexVersion   = 1
	indexChecksum  = 4
	indexHeader    = 1 + 1 // of an index with few entries
	minEntry       = 7     // bytes of the shortest entry
	flagCanceled   = 1 << 0
	flagStart      = 1 << 1
	flagEnd        = 1 << 2
	flagExtension  = 1 << 3
	flagBlock      = 1 << 4
	allIndexFlags  = flagCanceled | flagStart | flagEnd | flagExtension | flagBlock
	maxLineInIndex = math.MaxInt32
)

// Marshal appends the stored form of the index to dst.
func (x Index) Marshal(dst []byte) []byte {
	from := len(dst)
	dst = append(dst, indexVersion)
	dst = binary.AppendUvarint(dst, uint64(len(x)))
	var before Entry
	for _, e := range x {
		dst = e.marshal(dst, &before)
		before = e
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[from:]))
}

func (e *Entry) marshal(dst []byte, before *Entry) []byte {
	dst = append(dst, e.flags(), e.Type)
	shared := sharedPrefix(e.ID, before.ID)
	dst = binary.AppendUvarint(dst, uint64(shared))
	dst = binary.AppendUvarint(dst, uint64(len(e.ID)-shared))
	dst = append(dst, e.ID[shared:]...)
	dst = binary.AppendUvarint(dst, uint64(e.Length))
	if e.HasStart {
		dst = binary.AppendVarint(dst, int64(e.Start)-int64(before.Start))
	}
	if e.HasEnd {
		dst = binary.AppendVarint(dst, int64(e.End)-int64(e.Start))
	}
	dst = binary.AppendVarint(dst, e.LastUpdated-before.LastUpdated) // may wrap, there and back
	dst = binary.AppendUvarint(dst, uint64(e.ExtensionAt))
	if e.Block.Begins {
		dst = binary.AppendUvarint(dst, uint64(e.Block.At))
		dst = binary.LittleEndian.AppendUint32(dst, e.Block.CRC)
	}
	return dst
}

func (e *Entry) flags() (f byte) {
	for _, b := range [...]struct {
		is   bool
		flag byte
	}{
		{e.Canceled, flagCanceled},
		{e.HasStart, flagStart},
		{e.HasEnd, flagEnd},
		{e.HasExtension, flagExtension},
		{e.Block.Begins, flagBlock},
	} {
		if b.is {
			f |= b.flag
		}
	}
	return f
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Unmarshal reads the stored form of an index into x, in place of what x held
// and in its memory if that is enough. The error is ErrDamaged, unless the form
// is of another version, and x is then empty. Memory grows with the length of
// data alone, whatever data says. Nothing of data is kept.
func (x *Index) Unmarshal(data []byte) error {
	*x = (*x)[:0]
	body := len(data) - indexChecksum
	if body < indexHeader {
		return fmt.Errorf("read an index: %w: %d bytes are too few", ErrDamaged, len(data))
	}
	if crc32.ChecksumIEEE(data[:body]) != binary.LittleEndian.Uint32(data[body:]) {
		return fmt.Errorf("read an index: %w: the CRC-32 of its bytes is another", ErrDamaged)
	}
	if data[0] != indexVersion {
		return fmt.Errorf("read an index: version %d of its form is not known", data[0])
	}
	if err := x.unmarshalEntries(&indexReader{left: data[1:body]}); err != nil {
		*x = (*x)[:0]
		return fmt.Errorf("read an index: %w", err)
	}
	return nil
}

func (x *Index) unmarshalEntries(r *indexReader) error {
	count := r.uvarint(math.MaxInt64)
	if count > uint64(len(r.left)/minEntry) {
		return fmt.Errorf("%w: %d entries do not fit", ErrDamaged, count)
	}
	if uint64(cap(*x)) < count {
		*x = make(Index, 0, count)
	}
	r.ids.Grow(len(r.left)) // about what the ids take without their deltas
	var before Entry
	for range count {
		e := r.entry(&before)
		if err := e.check(); r.bad || err != nil {
			return fmt.Errorf("%w: entry %d of %d", ErrDamaged, len(*x)+1, count)
		}
		*x = append(*x, e)
		before = e
	}
	if r.bad || len(r.left) != 0 {
		return fmt.Errorf("%w: %d bytes after the last entry", ErrDamaged, len(r.left))
	}
	return nil
}

// indexReader reads numbers from what is left of an index. Once it met
// something that cannot be, bad is set and all it reads means nothing.
type indexReader struct {
	left []byte
	ids  strings.Builder // all ids share one allocation
	bad  bool
}

func (r *indexReader) entry(before *Entry) (e Entry) {
	flags := r.byte()
	e.Type = r.byte()
	e.ID = r.id(before.ID)
	e.Offset = before.Offset + before.Length
	e.Length = int64(r.uvarint(maxLineInIndex))
	e.Canceled = flags&flagCanceled != 0
	if e.HasStart = flags&flagStart != 0; e.HasStart {
		e.Start = r.day(before.Start)
	}
	if e.HasEnd = flags&flagEnd != 0; e.HasEnd {
		e.End = r.day(e.Start)
	}
	e.LastUpdated = before.LastUpdated + r.varint()
	e.HasExtension = flags&flagExtension != 0
	e.ExtensionAt = uint32(r.uvarint(math.MaxUint32))
	if flags&flagBlock != 0 {
		e.Block = Block{Begins: true, At: int64(r.uvarint(math.MaxInt64)), CRC: r.uint32()}
	}
	r.bad = r.bad || flags&^allIndexFlags != 0 || e.Length == 0
	return e
}

func (r *indexReader) id(before string) string {
	shared := r.uvarint(uint64(len(before)))
	rest := r.uvarint(uint64(min(len(r.left), maxID)))
	if r.bad || rest > uint64(len(r.left)) {
		r.bad = true
		return ""
	}
	from := r.ids.Len()
	r.ids.WriteString(before[:shared])
	r.ids.Write(r.left[:rest])
	r.left = r.left[rest:]
	return r.ids.String()[from:]
}

func (r *indexReader) day(before int32) int32 {
	d := int64(before) + min(max(r.varint(), -1<<33), 1<<33) // no int64 may wrap to a day
	r.bad = r.bad || d != int64(int32(d))
	return int32(d)
}

func (r *indexReader) uint32() uint32 {
	if len(r.left) < 4 {
		r.bad = true
		return 0
	}
	n := binary.LittleEndian.Uint32(r.left)
	r.left = r.left[4:]
	return n
}

func (r *indexReader) byte() byte {
	if len(r.left) == 0 {
		r.bad = true
		return 0
	}
	b := r.left[0]
	r.left = r.left[1:]
	return b
}

// uvarint reads a number of at most limit.
func (r *indexReader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.left)
	if n <= 0 || v > limit {
		r.bad = true
		return 0
	}
	r.left = r.left[n:]
	return v
}

func (r *indexReader) varint() int64 {
	v, n := binary.Varint(r.left)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.left = r.left[n:]
	return v
}
