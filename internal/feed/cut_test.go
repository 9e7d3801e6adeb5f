package feed_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// bundle has a line for each entry.
func bundle(resources ...string) string {
	return "{\"resourceType\":\"Bundle\",\n\"entry\":[{\"resource\":" + strings.Join(resources, "},\n{\"resource\":") + "}\n]}\n"
}

// TestNothingIsLostInSilence: a Bundle that is cut off between two entries is
// an error, wherever the cut is, and so is a source that breaks there.
func TestNothingIsLostInSilence(t *testing.T) {
	whole := bundle(raw(1), raw(2))
	for n := 1; n < len(whole)-2; n++ {
		// With a version, as otherwise it may be the version that is missed.
		if ids, faults, err := read(t, strings.NewReader(whole[:n]), fhir.V2, 1, 0); err == nil && len(faults) == 0 {
			t.Fatalf("cut after %d bytes: %v and no error", n, ids)
		}
	}
	long := make([]string, 5000) // more than is read at a time
	for i := range long {
		long[i] = raw(i)
	}
	cut := strings.TrimSuffix(bundle(long...), "]}\n")
	if _, _, err := read(t, io.MultiReader(strings.NewReader(cut), iotest.ErrReader(errors.New("disk broken"))), 0, 2, 0); err == nil || !strings.Contains(err.Error(), "disk broken") {
		t.Errorf("a broken disk: %v", err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := io.WriteString(w, cut); err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, &z, 0, 2, 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("gzip without its end: %v", err)
	}
}

// TestCutNDJSON: wherever a file of lines is cut within a line, plain or
// compressed, it is refused as cut. A whole last line needs no newline.
func TestCutNDJSON(t *testing.T) {
	first, second := raw(1)+"\n", raw(2)
	for n := len(first) + 1; n < len(first)+len(second); n += 7 {
		whole := first + second
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := io.WriteString(w, whole[:n]); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]io.Reader{"plain": strings.NewReader(whole[:n]), "gzip": &z} {
			_, _, err := read(t, r, fhir.V2, 2, 0)
			var cut *feed.CutError
			if !errors.As(err, &cut) || cut.Line != 2 {
				t.Fatalf("%s, cut after %d bytes: %v", name, n, err)
			}
		}
	}
	if ids, faults, err := read(t, strings.NewReader(first+second), fhir.V2, 2, 0); err != nil || len(ids) != 2 || len(faults) != 0 {
		t.Errorf("a whole last line: %v, %v, %v", ids, faults, err)
	}
	// A damaged line that ends is one claim's fault.
	if ids, faults, err := read(t, strings.NewReader(first+"{\n"+second), fhir.V2, 2, 0); err != nil || len(ids) != 2 || len(faults) != 1 {
		t.Errorf("a damaged line: %v, %v, %v", ids, faults, err)
	}
}

// TestCutAnywhere: wherever a compressed file or a Bundle is cut, it is refused as
// cut, also in the header of what is compressed, and of a second part of it.
func TestCutAnywhere(t *testing.T) {
	var named bytes.Buffer
	w := gzip.NewWriter(&named)
	w.Name = "claims-r4.ndjson"
	if _, err := io.WriteString(w, raw(1)+"\n"); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	first := len(named.Bytes())
	twice := named.String() + named.String()
	pretty := bundle(raw(1), raw(2))
	check := func(what, cut string) {
		t.Helper()
		_, _, err := read(t, strings.NewReader(cut), fhir.V2, 1, 0)
		var e *feed.CutError
		if !errors.As(err, &e) {
			t.Errorf("%s, cut after %d bytes: %v", what, len(cut), err)
		}
	}
	step := 7 // which meets every kind of place
	if os.Getenv("AB2D_TEST_LONG") != "" {
		step = 1
	}
	for n := 2; n < len(twice); n += step {
		if n != first {
			check("gzip", twice[:n])
		}
	}
	for n := len(`{"resourceType":"Bundle"`); n < len(pretty)-2; n += step {
		check("Bundle", pretty[:n])
	}
	if ids, _, err := read(t, strings.NewReader(twice), fhir.V2, 1, 0); err != nil || len(ids) != 2 {
		t.Errorf("two parts: %v, %v", ids, err)
	}
}
