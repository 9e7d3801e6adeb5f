package segment

import (
	"hash/crc32"
	"testing"

	"pgregory.net/rapid"
)

// TestCombineLong holds lengths beyond what can be summed byte by byte: to
// append n and then m bytes is to append n+m.
func TestCombineLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b"), rapid.Uint32().Draw(t, "c")
		n := rapid.Int64Range(0, 1<<61).Draw(t, "n")
		m := rapid.Int64Range(0, 1<<61).Draw(t, "m")
		left := combine(combine(a, b, n), c, m)
		if right := combine(a, combine(b, c, m), n+m); left != right {
			t.Fatalf("joined from the left %08x, from the right %08x", left, right)
		}
	})
}

// TestCombineZeros compares with the sum over many zero bytes, long enough to
// use most of the powers.
func TestCombineZeros(t *testing.T) {
	zeros := make([]byte, 1<<20)
	sum, length, part := uint32(0x12345678), int64(0), crc32.ChecksumIEEE(zeros)
	for range 5 {
		want := crc32.Update(sum, crc32.IEEETable, zeros)
		if got := combine(sum, part, int64(len(zeros))); got != want {
			t.Fatalf("after %d bytes: %08x, want %08x", length, got, want)
		}
		sum, length = want, length+int64(len(zeros))
	}
}

func TestCrcPowersRepeat(t *testing.T) {
	last := crcPowers[len(crcPowers)-1]
	if got := crcMultiply(last, last); got != crcX {
		t.Errorf("x^(2^32) = %08x, want x", got)
	}
}

func BenchmarkCombine(b *testing.B) {
	sum := uint32(1)
	for b.Loop() {
		sum = combine(sum, 0xdeadbeef, 100_003)
	}
}
