package feed

import (
	"errors"
	"io"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// batches reads a source and calls see with each of its batches.
func batches(t *testing.T, r io.Reader, see func(*Batch)) error {
	t.Helper()
	c, err := OpenClaims(r, fhir.V2)
	if err != nil {
		t.Fatal(err)
	}
	return c.Each(t.Context(), 1, 0, func(b *Batch) error { see(b); return nil })
}

// TestBounds_Batch: claims that have no bytes, or few, do not make a batch of them
// grow.
func TestBounds_Batch(t *testing.T) {
	const many = 3*mostInBatch + 7
	for name, source := range map[string]string{
		"empty entries":     `{"resourceType":"Bundle","entry":[{}` + strings.Repeat(",{}", many-1) + "]}",
		"entries of null":   `{"resourceType":"Bundle","entry":[null` + strings.Repeat(",null", many-1) + "]}",
		"short lines":       strings.Repeat("{}\n", many),
		"lines of a letter": strings.Repeat("x\n", many),
		"short documents":   `{"resourceType":"Bundle"}` + "\n" + strings.Repeat("{}", many),
	} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			err := batches(t, strings.NewReader(source), func(b *Batch) {
				seen += len(b.Claims)
				if len(b.Claims) > mostInBatch {
					t.Errorf("a batch of %d claims, %d bytes", len(b.Claims), b.Bytes)
				}
			})
			if err != nil || seen != many {
				t.Errorf("%d claims of %d, %v", seen, many, err)
			}
		})
	}
}

// TestBounds_EmptyEntries: a source of entries without a resource ends, and is not
// read on.
func TestBounds_EmptyEntries(t *testing.T) {
	whole := `{"resourceType":"Bundle","entry":[{}` + strings.Repeat(",{}", mostEmptyEntries-1)
	if err := batches(t, strings.NewReader(whole+"]}"), func(*Batch) {}); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	endless := &repeated{what: ",{}"}
	err := batches(t, io.MultiReader(strings.NewReader(whole), endless), func(*Batch) {})
	if err == nil || !strings.Contains(err.Error(), "1000000 entries without a resource") || errors.Is(err, errCut) {
		t.Errorf("more: %v", err)
	}
	if endless.read > 2*readBuffer {
		t.Errorf("%d bytes were read after the end", endless.read)
	}
}

// repeated gives the same bytes again and again, and counts them.
type repeated struct {
	what string
	read int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, strings.Repeat(r.what, len(b)/len(r.what)))
	r.read += n
	return n, nil
}
