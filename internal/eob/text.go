package eob

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string and copies it if n holds text.
func (s *scanner) text(n *node) bool {
	if !n.keeps(text) && !n.keeps(unkept) {
		s.quoted()
		return false
	}
	start := s.pos
	v := s.string()
	s.facts.note(n.tells, v)
	if n.holds == unkept || !n.allows(v) || n.tells == referenceFact && !s.refers(v) {
		return false
	}
	s.out = append(s.out, s.in[start:s.pos]...)
	return true
}

// string reads a string and gives it without escapes. It is valid until the
// end of the claim.
func (s *scanner) string() []byte {
	inner, escaped := s.quoted()
	if !escaped {
		return inner
	}
	start := len(s.scratch)
	s.scratch = unescape(s.scratch, inner)
	return s.scratch[start:]
}

// quoted reads a string, strictly, and gives what stands between its quotes;
// escaped tells whether that has escapes.
func (s *scanner) quoted() (inner []byte, escaped bool) {
	in, start := s.in, s.pos+1
	for i := start; i < len(in); {
		if i+8 <= len(in) {
			marks := special(binary.LittleEndian.Uint64(in[i:]))
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) / 8
		}
		switch c := in[i]; {
		case c == '"':
			s.pos = i + 1
			if s.mayBeAlien(in[start:i], escaped) && s.alien(in[start:i], escaped) {
				s.fail(s.facts.shape.alienReason, start)
			}
			return in[start:i], escaped
		case c == '\\':
			n := escape(in[i:])
			if n == 0 {
				s.fail("a bad escape in a string", i)
				return nil, false
			}
			i, escaped = i+n, true
		case c < ' ':
			s.fail("a control character in a string", i)
			return nil, false
		case c < utf8.RuneSelf: // of the last bytes of the input
			i++
		default:
			r, n := utf8.DecodeRune(in[i:])
			if r == utf8.RuneError && n == 1 {
				s.fail("bad UTF-8", i)
				return nil, false
			}
			i += n
		}
	}
	s.fail("the claim ends too early", len(in))
	return nil, false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, with the high bit of each, those of eight bytes that are a
// quote, a backslash, a control character or not ASCII. Subtracting sets the
// high bit of an ASCII byte that is too small. A borrow may mark a byte too
// many, but only above a right one, and the lowest is what counts.
func special(w uint64) (marks uint64) {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((w - ones*' ') | (quote - ones) | (slash - ones) | w) & highs
}

// escape gives the length of the escape that b begins with; 0 if it is bad.
// Surrogates must come in pairs (RFC 7493 §2.1).
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	}
	r := unicode16(b)
	if r < 0 {
		return 0
	}
	if !utf16.IsSurrogate(r) {
		return 6
	}
	if utf16.DecodeRune(r, unicode16(b[6:])) == utf8.RuneError {
		return 0
	}
	return 12
}

// unicode16 reads \uXXXX; -1 when b does not begin with it.
func unicode16(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape appends a string that quoted has read.
func unescape(dst, b []byte) []byte {
	for len(b) > 0 {
		if b[0] != '\\' {
			dst, b = append(dst, b[0]), b[1:]
			continue
		}
		n := escape(b)
		switch c := b[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := unicode16(b)
			if n == 12 {
				r = utf16.DecodeRune(r, unicode16(b[6:]))
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		b = b[n:]
	}
	return dst
}

// literal reads true, false or null.
func (s *scanner) literal(word string, keep bool) bool {
	if len(s.in)-s.pos < len(word) || string(s.in[s.pos:s.pos+len(word)]) != word {
		s.fail("not a JSON value", s.pos)
		return false
	}
	s.pos += len(word)
	if keep {
		s.out = append(s.out, word...)
	}
	return keep
}

// number reads a number (RFC 8259 §6). It is copied as it is written: in FHIR
// 1.10 says more than 1.1.
func (s *scanner) number(keep bool) bool {
	start := s.pos
	if s.at('-', '-') {
		s.pos++
	}
	whole := s.pos
	if s.digits() == 0 || s.in[whole] == '0' && s.pos > whole+1 {
		s.bad(start)
		return false
	}
	if s.at('.', '.') {
		s.pos++
		if s.digits() == 0 {
			s.bad(start)
			return false
		}
	}
	if s.at('e', 'E') {
		s.pos++
		if s.at('+', '-') {
			s.pos++
		}
		if s.digits() == 0 {
			s.bad(start)
			return false
		}
	}
	if keep {
		s.out = append(s.out, s.in[start:s.pos]...)
	}
	return keep
}

// bad notes that what begins at start is no number, nor any other value.
func (s *scanner) bad(start int) {
	if s.pos >= len(s.in) {
		s.unexpected("")
		return
	}
	s.fail("not a JSON value", start)
}

// at tells whether the next byte is a or b.
func (s *scanner) at(a, b byte) bool {
	return s.pos < len(s.in) && (s.in[s.pos] == a || s.in[s.pos] == b)
}

// digits passes over digits and tells how many there are.
func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.in) && s.in[s.pos] >= '0' && s.in[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}
