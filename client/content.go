package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrNotPromised means that a file is not what the manifest promised: its lines
// are not resources of the type that the manifest names, or the last one was
// cut.
var ErrNotPromised = errors.New("the file is not what the manifest promised")

// maxResource bounds a line. The largest claims known have some hundred
// kilobytes.
const maxResource = 64 << 20

// maxRejected bounds the lines of a file that are named as not readable.
const maxRejected = 1000

// RejectedLine is a line of a file that is not a resource that can be read. The
// other lines of the file are.
type RejectedLine struct {
	Line   int64  `json:"line"` // from 1
	Reason string `json:"reason"`
}

// content looks at the lines of a file while it arrives: each should be a
// resource of one type.
type content struct {
	resource string // the type that the manifest names; "" for any
	// trusted says that a checksum of the whole is compared: a line that looks
	// right at both ends is then not parsed.
	trusted bool

	line      []byte // that is arriving
	long      bool   // more than maxResource bytes came of it
	lines     int64  // that ended, blank ones included
	resources int64  // lines that are not blank
	good      int64  // resources of the type
	others    string // the first other type that came; "" for none
	rejected  []RejectedLine
	more      int64 // rejected lines that are not named
}

// write takes the next bytes of the file.
func (c *content) write(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			c.keep(p)
			return
		}
		if len(c.line) == 0 && !c.long {
			c.look(p[:end]) // the whole line is here
		} else {
			c.keep(p[:end])
			c.look(c.line)
		}
		c.line, c.long = c.line[:0], false
		c.lines++
		p = p[end+1:]
	}
}

// keep keeps the beginning of a line whose end has not arrived.
func (c *content) keep(p []byte) {
	if c.long = c.long || len(c.line)+len(p) > maxResource; !c.long {
		c.line = append(c.line, p...)
	}
}

// byteOrderMark may begin a file in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// look looks at a whole line.
func (c *content) look(line []byte) {
	if c.lines == 0 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 && !c.long {
		return
	}
	c.resources++
	if c.long {
		c.reject(fmt.Sprintf("longer than %d bytes", maxResource))
		return
	}
	if c.trusted && c.looksRight(line) {
		c.good++
		return
	}
	kind, err := resourceType(line)
	switch {
	case err != nil:
		c.reject(err.Error())
	case c.resource != "" && kind != c.resource:
		if c.others == "" {
			c.others = kind
		}
	default:
		c.good++
	}
}

// looksRight tells whether a line begins as a resource of the type does that
// servers write most, and ends as an object.
func (c *content) looksRight(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(`{"resourceType":"`))
	return ok && c.resource != "" && bytes.HasPrefix(rest, []byte(c.resource+`"`)) && line[len(line)-1] == '}'
}

func (c *content) reject(reason string) {
	if len(c.rejected) == maxRejected {
		c.more++
		return
	}
	c.rejected = append(c.rejected, RejectedLine{Line: c.lines + 1, Reason: reason})
}

// resourceType parses a line and returns the type of its resource. Its errors
// quote nothing of the line.
func resourceType(line []byte) (string, error) {
	if !utf8.Valid(line) {
		return "", errors.New("not UTF-8")
	}
	var r struct {
		ResourceType string `json:"resourceType"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return "", fmt.Errorf("not JSON, from byte %d on", syntax.Offset)
		}
		return "", errors.New("not a resource")
	}
	if r.ResourceType == "" {
		return "", errors.New("a resource without a type")
	}
	return r.ResourceType, nil
}

// end looks at what came after the last newline, and says what is wrong with
// the file as a whole.
func (c *content) end() error {
	last := bytes.TrimSpace(c.line)
	if c.long || len(last) > 0 {
		if c.lines == 0 {
			last = bytes.TrimPrefix(last, byteOrderMark)
		}
		if _, err := resourceType(last); c.long || err != nil && c.lines > 0 {
			return fmt.Errorf("%w: it ends in the middle of line %d", ErrNotPromised, c.lines+1)
		}
		c.look(c.line)
		c.line = c.line[:0]
	}
	switch {
	case c.others != "":
		return fmt.Errorf("%w: it has a %s, and the manifest says %s", ErrNotPromised, Printable(c.others, 40), Printable(c.resource, 40))
	case c.resources > 0 && c.good == 0:
		return fmt.Errorf("%w: none of its %d lines is a resource", ErrNotPromised, c.resources)
	}
	return nil
}
