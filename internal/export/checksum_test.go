package export

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// TestCheckedReader: whatever is read from wherever is what was written, and no
// byte of a block that was changed or cut off is given away.
func TestCheckedReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 100, ChecksumBlock - 1, ChecksumBlock, ChecksumBlock + 1, 3*ChecksumBlock + 7}).Draw(t, "size")
		content := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		var w bytes.Buffer
		c := &checksumWriter{to: &w}
		for rest := content; len(rest) > 0; {
			n := min(len(rest), rapid.IntRange(1, 2*ChecksumBlock).Draw(t, "write"))
			if _, err := c.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		f := &File{Stored: int64(size), Checksums: c.sums()}
		damage := size // nothing
		stored := bytes.Clone(content)
		kind := rapid.SampledFrom([]string{"none", "changed", "cut"}).Draw(t, "damage")
		switch kind {
		case "changed":
			damage = rapid.IntRange(0, size-1).Draw(t, "at")
			stored[damage] ^= 1
		case "cut":
			damage = rapid.IntRange(0, size-1).Draw(t, "at")
			stored = stored[:damage]
		}
		r := NewCheckedReader(bytes.NewReader(stored), f)
		from := rapid.IntRange(0, size).Draw(t, "from")
		if _, err := r.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		good := max(from, damage-damage%ChecksumBlock) // all blocks before the damaged one
		reached := damage < size && from < size && (kind == "cut" || from-from%ChecksumBlock <= damage)
		if reached != errors.Is(err, ErrDamaged) {
			t.Fatalf("damage at %d of %d, read from %d: %v", damage, size, from, err)
		}
		if want := content[from:]; !reached && !bytes.Equal(got, want) || reached && !bytes.Equal(got, content[from:good]) {
			t.Fatalf("read %d bytes from %d, damage at %d", len(got), from, damage)
		}
	})
}
