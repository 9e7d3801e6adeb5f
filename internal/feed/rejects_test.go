package feed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// TestRejects_Bounds: a file of rejects ends at a number of lines and of bytes, also
// when it goes on with one that has some, and says how many more there were.
func TestRejects_Bounds(t *testing.T) {
	for name, c := range map[string]struct {
		reason             string
		before, size, more int64
		faults             int64
		listed             int64
	}{
		"few":            {reason: "r", faults: 10, listed: 10},
		"by lines":       {reason: "r", faults: mostRejects + 7, listed: mostRejects},
		"by bytes":       {reason: strings.Repeat("r", 1000), faults: 20_000, listed: mostRejectBytes / 1029},
		"goes on":        {reason: "r", before: mostRejects - 3, faults: 10, listed: 3},
		"goes on, bytes": {reason: "r", size: mostRejectBytes - 1, faults: 10},
		"was full":       {reason: "r", before: mostRejects, more: 5, faults: 10},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r := NewRejects(&out, c.before, c.size, c.more)
			for range c.faults {
				if err := r.Add(&LineError{Line: 1234567, Reason: c.reason}); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.End(); err != nil {
				t.Fatal(err)
			}
			more := c.more + c.faults - c.listed
			lines, last := int64(strings.Count(out.String(), "\n")), fmt.Sprintf(`{"more":%d,`, more)
			if more > 0 {
				lines--
			}
			if lines != c.listed || r.More() != more || strings.Contains(out.String(), `{"more":`) != (more > 0) || more > 0 && !strings.Contains(out.String(), last) {
				t.Errorf("%d lines, %d more, want %d and %d; at the end %s", lines, r.More(), c.listed, more, out.String()[max(0, out.Len()-100):])
			}
			if c.size+int64(out.Len()) > mostRejectBytes+200 {
				t.Errorf("%d bytes", out.Len())
			}
		})
	}
}

// gzipped compresses as well as it can.
func gzipped(t *testing.T, r io.Reader) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

// TestInflation: what a small file becomes is bounded, in lines and Bundles, unless more
// is allowed; short files and those that hardly compress are read.
func TestInflation(t *testing.T) {
	const bomb = 20 << 20
	letters := make([]byte, 20<<20)
	random := rand.NewChaCha8([32]byte{})
	random.Read(letters)
	for i := range letters {
		letters[i] = 'a' + letters[i]%16
		if i%1000 == 999 {
			letters[i] = '\n'
		}
	}
	letters[len(letters)-1] = '\n'
	lines := func(bytes int) string { return strings.Repeat("{}\n", bytes/3) }
	for name, c := range map[string]struct {
		source  string
		most    int
		refused bool
	}{
		"lines":           {lines(bomb), DefaultInflation, true},
		"a Bundle":        {`{"resourceType":"Bundle","entry":[` + strings.Repeat(" ", bomb) + "]}", DefaultInflation, true},
		"blanks at first": {strings.Repeat(" ", bomb) + "{}", DefaultInflation, true},
		"more is allowed": {strings.Repeat("\n", bomb) + "{}", 1100, false},
		"a short one":     {strings.Repeat(" ", freeInflation-10) + "{}", DefaultInflation, false},
		"a real one":      {string(letters), DefaultInflation, false},
	} {
		t.Run(name, func(t *testing.T) {
			z := gzipped(t, strings.NewReader(c.source))
			err := func() error {
				claims, err := OpenClaimsWithin(z, fhir.V2, c.most)
				if err != nil {
					return err
				}
				return claims.Each(t.Context(), 1, 0, func(*Batch) error { return nil })
			}()
			var refused *InflationError
			if errors.As(err, &refused) != c.refused || (err != nil) != c.refused {
				t.Errorf("%v", err)
			}
		})
	}
}
