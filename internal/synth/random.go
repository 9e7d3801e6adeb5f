package synth

import "math/bits"

// golden is the increment of SplitMix64: 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection
// that spreads each bit of x over all bits of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// derive makes the key of a thing named by label inside the thing of key.
func derive(key, label uint64) uint64 { return mix(key ^ mix(label+golden)) }

// stream is a sequence of random numbers that its key alone decides. Own
// code, because the sequence must never change under a new library version.
type stream struct{ state uint64 }

func streamOf(key, label uint64) stream { return stream{derive(key, label)} }

func (s *stream) next() uint64 {
	s.state += golden
	return mix(s.state)
}

// below draws from 0 to n-1.
func (s *stream) below(n int) int {
	hi, _ := bits.Mul64(s.next(), uint64(n))
	return int(hi)
}

// between draws from first to last, both included.
func (s *stream) between(first, last int) int { return first + s.below(last-first+1) }

// chance is true in perMille of a thousand draws.
func (s *stream) chance(perMille int) bool { return s.below(1000) < perMille }

// pick draws an index by its weight. The weights must not all be zero.
func (s *stream) pick(weights []uint16) int {
	total := 0
	for _, w := range weights {
		total += int(w)
	}
	n := s.below(total)
	for i, w := range weights {
		if n -= int(w); n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
