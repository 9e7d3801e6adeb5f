package random

import "math/bits"

// golden is the increment of SplitMix64: 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// Mix spreads each bit of x over all bits of the result. It is the finalizer of
// SplitMix64 (Steele, Lea, Flood 2014), a bijection.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Derive returns the key of the thing that label names inside the thing of key.
func Derive(key, label uint64) uint64 { return Mix(key ^ Mix(label+golden)) }

// Stream is a sequence of random numbers that its key alone decides. It is not
// safe for concurrent use; a copy continues on its own.
type Stream struct{ State uint64 }

// New returns the stream that a label names inside the thing of a key.
func New(key, label uint64) Stream { return Stream{Derive(key, label)} }

// Next draws any 64 bits.
func (s *Stream) Next() uint64 {
	s.State += golden
	return Mix(s.State)
}

// Below draws a number from 0 to n-1.
func (s *Stream) Below(n int) int {
	hi, _ := bits.Mul64(s.Next(), uint64(n))
	return int(hi)
}

// Between draws a number from first to last, both included.
func (s *Stream) Between(first, last int) int { return first + s.Below(last-first+1) }

// Chance returns true in perMille of a thousand draws.
func (s *Stream) Chance(perMille int) bool { return s.Below(1000) < perMille }

// Pick draws an index by its weight. The weights must not all be zero.
func (s *Stream) Pick(weights []uint16) int {
	total := 0
	for _, w := range weights {
		total += int(w)
	}
	n := s.Below(total)
	for i, w := range weights {
		if n -= int(w); n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
