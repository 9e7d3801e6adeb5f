package segment

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kgzip "github.com/klauspost/compress/gzip"
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
			ID: fmt.Sprintf("carrier-%d", rapid.IntRange(0, 1<<40).Draw(t, "id")), Type: uint8(i), Cancelled: rapid.Bool().Draw(t, "cancelled"),
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

// TestJoinIsOneMember: any sequence of plain bytes and segments inflates to
// their concatenation, as one gzip member, for every reader; and the same
// sequence gives the same bytes.
func TestJoinIsOneMember(t *testing.T) {
	b, err := NewBuilder(6)
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJoiner(3)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var want, file, second bytes.Buffer
		type piece struct {
			segment *Segment
			plain   []byte
		}
		var pieces []piece
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			if rapid.Bool().Draw(t, "plain") {
				pieces = append(pieces, piece{plain: line(t, "piece")})
				continue
			}
			s, _, plain := build(t, b)
			s.Deflate = bytes.Clone(s.Deflate)
			pieces = append(pieces, piece{&s, plain})
		}
		for _, to := range []*bytes.Buffer{&file, &second} {
			j.Reset(to)
			for _, p := range pieces {
				if p.segment != nil {
					err = j.Segment(*p.segment)
				} else {
					_, err = j.Write(p.plain)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range pieces {
			want.Write(p.plain)
		}
		if !bytes.Equal(file.Bytes(), second.Bytes()) {
			t.Fatal("the same pieces gave other bytes")
		}
		standard, err := gzip.NewReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		standard.Multistream(false)
		klauspost, err := kgzip.NewReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		klauspost.Multistream(false)
		for _, r := range []io.Reader{standard, klauspost} {
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("%d bytes, %v; want %d", len(got), err, want.Len())
			}
		}
	})
}

func TestGzipReadsIt(t *testing.T) {
	if _, err := exec.LookPath("gzip"); err != nil {
		t.Skip("gzip is not there")
	}
	b, err := NewBuilder(6)
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJoiner(3)
	if err != nil {
		t.Fatal(err)
	}
	var file, want bytes.Buffer
	j.Reset(&file)
	for i := range 50 {
		text := []byte(strings.Repeat(fmt.Sprintf("line %d\n", i), i))
		want.Write(text)
		if i%3 == 0 {
			if _, err := j.Write(text); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b.Reset()
		if err := b.Add(text, Entry{ID: "x"}); err != nil {
			t.Fatal(err)
		}
		s, _, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Segment(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gzip", "-dc")
	cmd.Stdin = &file
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Equal(out, want.Bytes()) {
		t.Errorf("%v: %d bytes, want %d", err, len(out), want.Len())
	}
}

// TestTrailer: a file of more than 4 GiB has its length modulo 2^32.
func TestTrailer(t *testing.T) {
	var b [8]byte
	putTrailer(&b, 0x01020304, 5<<32+7)
	if want := [8]byte{4, 3, 2, 1, 7, 0, 0, 0}; b != want {
		t.Errorf("%x, want %x", b, want)
	}
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

func BenchmarkJoin(b *testing.B) {
	text := bytes.Repeat([]byte(`{"resourceType":"ExplanationOfBenefit","id":"carrier--10000006488576","meta":{"lastUpdated":"2020-04-18T22:17:32.300+00:00"}}`+"\n"), 800)
	builder, err := NewBuilder(6)
	if err != nil {
		b.Fatal(err)
	}
	if err := builder.Add(text, Entry{ID: "x"}); err != nil {
		b.Fatal(err)
	}
	s, _, err := builder.Finish()
	if err != nil {
		b.Fatal(err)
	}
	j, err := NewJoiner(3)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	j.Reset(io.Discard)
	for b.Loop() {
		if err := j.Segment(s); err != nil {
			b.Fatal(err)
		}
	}
}
