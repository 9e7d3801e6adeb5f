package table

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"

	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// TestZstdCodec: readers read what it compresses, also pages longer than its window, and
// it needs little memory.
func TestZstdCodec(t *testing.T) {
	c, err := newZstdCodec()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{1})
	compressed := make([]byte, 0, 4*zstdWindow)
	for _, n := range []int{0, 1, 1000, pageBytes, 2 * pageBytes, 3*zstdWindow + 1} {
		page := make([]byte, n)
		_, _ = random.Read(page[:n/2]) // the other half is zeros
		if compressed, err = c.Encode(compressed, page); err != nil {
			t.Fatal(err)
		}
		got, err := (&parquetzstd.Codec{}).Decode(nil, compressed)
		if err != nil || !bytes.Equal(got, page) {
			t.Errorf("a page of %d bytes: got %d bytes, %v", n, len(got), err)
		}
	}
	c, err = newZstdCodec()
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, 2*pageBytes)
	_, _ = random.Read(page[:pageBytes])
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := c.Encode(compressed, page); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if mb := float64(after.TotalAlloc-before.TotalAlloc) / 1e6; mb > 6 {
		t.Errorf("compressing a page took %.1f MB of memory, want at most 6", mb)
	}
}
