package segment

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSegmentGivesItsLinesBack(t *testing.T) {
	e := newEnrollee(1)
	s, x := e.build(t, newBuilder(t, 5))
	plain, err := s.Inflate([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	if string(plain[:6]) != "before" || !bytes.Equal(plain[6:], e.plain()) {
		t.Fatal("the inflated bytes are not those that went in")
	}
	if len(x) != len(e.lines) || x.Length() != s.Length {
		t.Fatalf("%d entries over %d bytes, want %d over %d", len(x), x.Length(), len(e.lines), s.Length)
	}
	for i, at := range x {
		if line := plain[6:][at.Offset : at.Offset+at.Length]; !bytes.Equal(line, e.lines[i]) {
			t.Errorf("entry %d does not stand for its line", i)
		}
		want := e.entries[i]
		want.Offset, want.Length, want.Block = at.Offset, at.Length, at.Block
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestSegmentsAreIndependent: what a builder made before leaves no trace.
func TestSegmentsAreIndependent(t *testing.T) {
	for level := 1; level <= 9; level++ {
		used := newBuilder(t, level)
		newEnrollee(2).build(t, used)
		if err := used.Add([]byte("given up\n"), Entry{}); err != nil {
			t.Fatal(err)
		}
		used.Reset()
		first, _ := newEnrollee(1).build(t, newBuilder(t, level))
		again, _ := newEnrollee(1).build(t, used)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("level %d: a reused builder makes another segment", level)
		}
	}
}

func TestFinishIsTheCallersToKeep(t *testing.T) {
	b := newBuilder(t, 3)
	s, x := newEnrollee(1).build(t, b)
	deflate, entries := bytes.Clone(s.Deflate), append(Index(nil), x...)
	newEnrollee(2).build(t, b)
	if !bytes.Equal(deflate, s.Deflate) || !cmp.Equal(entries, x) {
		t.Error("the next segment changed the one before it")
	}
}

func TestEmptySegment(t *testing.T) {
	s, x, err := newBuilder(t, 3).Finish()
	if err != nil || !cmp.Equal(s, Segment{}) || len(x) != 0 || x.Length() != 0 {
		t.Fatalf("got %v, %v, %v", s, x, err)
	}
	for _, s := range []Segment{{}, {Deflate: []byte{0, 0, 0, 0xff, 0xff}}} {
		if plain, err := s.Inflate(nil); err != nil || len(plain) != 0 {
			t.Errorf("%v: %d bytes, %v", s, len(plain), err)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	b := newBuilder(t, 3)
	for name, c := range map[string]struct {
		line string
		e    Entry
	}{
		"no line":         {"", Entry{}},
		"no newline":      {"{}", Entry{}},
		"long id":         {"{}\n", Entry{ID: string(make([]byte, 65))}},
		"extension after": {"{}\n", Entry{HasExtension: true, ExtensionAt: 4}},
	} {
		if err := b.Add([]byte(c.line), c.e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s, x, err := b.Finish(); err != nil || s.Length != 0 || len(x) != 0 {
		t.Errorf("refused lines left %v, %v, %v", s, x, err)
	}
	for _, level := range []int{-33, -2, -1, 0, 10} {
		if _, err := NewBuilder(level); err == nil {
			t.Errorf("level %d: no error", level)
		}
	}
}
