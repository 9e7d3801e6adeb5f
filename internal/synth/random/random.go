package random

import "math/bits"

// golden is the increment of SplitMix64: 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// Mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection
// that spreads each bit of x over all bits of the result.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Derive makes the key of a thing named by label inside the thing of key.
func Derive(key, label uint64) uint64 { return Mix(key ^ Mix(label+golden)) }

// Stream is a sequence of random numbers that its key alone decides. Own
// code, because the sequence must never change under a new library version.
type Stream struct{ State uint64 }

func New(key, label uint64) Stream { return Stream{Derive(key, label)} }

func (s *Stream) Next() uint64 {
	s.State += golden
	return Mix(s.State)
}

// Below draws from 0 to n-1.
func (s *Stream) Below(n int) int {
	hi, _ := bits.Mul64(s.Next(), uint64(n))
	return int(hi)
}

// Between draws from first to last, both included.
func (s *Stream) Between(first, last int) int { return first + s.Below(last-first+1) }

// Chance is true in perMille of a thousand draws.
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
