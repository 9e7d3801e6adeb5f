package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// indexOf draws indexes as a Builder makes them, ends of all ranges included.
var indexOf = rapid.Custom(func(t *rapid.T) Index {
	var x Index
	var offset int64
	for range rapid.IntRange(0, 20).Draw(t, "entries") {
		e := Entry{
			ID:           rapid.StringMatching(`(carrier--[0-9]{1,8}|.{0,16})`).Draw(t, "id"),
			Type:         rapid.Uint8().Draw(t, "type"),
			Canceled:     rapid.Bool().Draw(t, "canceled"),
			Start:        rapid.Int32().Draw(t, "start"),
			End:          rapid.Int32().Draw(t, "end"),
			HasStart:     rapid.Bool().Draw(t, "has start"),
			HasEnd:       rapid.Bool().Draw(t, "has end"),
			LastUpdated:  rapid.Int64().Draw(t, "last updated"),
			Offset:       offset,
			Length:       rapid.Int64Range(1, math.MaxInt32).Draw(t, "length"),
			HasExtension: rapid.Bool().Draw(t, "has extension"),
		}
		e.ExtensionAt = uint32(rapid.Int64Range(0, e.Length).Draw(t, "extension"))
		offset += e.Length
		if rapid.Bool().Draw(t, "begins") {
			e.Block = Block{true, rapid.Int64Range(0, math.MaxInt64).Draw(t, "at"), rapid.Uint32().Draw(t, "crc")}
		}
		x = append(x, e.normal())
	}
	return x
})

func TestIndexThereAndBack(t *testing.T) {
	var got Index // reused, as in the hot path
	rapid.Check(t, func(t *rapid.T) {
		want := indexOf.Draw(t, "index")
		data := want.Marshal([]byte("before"))
		if !bytes.HasPrefix(data, []byte("before")) {
			t.Fatal("Marshal does not append")
		}
		if err := got.Unmarshal(data[6:]); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestIndexDamaged: no bit may flip and no byte be missing unnoticed.
func TestIndexDamaged(t *testing.T) {
	_, x := newEnrollee(1).build(t, newBuilder(t, 1))
	data := x[:5].Marshal(nil)
	refuse := func(data []byte, how string, at int) {
		got := Index{{ID: "old"}}
		if err := got.Unmarshal(data); !errors.Is(err, ErrDamaged) || len(got) != 0 {
			t.Errorf("%s at %d: %v, %v", how, at, err, got)
		}
	}
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		refuse(flipped, "a bit flipped", bit)
	}
	for n := range data {
		refuse(data[:n], "cut", n)
	}
	refuse(append(bytes.Clone(data), 0), "longer", len(data))
}

// seal puts the checksum after what an index is to hold.
func seal(body ...byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

// TestIndexRefuses: a right checksum does not make a wrong index right.
func TestIndexRefuses(t *testing.T) {
	long := strings.Repeat("x", maxID+1)
	for name, data := range map[string][]byte{
		"nothing":            {},
		"no count":           seal(1),
		"count cut":          seal(1, 0x80),
		"an entry missing":   seal(1, 1),
		"a huge count":       seal(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"count out of range": seal(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"a byte too many":    seal(1, 0, 0),
		"unknown flag":       seal(1, 1, 0x20, 1, 0, 0, 1, 0, 0),
		"no length":          seal(1, 1, 0, 1, 0, 0, 0, 0, 0),
		"shares too much":    seal(1, 1, 0, 1, 1, 0, 1, 0, 0),
		"id cut":             seal(1, 1, 0, 1, 0, 9, 1, 0, 0),
		"id too long":        seal(append(append([]byte{1, 1, 0, 1, 0, byte(len(long))}, long...), 1, 0, 0)...),
		"line too long":      seal(1, 1, 0, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x08, 0, 0),
		"start out of range": seal(1, 1, flagStart, 1, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0),
		"start far out":      seal(1, 1, flagStart, 1, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0),
		"extension after":    seal(1, 1, 0, 1, 0, 0, 1, 0, 2),
		"block cut":          seal(1, 1, flagBlock, 1, 0, 0, 1, 0, 0, 0, 1, 2, 3),
		"block far out":      seal(1, 1, flagBlock, 1, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 2, 3, 4),
	} {
		var x Index
		if err := x.Unmarshal(data); !errors.Is(err, ErrDamaged) || len(x) != 0 {
			t.Errorf("%s: %v, %v", name, err, x)
		}
	}
	var x Index
	if err := x.Unmarshal(seal(1, 1, 0, 1, 0, 0, 1, 0, 1)); err != nil {
		t.Errorf("the entry that those above spoil: %v", err)
	}
	if err := x.Unmarshal(seal(2, 0)); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("another version: %v", err)
	}
}

// TestIndexSize: the index is small beside the segment.
func TestIndexSize(t *testing.T) {
	_, x := newEnrollee(1).build(t, newBuilder(t, 1))
	if size := len(x.Marshal(nil)); size > 30*len(x) {
		t.Errorf("%d bytes for %d entries", size, len(x))
	}
}

// FuzzIndexSealed is FuzzIndex behind the checksum, which bytes at random do not
// pass.
func FuzzIndexSealed(f *testing.F) {
	_, x := newEnrollee(1).build(f, newBuilder(f, 1))
	data := x.Marshal(nil)
	f.Add(data[:len(data)-indexChecksum])
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 1, allIndexFlags, 1, 0, 1, 'a', 1, 2, 2, 2, 1, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, body []byte) {
		var x, again Index
		if err := x.Unmarshal(seal(body...)); err != nil {
			return
		}
		if len(x) > len(body)/minEntry {
			t.Fatalf("%d entries from %d bytes", len(x), len(body))
		}
		if err := again.Unmarshal(x.Marshal(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
