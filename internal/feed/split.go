package feed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"ab2d/internal/eob"
)

// splitter cuts a source into raw claims.
type splitter interface {
	// next appends the next raw claim to buf. number is its line, or its
	// place among the entries, from 1. A *LineError is one claim's, and the next
	// ones can be read; io.EOF is the end; any other error ends the source.
	next(buf []byte) (raw []byte, number int64, err error)
}

// LineError says why a claim, or a line of a table, is not accepted. It never
// quotes it.
type LineError struct {
	Line   int64 // or the place among the entries of a Bundle, from 1
	Reason string
	// OtherSource says that nothing is wrong with the claim, but that its source is
	// not one whose claims are delivered.
	OtherSource bool `json:"-"`
}

// Error gives the line, if there is one, and the reason.
func (f *LineError) Error() string {
	if f.Line == 0 {
		return f.Reason
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Reason)
}

// CutError says that a source ends in the middle of a resource: what comes after
// is missing, so that nothing of it is accepted.
type CutError struct {
	Line int64 // of NDJSON, in which it ends; 0 for a Bundle and what is compressed
}

// Error says so.
func (e *CutError) Error() string {
	if e.Line == 0 {
		return "the file was cut: it ends in the middle of a resource, a Bundle or what is compressed; get the whole file again"
	}
	return fmt.Sprintf("the file was cut: it ends in the middle of line %d; get the whole file again", e.Line)
}

// Unwrap returns io.ErrUnexpectedEOF.
func (e *CutError) Unwrap() error { return io.ErrUnexpectedEOF }

// DefaultInflation is how many times as long as a gzipped file its claims may be. Real
// ones are perhaps 30 times as long; synthetic ones are 14 to 25 times as long.
const DefaultInflation = 100

// freeInflation is how many bytes the claims of any file may have.
const freeInflation = 16 << 20

// InflationError says that a small file holds very much, and was perhaps made to keep
// an import busy.
type InflationError struct {
	Most int64 // how many times as long as the file its claims may be
}

// Error says so.
func (e *InflationError) Error() string {
	return fmt.Sprintf("the file is not read: its claims are more than %d times as long as the compressed file, and longer than %d bytes", e.Most, freeInflation)
}

// counted counts the bytes that are read through it.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

const readBuffer = 1 << 20

// inflated undoes gzip, of any number of members, and skips a byte order mark.
func inflated(r io.Reader) (*bufio.Reader, error) { return inflatedWithin(r, 0) }

// inflatedWithin is inflated with a bound, of which 0 is none.
func inflatedWithin(r io.Reader, inflation int) (*bufio.Reader, error) {
	came := &counted{r: r}
	b := bufio.NewReaderSize(came, readBuffer)
	if magic, err := b.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		b = bufio.NewReaderSize(&gunzip{from: b, came: came, inflation: int64(inflation)}, readBuffer)
	}
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// gunzip undoes gzip member by member: gzip.Reader takes a file that is cut in the
// header of a later member for a whole one.
type gunzip struct {
	from *bufio.Reader
	z    gzip.Reader
	open bool // within a member

	came      *counted
	inflation int64 // bound; 0: none
	given     int64 // bytes

	err error // stays
}

// Read returns a *CutError if the file ends within a member.
func (g *gunzip) Read(b []byte) (n int, err error) {
	if g.err == nil && !g.open {
		g.err = g.next()
	}
	if g.err != nil {
		return 0, g.err
	}
	n, err = g.z.Read(b)
	if g.given += int64(n); g.inflation > 0 && g.given > max(freeInflation, g.inflation*g.came.n) {
		g.err = &InflationError{Most: g.inflation}
		return 0, g.err
	}
	if errors.Is(err, io.EOF) {
		g.open = false
		return n, nil
	}
	g.err = inflateError(err)
	return n, g.err
}

// next opens the next member. io.EOF when there is none.
func (g *gunzip) next() error {
	if _, err := g.from.Peek(1); err != nil {
		return err
	}
	if err := g.z.Reset(g.from); err != nil {
		return inflateError(err)
	}
	g.z.Multistream(false)
	g.open = true
	return nil
}

func inflateError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return fmt.Errorf("inflate: %w", err)
}

// newSplitter looks at the beginning and decides: one resource a line, or
// documents, which are Bundles or pretty-printed resources.
func newSplitter(r io.Reader, inflation int) (splitter, error) {
	b, err := inflatedWithin(r, inflation)
	if err != nil {
		return nil, err
	}
	head, err := b.Peek(readBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	if isDocument(head) {
		return &documentSplitter{r: b}, nil
	}
	return &lineSplitter{r: b}, nil
}

// isDocument tells a Bundle or a pretty-printed resource from lines. A first
// line that is only damaged must not cost the lines after it, so a resource
// goes on after the first line only where JSON can be broken, and not where
// the next line is a resource of its own.
func isDocument(head []byte) bool {
	if isBundle(head) {
		return true
	}
	first, rest, more := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	first = bytes.TrimSpace(first)
	if !more || len(first) == 0 || first[0] != '{' || !bytes.ContainsAny(first[len(first)-1:], "{[,:") {
		return false
	}
	second, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t\r\n"), []byte("\n"))
	var resource struct{ ResourceType string }
	return json.Unmarshal(second, &resource) != nil || resource.ResourceType == ""
}

// isBundle looks for the type of the first resource in its first bytes.
func isBundle(head []byte) bool {
	d := json.NewDecoder(bytes.NewReader(head))
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return false
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		case "resourceType":
			if depth == 1 {
				name, _ := d.Token()
				return name == "Bundle"
			}
		case "entry":
			if depth == 1 {
				return true
			}
		}
		if depth == 0 {
			return false
		}
	}
}

// lineSplitter reads one claim a line. Empty lines are passed over.
type lineSplitter struct {
	r    *bufio.Reader
	line int64
}

func (s *lineSplitter) next(buf []byte) ([]byte, int64, error) {
	for {
		from := len(buf)
		s.line++
		buf, err := s.read(buf)
		raw := bytes.TrimSpace(buf[from:])
		if err != nil || len(raw) > 0 {
			return append(buf[:from], raw...), s.line, err
		}
	}
}

// read appends one line. One that is too long is passed over.
func (s *lineSplitter) read(buf []byte) ([]byte, error) {
	from, long := len(buf), false
	for {
		piece, err := s.r.ReadSlice('\n')
		if long = long || len(buf)-from+len(piece) > eob.MaxSize+2; !long {
			buf = append(buf, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && err == nil:
			return buf[:from], &LineError{Line: s.line, Reason: fmt.Sprintf("longer than %d bytes", eob.MaxSize)}
		case err == io.EOF && long, err == io.EOF && len(bytes.TrimSpace(buf[from:])) > 0 && !json.Valid(buf[from:]):
			return buf[:from], &CutError{Line: s.line}
		case err == io.EOF && len(bytes.TrimSpace(buf[from:])) > 0:
			return buf, nil // the last line has no newline, and is whole
		}
		return buf, err
	}
}
