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
	// place among the entries, from 1. A *Fault is one claim's, and the next
	// ones can be read; io.EOF is the end; any other error ends the source.
	next(buf []byte) (raw []byte, number int64, err error)
}

// Fault says why a claim, or a line of a table, is not accepted. It never
// quotes it.
type Fault struct {
	Line   int64 // or the place among the entries of a Bundle, from 1
	Reason string
}

// Error gives the line and the reason.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Reason) }

const readBuffer = 1 << 20

// inflated undoes gzip, of any number of members, and skips a byte order mark.
func inflated(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, readBuffer)
	if magic, err := b.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("inflate: %w", err)
		}
		b = bufio.NewReaderSize(z, readBuffer)
	}
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// newSplitter looks at the first line and decides: one resource a line, or a
// document, which is a Bundle or pretty-printed resources.
func newSplitter(r io.Reader) (splitter, error) {
	b, err := inflated(r)
	if err != nil {
		return nil, err
	}
	lines := &lineSplitter{r: b}
	first, _, err := lines.next(nil)
	var fault *Fault
	if err != nil && !errors.As(err, &fault) {
		return &replay{err: err, then: lines}, nil
	}
	if fault != nil || lineIsWhole(first) {
		return &replay{raw: first, number: lines.line, err: err, then: lines}, nil
	}
	whole := io.MultiReader(bytes.NewReader(append(first, '\n')), b)
	return newDocumentSplitter(whole)
}

// lineIsWhole tells whether a source's first line is a claim of its own: it is
// JSON and not a Bundle, or ends as JSON would, and is only damaged.
func lineIsWhole(line []byte) bool {
	var head struct{ ResourceType string }
	if json.Unmarshal(line, &head) == nil {
		return head.ResourceType != "Bundle"
	}
	return bytes.HasSuffix(line, []byte("}")) && len(line) > 1
}

// replay gives the claim that was read ahead.
type replay struct {
	raw    []byte
	number int64
	err    error
	given  bool
	then   splitter
}

func (p *replay) next(buf []byte) ([]byte, int64, error) {
	if p.given {
		return p.then.next(buf)
	}
	p.given = true
	return append(buf, p.raw...), p.number, p.err
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
		case long && (err == nil || err == io.EOF):
			return buf[:from], &Fault{Line: s.line, Reason: fmt.Sprintf("longer than %d bytes", eob.MaxSize)}
		case err == io.EOF && len(bytes.TrimSpace(buf[from:])) > 0:
			return buf, nil // the last line has no newline
		}
		return buf, err
	}
}

// documentSplitter reads the entries of a Bundle, or resources one after
// another, as a stream.
type documentSplitter struct {
	d        *json.Decoder
	inBundle bool
	number   int64
}

func newDocumentSplitter(r io.Reader) (splitter, error) {
	b := bufio.NewReaderSize(r, readBuffer)
	s := &documentSplitter{}
	head, err := b.Peek(readBuffer)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read: %w", err)
	}
	s.inBundle = isBundle(head)
	s.d = json.NewDecoder(b)
	if s.inBundle {
		return s, s.enterBundle()
	}
	return s, nil
}

// isBundle looks for the type of the first resource in its first bytes.
func isBundle(head []byte) bool {
	d := json.NewDecoder(bytes.NewReader(head))
	depth := 0
	for {
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
	}
}

// enterBundle reads up to the first entry.
func (s *documentSplitter) enterBundle() error {
	if _, err := s.d.Token(); err != nil {
		return fmt.Errorf("read the Bundle: %w", errors.New("it is not JSON"))
	}
	for s.d.More() {
		name, err := s.d.Token()
		if err != nil {
			return errors.New("read the Bundle: it is not JSON")
		}
		if name == "entry" {
			_, err := s.d.Token() // [
			return err
		}
		var other json.RawMessage
		if err := s.d.Decode(&other); err != nil {
			return errors.New("read the Bundle: it is not JSON")
		}
	}
	return errors.New("read the Bundle: it has no entry")
}

// next gives the next resource. After broken JSON nothing more can be found.
func (s *documentSplitter) next(buf []byte) ([]byte, int64, error) {
	if s.inBundle && !s.d.More() {
		return buf, s.number, io.EOF
	}
	s.number++
	var entry struct{ Resource json.RawMessage }
	var raw json.RawMessage
	var err error
	if s.inBundle {
		err = s.d.Decode(&entry)
		raw = entry.Resource
	} else {
		err = s.d.Decode(&raw)
	}
	switch {
	case err == io.EOF:
		return buf, s.number, io.EOF
	case err != nil:
		return buf, s.number, fmt.Errorf("resource %d is not JSON, and nothing after it can be found", s.number)
	case len(raw) == 0:
		return buf, s.number, &Fault{Line: s.number, Reason: "the entry has no resource"}
	}
	return append(buf, raw...), s.number, nil
}
