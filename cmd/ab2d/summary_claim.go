package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// claim is what the summary needs of one ExplanationOfBenefit. A field that is
// absent or of another JSON type is empty.
type claim struct {
	resource, status string
	kind             string // code of the type coding whose system ends with eob-type
	patient          string
	start, end       string // billablePeriod
	updated          string // meta.lastUpdated
}

// errJSON says that a line is not a JSON object.
var errJSON = errors.New("not a JSON object")

// readClaim finds the fields in a line. It goes over the rest without decoding
// it, several times as fast as encoding/json, and does not check it either: the
// file's checksum was checked when it was downloaded.
func readClaim(line []byte) (claim, error) {
	var c claim
	end, err := members(line, func(key, v []byte) {
		switch string(key) {
		case "resourceType":
			c.resource = text(v)
		case "status":
			c.status = text(v)
		case "type":
			c.kind = eobType(v)
		case "patient":
			c.patient = field(v, "reference")
		case "billablePeriod":
			c.start, c.end = field(v, "start"), field(v, "end")
		case "meta":
			c.updated = field(v, "lastUpdated")
		}
	})
	if err == nil && end != len(line) {
		err = errJSON
	}
	return c, err
}

// field is a text in a JSON object.
func field(object []byte, name string) string {
	var s string
	if _, err := members(object, func(key, v []byte) {
		if string(key) == name {
			s = text(v)
		}
	}); err != nil {
		return ""
	}
	return s
}

// eobType is the code of the first coding whose system ends with eob-type.
func eobType(concept []byte) string {
	var code string
	coding := func(v []byte) {
		if code == "" && strings.HasSuffix(field(v, "system"), "eob-type") {
			code = field(v, "code")
		}
	}
	_, err := members(concept, func(key, v []byte) {
		if string(key) == "coding" && v[0] == '[' {
			code = ""
			_ = elements(v, coding) // the array's end was found already
		}
	})
	if err != nil {
		return ""
	}
	return code
}

// text is a JSON string's value; empty when it is not one.
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return string(unquote(v))
}

// unquote gives what is between the quotes of a JSON string.
func unquote(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return nil
	}
	return []byte(s)
}

// members calls f with the name and the value of each member of the JSON object at
// the start of b, and gives the object's end.
func members(b []byte, f func(key, value []byte)) (end int, err error) {
	return items(b, '{', '}', func(i int) (int, error) {
		if b[i] != '"' {
			return 0, errJSON
		}
		colon, err := skip(b, i)
		if err != nil {
			return 0, err
		}
		key := unquote(b[i:colon])
		if colon = blank(b, colon); colon == len(b) || b[colon] != ':' {
			return 0, errJSON
		}
		start := blank(b, colon+1)
		end, err := skip(b, start)
		if err != nil {
			return 0, err
		}
		f(key, b[start:end])
		return end, nil
	})
}

// elements calls f with each element of the JSON array at the start of b.
func elements(b []byte, f func(value []byte)) error {
	_, err := items(b, '[', ']', func(i int) (int, error) {
		end, err := skip(b, i)
		if err == nil {
			f(b[i:end])
		}
		return end, err
	})
	return err
}

// items calls f with the start of each item, which gives its end, between two
// brackets at the start of b. It gives the index after the closing one.
func items(b []byte, open, shut byte, f func(i int) (int, error)) (int, error) {
	if len(b) == 0 || b[0] != open {
		return 0, errJSON
	}
	i := blank(b, 1)
	if i < len(b) && b[i] == shut {
		return i + 1, nil
	}
	for i < len(b) {
		end, err := f(i)
		if err != nil {
			return 0, err
		}
		if i = blank(b, end); i == len(b) {
			break
		}
		switch b[i] {
		case shut:
			return i + 1, nil
		case ',':
			i = blank(b, i+1)
		default:
			return 0, errJSON
		}
	}
	return 0, errJSON
}

// blank is the index of the next byte that is not white space.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skip is the end of the value that starts at i. Inside objects and arrays it
// looks at strings and brackets only.
func skip(b []byte, i int) (int, error) {
	for start, depth := i, 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = quoted(b, i); i < 0 {
				return 0, errJSON
			}
			if depth == 0 {
				return i + 1, nil
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
			if depth < 0 { // a number or word ends with what surrounds it
				return i, nonempty(start, i)
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i, nonempty(start, i)
			}
		}
	}
	return 0, errJSON
}

func nonempty(start, end int) error {
	if start == end {
		return errJSON
	}
	return nil
}

// quoted is the index of the quote that ends the string starting at i; -1 when
// there is none.
func quoted(b []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		slashes := 0
		for end := i + n; b[end-1-slashes] == '\\'; slashes++ {
		}
		if i += n; slashes%2 == 0 {
			return i
		}
	}
}
