package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/store"
)

// keys are wrapping keys, one of each letter.
func keys(t *testing.T, letters ...string) encryption.Settings {
	t.Helper()
	var text strings.Builder
	for _, l := range letters {
		text.WriteString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(l), 32)) + "\n")
	}
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return encryption.Settings{KeyFile: path}
}

// encrypt has a store encrypt claims.
func encrypt(t *testing.T, db *store.DB, s encryption.Settings) *encryption.Ring {
	t.Helper()
	wrapping, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := encryption.OpenRing(t.Context(), db, wrapping, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	db.EncryptWith(ring)
	return ring
}

// TestEncryptedClaims: claims that were stored plain and encrypted, before and after a
// rotation, are read alike; what is stored encrypted shows nothing.
func TestEncryptedClaims(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		c := plainClaims(t, open)
		c.enroll("A", 1, 2, 3)
		plain, sealed, later, newer := claim(1, 101, 10, "plain"), claim(2, 201, 20, "sealed"), claim(3, 301, 30, "later"), claim(1, 102, 40, "newer")
		c.load(plain)
		ring := encrypt(t, c.DB, keys(t, "a"))
		c.load(sealed)
		if _, err := ring.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.load(later, newer)
		all := c.read(c.snapshot(), time.Time{})
		c.check(all[1], []coverage.MBI{mbi(1, "A")}, plain, newer)
		c.check(all[2], []coverage.MBI{mbi(2, "A")}, sealed)
		c.check(all[3], []coverage.MBI{mbi(3, "A")}, later)
		c.check(c.read(c.snapshot(), time.UnixMilli(35))[1], []coverage.MBI{mbi(1, "A")}, newer)

		c.EncryptWith(nil)
		l := c.begin("without keys")
		m, err := c.NewMerger(l)
		c.ok(err)
		if _, err := m.Merge(t.Context(), []store.Claim{claim(2, 202, 50, "x")}, 1, 1, func(store.Merged) string { return "{}" }); err == nil {
			t.Error("a process without keys stored a claim")
		}
		if err := readError(c, 2); !errors.Is(err, encryption.ErrNoKey) {
			t.Errorf("a process without keys reads: %v", err)
		}
	})
}

// readError is why the claims of an enrollee cannot be read.
func readError(c *claims, id coverage.EnrolleeID) error {
	c.Helper()
	snapshot := c.snapshot()
	r, err := c.Open(c.Context(), export.Query{Version: c.version, Snapshot: snapshot, First: id, Last: id})
	if err != nil {
		return err
	}
	defer r.Close()
	e := coverage.Enrollee{ID: id, MBIs: []coverage.MBI{mbi(id, "A")}}
	e.Months.AddRange(coverage.MonthOf(2020, 1), coverage.MonthOf(2026, 1))
	con, err := c.Contract(c.Context(), contract)
	c.ok(err)
	d := &delivery{sel: &coverage.Selection{Contract: con, Enrollee: &e, Until: time.UnixMilli(1 << 50)}}
	return r.Write(context.WithoutCancel(c.Context()), d.sel, d)
}

// TestEncryptedClaimsAtRest: the rows show no id of a claim, and the claims of one
// enrollee cannot be put in the place of another's.
func TestEncryptedClaimsAtRest(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db")
	c := newClaims(t, func(t *testing.T, now func() time.Time) *store.DB { return openDB(t, address, now) })
	encrypt(t, c.DB, keys(t, "a"))
	c.enroll("A", 1, 2)
	c.load(claim(1, 101, 10, "one"), claim(2, 201, 20, "two"))
	db := rawDB(t, address)
	rows, err := db.QueryContext(t.Context(), `select entries, tail from segment order by enrollee`)
	c.ok(err)
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var entries, tail []byte
		c.ok(rows.Scan(&entries, &tail))
		if entries[0] != 0xE1 || bytes.Contains(entries, []byte("carrier-")) || len(tail) < 28 {
			t.Errorf("stored: %q, %q", entries, tail)
		}
	}
	c.ok(rows.Err())
	if n != 2 {
		t.Errorf("%d rows", n)
	}
	_, err = db.ExecContext(t.Context(), `update segment set entries = o.entries, tail = o.tail, deflate = o.deflate, crc = o.crc, length = o.length
		from segment o where segment.enrollee = 1 and o.enrollee = 2`)
	c.ok(err)
	if err := readError(c, 1); !errors.Is(err, encryption.ErrDamaged) {
		t.Errorf("the claims of another: %v", err)
	}
	if err := readError(c, 2); err != nil {
		t.Error(err)
	}
}
