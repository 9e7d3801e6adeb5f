package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"ab2d/internal/eob"
)

// documentSplitter reads Bundles and resources one after another, as a stream:
// it finds where values begin and end, and leaves it to eob to judge what is
// in them. What is held at a time is one resource, of eob.MaxSize at most.
type documentSplitter struct {
	r       *bufio.Reader
	entries bool // inside a Bundle's entries
	first   bool // before the first of them
	number  int64
	empty   int // entries without a resource
}

// mostEmptyEntries is how many entries of a source may have no resource. A Bundle of
// claims has none of them; each costs a fault and a line of the rejects file, but
// three bytes in the source, and next to none of a compressed one.
const mostEmptyEntries = 1_000_000

var (
	errCut     = error(new(CutError))
	errNotJSON = errors.New("it is not JSON, so the rest of the file cannot be read")
	errEntries = errors.New("the entries of a Bundle begin") // ends the reading of its members
)

// next gives the next resource. Broken JSON ends the source, because nothing
// after it can be found.
func (s *documentSplitter) next(buf []byte) ([]byte, int64, error) {
	for {
		v := value{buf: buf, from: len(buf)}
		read := s.document
		if s.entries {
			read = s.entry
		}
		found, err := read(&v)
		switch {
		case errors.Is(err, io.EOF):
			return buf, s.number, io.EOF
		case err != nil:
			return buf, s.number, fmt.Errorf("after resource %d: %w", s.number, err)
		case !found:
			continue
		}
		s.number++
		switch {
		case v.long:
			return buf, s.number, &LineError{Line: s.number, Reason: fmt.Sprintf("longer than %d bytes", eob.MaxSize)}
		case len(v.buf) == v.from || string(v.buf[v.from:]) == "null":
			if s.empty++; s.empty > mostEmptyEntries {
				return buf, s.number, fmt.Errorf("entry %d: there are more than %d entries without a resource; get Bundles with claims in their entries", s.number, mostEmptyEntries)
			}
			return buf, s.number, &LineError{Line: s.number, Reason: "the entry has no resource"}
		}
		return v.buf, s.number, nil
	}
}

// document reads a top-level object, of a Bundle only up to its entries, and
// tells whether v is a resource now: a Bundle without entries has none. io.EOF
// is the end of the input between documents.
func (s *documentSplitter) document(v *value) (found bool, err error) {
	if _, err := s.peek(); err != nil {
		return false, err
	}
	if err := s.take('{'); err != nil {
		return false, err
	}
	v.add("{")
	separator, bundle := "", false
	err = s.members(false, func(key []byte) error {
		if c, err := s.peek(); err == nil && c == '[' && string(key) == `"entry"` {
			return errEntries
		}
		v.add(separator)
		v.add(string(key))
		v.add(":")
		separator = ","
		from := len(v.buf)
		err := s.value(v)
		bundle = bundle || string(key) == `"resourceType"` && string(v.buf[from:]) == `"Bundle"`
		return err
	})
	if errors.Is(err, errEntries) {
		s.entries, s.first = true, true
		return false, s.take('[')
	}
	v.add("}")
	return !bundle, err
}

// entry reads an entry, or the end of the entries and the rest of the Bundle,
// and tells which by found.
func (s *documentSplitter) entry(v *value) (found bool, err error) {
	c, err := s.peek()
	if err != nil {
		return false, cut(err)
	}
	if c == ']' {
		s.entries = false
		return false, errors.Join(s.take(']'), s.members(true, s.pass))
	}
	if !s.first {
		if err := s.take(','); err != nil {
			return false, err
		}
	}
	s.first = false
	switch c, err := s.peek(); {
	case err != nil:
		return false, cut(err)
	case c != '{': // not an entry, and so one without a resource
		return true, s.pass(nil)
	}
	if err := s.take('{'); err != nil {
		return false, err
	}
	return true, s.members(false, func(key []byte) error {
		if string(key) == `"resource"` && len(v.buf) == v.from {
			return s.value(v)
		}
		return s.pass(key)
	})
}

// members reads the members of an object up to its end; some tells that there
// was one already. see is called with each key, as it is written, and reads
// the value.
func (s *documentSplitter) members(some bool, see func(key []byte) error) error {
	for ; ; some = true {
		c, err := s.peek()
		if err != nil {
			return cut(err)
		}
		if c == '}' {
			return s.take('}')
		}
		if some {
			if err := s.take(','); err != nil {
				return err
			}
		}
		if c, err = s.peek(); err != nil {
			return cut(err)
		}
		if c != '"' {
			return errNotJSON
		}
		var key value
		if err := s.value(&key); err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := see(key.buf); err != nil {
			return err
		}
	}
}

// peek passes over white space and looks at the byte after it.
func (s *documentSplitter) peek() (byte, error) {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			return 0, err
		}
		if bytes.IndexByte(space, b[0]) < 0 {
			return b[0], nil
		}
		s.r.Discard(1)
	}
}

var space = []byte(" \t\r\n")

// take reads the byte that must come next, after white space.
func (s *documentSplitter) take(want byte) error {
	c, err := s.peek()
	if err != nil {
		return cut(err)
	}
	if c != want {
		return errNotJSON
	}
	_, err = s.r.Discard(1)
	return err
}

// cut makes of the end of the input that it came too early.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

// value is a JSON value as it is written.
type value struct {
	buf  []byte // from is where it begins
	from int
	drop bool // only passed over
	long bool // longer than a claim may be, and therefore not held
}

func (v *value) add(s string) { v.take([]byte(s)) }

func (v *value) take(b []byte) {
	if v.long = v.long || !v.drop && len(v.buf)-v.from+len(b) > eob.MaxSize; !v.drop && !v.long {
		v.buf = append(v.buf, b...)
	}
}

// pass passes over a value.
func (s *documentSplitter) pass([]byte) error { return s.value(&value{drop: true}) }

// value reads one value into v.
func (s *documentSplitter) value(v *value) error {
	if _, err := s.peek(); err != nil {
		return cut(err)
	}
	var e ending
	for begun := false; ; begun = true {
		if _, err := s.r.Peek(1); err != nil {
			return cut(err)
		}
		b, err := s.r.Peek(s.r.Buffered())
		if err != nil {
			return err
		}
		n, done := e.scan(b)
		if n == 0 && !begun {
			return errNotJSON
		}
		v.take(b[:n])
		s.r.Discard(n)
		if done {
			return nil
		}
	}
}

// ending looks for the end of a value.
type ending struct {
	depth           int
	quoted, escaped bool
}

// scan tells how many bytes of b are the value's, and whether it ends there.
func (e *ending) scan(b []byte) (n int, done bool) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case e.escaped:
			e.escaped = false
		case e.quoted && c == '\\':
			e.escaped = true
		case e.quoted:
			if e.quoted = c != '"'; !e.quoted && e.depth == 0 {
				return i + 1, true
			}
		case e.depth == 0 && bytes.IndexByte([]byte(" \t\r\n,:]}"), c) >= 0:
			return i, true
		case c == '"':
			e.quoted = true
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			if e.depth--; e.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}
