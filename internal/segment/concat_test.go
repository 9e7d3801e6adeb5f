package segment

import (
	"bytes"
	"testing"
)

// TestConcat: segments one after the other are a segment of all their lines.
func TestConcat(t *testing.T) {
	b := newBuilder(t, 6)
	first, _ := newEnrollee(1).build(t, b)
	second, _ := newEnrollee(2).build(t, b)
	all := Concat([]byte("before")[:0], first, Segment{}, second)
	plain, err := all.Inflate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain, append(newEnrollee(1).plain(), newEnrollee(2).plain()...)) {
		t.Error("the lines are not those of the segments, one after the other")
	}
	if all.Deflate[len(first.Deflate)] ^= 1; true {
		if _, err := all.Inflate(nil); err == nil {
			t.Error("damage of the second segment is not noticed")
		}
	}
}
