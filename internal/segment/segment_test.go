package segment

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCombineCRC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOf(rapid.Byte()).Draw(t, "a")
		b := bytes.Repeat(rapid.SliceOf(rapid.Byte()).Draw(t, "b"), rapid.IntRange(0, 3000).Draw(t, "times"))
		want := crc32.ChecksumIEEE(append(bytes.Clone(a), b...))
		if got := combine(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), int64(len(b))); got != want {
			t.Fatalf("%08x, want %08x", got, want)
		}
	})
}

// line is a claim that compresses as claims do.
func line(t *rapid.T, name string) []byte {
	return []byte(strings.Repeat(fmt.Sprintf(`{"id":"%s","x":`, rapid.StringN(0, 40, 60).Draw(t, name)), rapid.IntRange(0, 200).Draw(t, name+" length")) + "\n")
}

func build(t *rapid.T, b *Builder) (Segment, Index, []byte) {
	b.Reset()
	var plain []byte
	for i := range rapid.IntRange(0, 30).Draw(t, "lines") {
		l := line(t, "line")
		e := Entry{
			ID: fmt.Sprintf("carrier-%d", rapid.IntRange(0, 1<<40).Draw(t, "id")), Type: uint8(i), Canceled: rapid.Bool().Draw(t, "canceled"),
			HasStart: rapid.Bool().Draw(t, "has start"), HasEnd: rapid.Bool().Draw(t, "has end"), HasExtension: rapid.Bool().Draw(t, "has extension"),
			LastUpdated: rapid.Int64().Draw(t, "updated"), ExtensionAt: uint32(rapid.IntRange(0, len(l)).Draw(t, "extension")),
		}
		if e.HasStart {
			e.Start = rapid.Int32().Draw(t, "start")
		}
		if e.HasEnd {
			e.End = rapid.Int32().Draw(t, "end")
		}
		if err := b.Add(l, e); err != nil {
			t.Fatal(err)
		}
		plain = append(plain, l...)
	}
	s, x, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return s, x, plain
}

func TestSegmentsAndIndexesComeBack(t *testing.T) {
	b, err := NewBuilder(6)
	if err != nil {
		t.Fatal(err)
	}
	var inflater Inflater
	rapid.Check(t, func(t *rapid.T) {
		s, x, plain := build(t, b)
		got, err := inflater.Inflate(nil, s)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("inflated to %d bytes, %v; want %d", len(got), err, len(plain))
		}
		for at := range x {
			tail, first, err := inflater.InflateFrom(nil, s, x, at)
			if err != nil || first > at || !bytes.Equal(tail, plain[x[first].Offset:]) {
				t.Fatalf("from entry %d: %d bytes from entry %d, %v", at, len(tail), first, err)
			}
		}
		if x.Length() != s.Length {
			t.Fatalf("the index has %d bytes, the segment %d", x.Length(), s.Length)
		}
		var again Index
		if err := again.Unmarshal(x.Marshal(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append(Index{}, x...), append(Index{}, again...)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestDamageIsFound: no change of a stored segment goes unnoticed.
func TestDamageIsFound(t *testing.T) {
	b, err := NewBuilder(6)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s, x, _ := build(t, b)
		if len(s.Deflate) == 0 {
			return
		}
		bad := Segment{Deflate: bytes.Clone(s.Deflate), CRC: s.CRC, Length: s.Length}
		switch rapid.IntRange(0, 3).Draw(t, "damage") {
		case 0:
			bad.Length++
		case 1:
			bad.CRC ^= 1
		case 2:
			bad.Deflate = bad.Deflate[:rapid.IntRange(0, len(bad.Deflate)-1).Draw(t, "cut")]
		case 3:
			bad.Length--
		}
		if _, err := bad.Inflate(nil); !errors.Is(err, ErrDamaged) {
			t.Fatalf("got %v, want ErrDamaged", err)
		}
		stored := x.Marshal(nil)
		stored[rapid.IntRange(1, len(stored)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		var again Index
		if err := again.Unmarshal(stored); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a damaged index: %v, want ErrDamaged", err)
		}
	})
}

// FuzzIndex: foreign bytes are refused, or are an index that is stored alike.
func FuzzIndex(f *testing.F) {
	f.Add(Index{{ID: "carrier-1", Length: 10}, {ID: "carrier-2", Offset: 10, Length: 5, HasStart: true, Start: 7}}.Marshal(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var x, again Index
		if x.Unmarshal(b) != nil {
			return
		}
		if err := again.Unmarshal(x.Marshal(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
