package segment

import (
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"
)

// deflated compresses by the standard library, ended as end says.
func deflated(t testing.TB, plain string, end func(*flate.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := end(w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestInflateRefuses: whatever could not be joined, or is not what it says.
func TestInflateRefuses(t *testing.T) {
	const plain = "one line\nanother line\n"
	good := Segment{deflated(t, plain, (*flate.Writer).Flush), crc32.ChecksumIEEE([]byte(plain)), int64(len(plain))}
	if got, err := good.Inflate(nil); err != nil || string(got) != plain {
		t.Fatalf("a good one: %q, %v", got, err)
	}
	final := deflated(t, plain, (*flate.Writer).Close)
	with := func(change func(*Segment)) Segment {
		s := good
		change(&s)
		return s
	}
	for name, s := range map[string]Segment{
		"longer":           with(func(s *Segment) { s.Length-- }),
		"shorter":          with(func(s *Segment) { s.Length++ }),
		"negative":         with(func(s *Segment) { s.Length = -1 }),
		"beyond all":       with(func(s *Segment) { s.Length = 1 << 62 }),
		"beyond its bytes": with(func(s *Segment) { s.Length = maxRatio*int64(len(s.Deflate)) + 1 }),
		"checksum":         with(func(s *Segment) { s.CRC++ }),
		"empty, checksum":  {CRC: 1},
		"empty, length":    {Length: 1},
		"cut":              with(func(s *Segment) { s.Deflate = s.Deflate[:len(s.Deflate)-1] }),
		"cut at a marker":  with(func(s *Segment) { s.Deflate = append(s.Deflate[:3:3], syncMarker...) }),
		"a final block":    with(func(s *Segment) { s.Deflate = final }),
		"a final block before a marker": with(func(s *Segment) {
			s.Deflate = append(bytes.Clone(final), 0, 0, 0, 0xff, 0xff)
		}),
		"a window before it": {[]byte{0x1b, 0x02, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff}, 0, 5},
		// A stored block of 9 bytes of which 4 are there, and they look like a marker.
		"inside a stored block": {[]byte{0, 9, 0, 0xf6, 0xff, 0, 0, 0xff, 0xff}, crc32.ChecksumIEEE(syncMarker), 4},
	} {
		got, err := s.Inflate([]byte("dst"))
		if !errors.Is(err, ErrDamaged) || string(got) != "dst" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// mustJoin holds that a segment that Inflate took can stand anywhere.
func mustJoin(t fataler, s Segment, plain []byte) {
	j, err := NewJoiner(1)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	j.Reset(&file)
	want := bytes.Join([][]byte{plain, []byte("between"), plain, plain}, nil)
	err = errors.Join(j.Segment(s), writeTo(j, "between"), j.Segment(s), j.Segment(s), j.Close())
	if err != nil {
		t.Fatal("join a segment that can be inflated:", err)
	}
	if got, err := gunzip(&file); err != nil || !bytes.Equal(got, want) {
		t.Fatal("a segment that can be inflated cannot be joined:", err)
	}
}

func writeTo(j *Joiner, s string) error {
	_, err := io.WriteString(j, s)
	return err
}

// TestInflateTakesNoMoreThanItSays: a bomb costs nothing.
func TestInflateTakesNoMoreThanItSays(t *testing.T) {
	bomb := Segment{Deflate: deflated(t, string(make([]byte, 4<<20)), (*flate.Writer).Flush), Length: 100}
	var i Inflater
	if got, err := i.Inflate(nil, bomb); !errors.Is(err, ErrDamaged) || cap(got) != 0 {
		t.Fatalf("%d bytes, %v", cap(got), err)
	}
	// Nearly all of it is still unread.
	if left := i.source.Len(); left < len(bomb.Deflate)*9/10 {
		t.Errorf("%d of %d bytes are left", left, len(bomb.Deflate))
	}
}

func TestInflaterDoesNotAllocate(t *testing.T) {
	b := newBuilder(t, 3)
	s, _ := newEnrollee(1).build(t, b)
	other, _ := newEnrollee(2).build(t, b)
	broken := s
	broken.CRC++
	var i Inflater
	var dst []byte
	turn := func() {
		for _, s := range []Segment{s, other} {
			var err error
			if dst, err = i.Inflate(dst[:0], s); err != nil {
				t.Fatal(err)
			}
		}
	}
	turn()
	if _, err := i.Inflate(dst[:0], broken); err == nil {
		t.Fatal("a broken segment was taken")
	}
	if n := testing.AllocsPerRun(10, turn); n > 0 {
		t.Errorf("%.0f allocations for two segments", n)
	}
}

func FuzzInflate(f *testing.F) {
	s, _ := newEnrollee(1).build(f, newBuilder(f, 1))
	f.Add(s.Deflate[:2000], int64(100), uint32(1))
	f.Add(s.Deflate, s.Length, s.CRC)
	f.Add([]byte{0, 0, 0, 0xff, 0xff}, int64(0), uint32(0))
	f.Add([]byte{0, 9, 0, 0xf6, 0xff, 0, 0, 0xff, 0xff}, int64(4), crc32.ChecksumIEEE(syncMarker))
	f.Fuzz(func(t *testing.T, deflate []byte, length int64, crc uint32) {
		s := Segment{deflate, crc, length}
		plain, err := s.Inflate(nil)
		if err != nil {
			if !errors.Is(err, ErrDamaged) || plain != nil {
				t.Fatalf("%d bytes, %v", len(plain), err)
			}
			// With the right checksum it may be a good one after all.
			plain, _ = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflate)), 1<<20))
			s.CRC, s.Length = crc32.ChecksumIEEE(plain), int64(len(plain))
			if _, err := s.Inflate(nil); err != nil {
				return
			}
		}
		if int64(len(plain)) != s.Length {
			t.Fatalf("%d bytes, want %d", len(plain), s.Length)
		}
		mustJoin(t, s, plain)
	})
}

// TestInflateFrom: each entry is reached by its own block and those after it,
// whatever happened to the blocks before, and no other damage goes unnoticed.
func TestInflateFrom(t *testing.T) {
	s, x := newEnrollee(1).build(t, newBuilder(t, 3))
	plain := newEnrollee(1).plain()
	second := slices.IndexFunc(x[1:], func(e Entry) bool { return e.Block.Begins }) + 1
	if second == 0 {
		t.Fatal("the segment has one block")
	}
	var i Inflater
	damaged := Segment{bytes.Clone(s.Deflate), s.CRC, s.Length}
	damaged.Deflate[x[second].Block.At/2] ^= 0x55
	for at := range x {
		got, first, err := i.InflateFrom([]byte("dst"), damaged, x, at)
		if at < second {
			if !errors.Is(err, ErrDamaged) || string(got) != "dst" {
				t.Errorf("from entry %d: %d bytes, %v", at, len(got), err)
			}
			continue
		}
		if err != nil || first != second || string(got) != "dst"+string(plain[x[second].Offset:]) {
			t.Errorf("from entry %d: %d bytes from entry %d, %v", at, len(got), first, err)
		}
	}
	for name, change := range map[string]func(*Block){
		"its CRC":    func(b *Block) { b.CRC++ },
		"its place":  func(b *Block) { b.At++ },
		"beyond":     func(b *Block) { b.At = int64(len(s.Deflate)) + 1 },
		"before all": func(b *Block) { b.At = -1 },
	} {
		bad := slices.Clone(x)
		change(&bad[second].Block)
		for _, at := range []int{0, second} {
			got, _, err := i.InflateFrom([]byte("dst"), s, bad, at)
			if !errors.Is(err, ErrDamaged) || string(got) != "dst" {
				t.Errorf("%s is wrong, from entry %d: %d bytes, %v", name, at, len(got), err)
			}
		}
	}
}
