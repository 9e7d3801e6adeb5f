package fhir

import (
	"bytes"
	"errors"
)

// errSubset says that a resource is not one compact JSON object.
var errSubset = errors.New("the resource is not a compact JSON object")

// subsetted is the tag that an incomplete resource carries, so that it is not taken
// for the whole (FHIR R4 §3.1.1.5.9, _elements).
const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// Subset cuts resources down to some of their top-level elements. It is safe for
// concurrent use.
type Subset struct{ keep map[string]bool }

// NewSubset returns a Subset that keeps the elements with these names. The
// resourceType and meta stay in any case.
func NewSubset(elements []string) *Subset {
	s := &Subset{keep: map[string]bool{"resourceType": true, "meta": true}}
	for _, e := range elements {
		s.keep[e] = true
	}
	return s
}

// Append appends the resource to dst with the kept elements only and with the tag
// SUBSETTED in meta, and returns it. The resource is one JSON object without white
// space between its values, as exports have it: it is read once and not parsed. An
// error means that it is not.
func (s *Subset) Append(dst, resource []byte) ([]byte, error) {
	if len(resource) < 2 || resource[0] != '{' || resource[len(resource)-1] != '}' {
		return dst, errSubset
	}
	dst = append(dst, '{')
	first, tagged := len(dst), false
	for at := 1; at < len(resource)-1; {
		end, ok := endOfValue(resource, at)
		if !ok || resource[at] != '"' || end >= len(resource) || resource[end] != ':' {
			return dst, errSubset
		}
		name := resource[at+1 : end-1]
		value := end + 1
		if end, ok = endOfValue(resource, value); !ok || end == value {
			return dst, errSubset
		}
		if s.keep[string(name)] {
			if len(dst) > first {
				dst = append(dst, ',')
			}
			if string(name) == "meta" {
				dst, tagged = appendTagged(append(dst, `"meta":`...), resource[value:end]), true
			} else {
				dst = append(dst, resource[at:end]...)
			}
		}
		switch {
		case end == len(resource)-1:
		case end < len(resource)-1 && resource[end] == ',':
			end++
		default:
			return dst, errSubset
		}
		at = end
	}
	if !tagged {
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, `"meta":{"tag":[`+subsetted+`]}`...)
	}
	return append(dst, '}'), nil
}

// appendTagged appends a meta with the tag.
func appendTagged(dst, meta []byte) []byte {
	tags := -1
	for at := 1; at < len(meta)-1; {
		end, ok := endOfValue(meta, at)
		if !ok || end >= len(meta) {
			break
		}
		if string(meta[at:end]) == `"tag"` {
			tags = end + 1
			break
		}
		if end, ok = endOfValue(meta, end+1); !ok {
			break
		}
		at = end + 1
	}
	switch {
	case tags > 0 && bytes.HasPrefix(meta[tags:], []byte("[]")):
		dst = append(dst, meta[:tags+1]...)
		dst = append(dst, subsetted...)
		return append(dst, meta[tags+1:]...)
	case tags > 0 && bytes.HasPrefix(meta[tags:], []byte("[")):
		dst = append(dst, meta[:tags+1]...)
		dst = append(dst, subsetted+","...)
		return append(dst, meta[tags+1:]...)
	case len(meta) <= 2:
		return append(dst, `{"tag":[`+subsetted+`]}`...)
	}
	dst = append(dst, meta[:len(meta)-1]...)
	return append(dst, `,"tag":[`+subsetted+`]}`...)
}

// endOfValue finds where the JSON value that begins at a place ends.
func endOfValue(b []byte, at int) (end int, ok bool) {
	if at >= len(b) {
		return at, false
	}
	switch b[at] {
	case '"':
		return endOfText(b, at)
	case '{', '[':
		depth := 0
		for at < len(b) {
			switch b[at] {
			case '"':
				if at, ok = endOfText(b, at); !ok {
					return at, false
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return at + 1, true
				}
			}
			at++
		}
		return at, false
	}
	n := bytes.IndexAny(b[at:], ",}]")
	return at + n, n > 0
}

// endOfText finds where a JSON text that begins at a place ends.
func endOfText(b []byte, at int) (end int, ok bool) {
	for at++; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return len(b), false
		}
		at += n + 1
		slashes := 0
		for b[at-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at, true
		}
	}
}
