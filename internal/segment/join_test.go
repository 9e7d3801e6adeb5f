package segment

import (
	"bytes"
	stdgzip "compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"
)

// gunzip inflates a file of a single member, by both libraries.
func gunzip(file *bytes.Buffer) ([]byte, error) {
	ours := bytes.NewReader(file.Bytes())
	z, err := gzip.NewReader(ours)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	plain, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	if ours.Len() != 0 {
		return nil, fmt.Errorf("%d bytes after the first member", ours.Len())
	}
	std, err := stdgzip.NewReader(bytes.NewReader(file.Bytes()))
	if err != nil {
		return nil, err
	}
	again, err := io.ReadAll(std)
	if err == nil && sha256.Sum256(again) != sha256.Sum256(plain) {
		err = errors.New("the standard library inflates it to something else")
	}
	return plain, err
}

// piece is one step of a file: a segment, or plain bytes.
type piece struct {
	plain   []byte
	segment *Segment
}

func (p piece) join(j *Joiner) error {
	if p.segment != nil {
		return j.Segment(*p.segment)
	}
	_, err := j.Write(p.plain)
	return err
}

func joinAll(j *Joiner, to io.Writer, pieces []piece) error {
	j.Reset(to)
	for _, p := range pieces {
		if err := p.join(j); err != nil {
			return err
		}
	}
	return j.Close()
}

func concat(pieces []piece) (all []byte) {
	for _, p := range pieces {
		all = append(all, p.plain...)
	}
	return all
}

// piecesOf draws a file; segments are built by b.
func piecesOf(t *rapid.T, b *Builder) (pieces []piece) {
	for range rapid.IntRange(0, 12).Draw(t, "pieces") {
		lines := rapid.SliceOfN(anyLine, 0, 5).Draw(t, "lines")
		p := piece{plain: bytes.Join(lines, nil)}
		if rapid.Bool().Draw(t, "segment") {
			e := enrollee{lines, make([]Entry, len(lines))}
			s, _ := e.build(t, b)
			p.segment = &s
		}
		pieces = append(pieces, p)
	}
	return pieces
}

func newJoiner(t testing.TB, level int) *Joiner {
	t.Helper()
	j, err := NewJoiner(level)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJoin: any sequence of writes and segments is one member that inflates to
// all of them, and is the same file however often the joiner was used.
func TestJoin(t *testing.T) {
	for _, level := range []int{1, 3, 9} {
		j, b := newJoiner(t, level), newBuilder(t, level)
		rapid.Check(t, func(r *rapid.T) {
			pieces := piecesOf(r, b)
			var reused, fresh bytes.Buffer
			if err := errors.Join(joinAll(j, &reused, pieces), joinAll(newJoiner(t, level), &fresh, pieces)); err != nil {
				r.Fatal(err)
			}
			if !bytes.Equal(reused.Bytes(), fresh.Bytes()) {
				r.Fatal("a used joiner makes another file than a new one")
			}
			plain, err := gunzip(&reused)
			if err != nil {
				r.Fatal(err)
			}
			if sha256.Sum256(plain) != sha256.Sum256(concat(pieces)) {
				r.Fatal("the file does not inflate to what went in")
			}
		})
	}
}

// TestJoinCuts: how plain bytes are cut into writes does not change the file.
func TestJoinCuts(t *testing.T) {
	plain := newEnrollee(1).plain()
	for level := 1; level <= 9; level++ {
		j := newJoiner(t, level)
		var whole bytes.Buffer
		if err := joinAll(j, &whole, []piece{{plain: plain}}); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{7, 1000, 65535} {
			var pieces []piece
			for rest := plain; len(rest) > 0; {
				n := min(size, len(rest))
				pieces = append(pieces, piece{plain: rest[:n]}, piece{})
				rest = rest[n:]
			}
			var file bytes.Buffer
			if err := joinAll(j, &file, pieces); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(file.Bytes(), whole.Bytes()) {
				t.Errorf("level %d in writes of %d bytes: another file", level, size)
			}
		}
	}
}

func mixed(t testing.TB) []piece {
	b := newBuilder(t, 3)
	var pieces []piece
	for seed := range uint64(6) {
		e := newEnrollee(seed)
		p := piece{plain: e.plain()}
		if seed%3 != 0 {
			s, _ := e.build(t, b)
			p.segment = &s
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// TestJoinForGzip: the program that everybody has reads it.
func TestJoinForGzip(t *testing.T) {
	program, err := exec.LookPath("gzip")
	if err != nil {
		t.Skip("gzip is not installed")
	}
	for name, pieces := range map[string][]piece{"mixed": mixed(t), "empty": nil, "segments": mixed(t)[1:3]} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			if err := joinAll(newJoiner(t, 3), &file, pieces); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "joined.gz")
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(program, "-t", path).CombinedOutput(); err != nil || len(out) != 0 {
				t.Fatalf("gzip -t: %v: %s", err, out)
			}
			plain, err := exec.Command(program, "-dc", path).Output()
			if err != nil || !bytes.Equal(plain, concat(pieces)) {
				t.Errorf("gzip -dc gives something else: %v", err)
			}
		})
	}
}

func TestJoinEmpty(t *testing.T) {
	want := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for name, pieces := range map[string][]piece{
		"nothing":        nil,
		"empty writes":   {{}, {}},
		"empty segments": {{segment: &Segment{}}, {segment: &Segment{Deflate: []byte{0, 0, 0, 0xff, 0xff}}}},
	} {
		var file bytes.Buffer
		if err := joinAll(newJoiner(t, 3), &file, pieces); err != nil || !bytes.Equal(file.Bytes(), want) {
			t.Errorf("%s: % x, %v", name, file.Bytes(), err)
		}
	}
}

// TestJoinCopiesSegments: between header and end there is nothing but them.
func TestJoinCopiesSegments(t *testing.T) {
	pieces := mixed(t)[1:3]
	var file bytes.Buffer
	if err := joinAll(newJoiner(t, 3), &file, pieces); err != nil {
		t.Fatal(err)
	}
	want := bytes.Join([][]byte{gzipHeader, pieces[0].segment.Deflate, pieces[1].segment.Deflate, finalBlock}, nil)
	if got := file.Bytes(); !bytes.Equal(got[:len(got)-8], want) {
		t.Error("the segments were not copied as they are")
	}
}

// TestTrailerLengths holds ISIZE beyond 4 GiB, which no test writes.
func TestTrailerLengths(t *testing.T) {
	for length, want := range map[int64][4]byte{
		0:           {},
		1<<32 - 1:   {0xff, 0xff, 0xff, 0xff},
		1 << 32:     {},
		5<<32 + 258: {2, 1, 0, 0},
	} {
		var got [8]byte
		putTrailer(&got, 0x04030201, length)
		if [4]byte(got[:4]) != [4]byte{1, 2, 3, 4} || [4]byte(got[4:]) != want {
			t.Errorf("%d bytes: % x", length, got)
		}
	}
}

// TestJoinLong adds up lengths beyond 4 GiB by segments that claim them.
func TestJoinLong(t *testing.T) {
	s := Segment{Deflate: make([]byte, 5<<20), CRC: 1, Length: 5000 << 20}
	copy(s.Deflate[len(s.Deflate)-4:], syncMarker)
	j := newJoiner(t, 1)
	if err := joinAll(j, io.Discard, []piece{{segment: &s}, {plain: []byte("x")}, {segment: &s}}); err != nil {
		t.Fatal(err)
	}
	var want [8]byte
	putTrailer(&want, j.crc, 2*s.Length+1)
	if j.length != 2*s.Length+1 || j.trailer != want {
		t.Errorf("length %d, trailer % x, want % x", j.length, j.trailer, want)
	}
}

func TestJoinRefuses(t *testing.T) {
	j := newJoiner(t, 3)
	check := func(when string) {
		t.Helper()
		if err := writeTo(j, "x"); err == nil {
			t.Errorf("%s: Write took it", when)
		}
		if j.Segment(Segment{}) == nil || j.Close() == nil {
			t.Errorf("%s: no error", when)
		}
	}
	check("before Reset")
	if err := joinAll(j, io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	check("after Close")
	j.Reset(io.Discard)
	if err := j.Segment(Segment{Deflate: []byte{3, 0}, Length: 1}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a segment with a final block: %v", err)
	}
	check("after a damaged segment")
	j.Reset(io.Discard)
	if err := j.Segment(Segment{Deflate: []byte{0, 0, 0, 0xff, 0xff}, CRC: 1}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a segment without lines, but a checksum: %v", err)
	}
	if _, err := NewJoiner(0); err == nil {
		t.Error("level 0: no error")
	}
}

// limited fails after n bytes.
type limited struct{ n int }

var errFull = errors.New("the disk is full")

func (l *limited) Write(b []byte) (int, error) {
	if l.n -= len(b); l.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestJoinWriteErrors: wherever the writer fails, the file does, and the next
// file does not suffer from it.
func TestJoinWriteErrors(t *testing.T) {
	pieces, j := mixed(t), newJoiner(t, 3)
	var whole bytes.Buffer
	if err := joinAll(j, &whole, pieces); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += 1 + n/4 {
		if err := joinAll(j, &limited{n}, pieces); !errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		if err := j.Close(); !errors.Is(err, errFull) {
			t.Fatalf("Close after %d bytes: %v", n, err)
		}
	}
	var again bytes.Buffer
	if err := joinAll(j, &again, pieces); err != nil || !bytes.Equal(again.Bytes(), whole.Bytes()) {
		t.Errorf("the file after the failed ones is another: %v", err)
	}
	if err := joinAll(j, iotest.TruncateWriter(io.Discard, 0), pieces); err != nil {
		t.Error(err)
	}
}

func TestJoinerDoesNotAllocate(t *testing.T) {
	pieces, j := mixed(t), newJoiner(t, 3)
	if n := testing.AllocsPerRun(5, func() {
		if err := joinAll(j, io.Discard, pieces); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%.0f allocations a file", n)
	}
}

// FuzzJoin takes its input as steps: a byte that says what, then as many bytes
// as the next one says.
func FuzzJoin(f *testing.F) {
	f.Add([]byte("\x00\x05plain\x01\x07segment\x01\x00\x00\x05again\x03\x09twice"))
	f.Add([]byte{1, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder(t, 1)
		var pieces []piece
		for len(data) >= 2 {
			kind, n := data[0], min(int(data[1]), len(data)-2)
			p := piece{plain: bytes.Repeat(data[2:2+n], 1+int(kind>>2))}
			if kind&1 != 0 {
				p.plain = append(p.plain, '\n')
				e := enrollee{[][]byte{p.plain}, make([]Entry, 1)}
				s, _ := e.build(t, b)
				p.segment = &s
			}
			pieces = append(pieces, p)
			data = data[2+n:]
		}
		var file bytes.Buffer
		if err := joinAll(newJoiner(t, 1), &file, pieces); err != nil {
			t.Fatal(err)
		}
		if plain, err := gunzip(&file); err != nil || !bytes.Equal(plain, concat(pieces)) {
			t.Fatalf("it does not inflate to what went in: %v", err)
		}
	})
}
