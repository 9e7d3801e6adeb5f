package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"pgregory.net/rapid"
)

func gzipped(t *testing.T, b []byte) *bytes.Reader {
	t.Helper()
	var to bytes.Buffer
	z := gzip.NewWriter(&to)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(to.Bytes())
}

// TestInflatedIsAsIfItWerePlain: to seek and to read is the same as in the
// bytes themselves, in whatever order.
func TestInflatedIsAsIfItWerePlain(t *testing.T) {
	plain := make([]byte, 10_000)
	for i := range plain {
		plain[i] = byte(i * i >> 3)
	}
	stored := gzipped(t, plain)
	rapid.Check(t, func(t *rapid.T) {
		got, want := io.ReadSeeker(newInflated(stored, int64(len(plain)))), bytes.NewReader(plain)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			whence := rapid.IntRange(io.SeekStart, io.SeekEnd).Draw(t, "whence")
			offset := rapid.Int64Range(-11_000, 11_000).Draw(t, "offset")
			n, err := got.Seek(offset, whence)
			m, wantErr := want.Seek(offset, whence)
			if n != m || (err == nil) != (wantErr == nil) {
				t.Fatalf("Seek(%d, %d) = %d, %v; want %d, %v", offset, whence, n, err, m, wantErr)
			}
			size := rapid.IntRange(1, 3000).Draw(t, "size")
			a, b := make([]byte, size), make([]byte, size)
			n1, _ := io.ReadFull(got, a)
			n2, _ := io.ReadFull(want, b)
			if n1 != n2 || !bytes.Equal(a[:n1], b[:n2]) {
				t.Fatalf("read %d bytes, want %d, or others", n1, n2)
			}
		}
	})
}

// TestADamagedFileIsAnError, so that its download breaks off and does not
// count.
func TestADamagedFileIsAnError(t *testing.T) {
	plain := bytes.Repeat([]byte("line\n"), 1000)
	whole, err := io.ReadAll(gzipped(t, plain))
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Clone(whole)
	wrong[len(wrong)-8]++ // of the checksum
	for what, c := range map[string]struct {
		stored []byte
		length int
	}{
		"cut off": {whole[:len(whole)/2], len(plain)}, "no gzip": {plain, len(plain)}, "empty": {nil, len(plain)},
		"shorter than its row says": {whole, len(plain) + 1}, "wrong checksum": {wrong, len(plain)},
	} {
		b, err := io.ReadAll(newInflated(bytes.NewReader(c.stored), int64(c.length)))
		if err == nil {
			t.Errorf("%s: read %d bytes without an error", what, len(b))
		}
	}
	if _, err := newInflated(bytes.NewReader(whole), 1).Seek(-1, io.SeekStart); err == nil {
		t.Error("it is possible to seek before the start")
	}
}
