package table

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestCheck compares tables with the claims that they were made of, and finds each
// change of either.
func TestCheck(t *testing.T) {
	in := []string{"testdata/r4.ndjson", "testdata/stu3.ndjson", "testdata/v3.ndjson"}
	for _, format := range []Format{Parquet, CSV} {
		good := filepath.Join(t.TempDir(), "good")
		if _, err := Convert(t.Context(), in, nil, good, format, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := Check(t.Context(), in, good, format, nil, ignore); err != nil {
			t.Errorf("%s: tables that are good: %v", format, err)
		}
		for _, paths := range [][]string{in[:2], append(in[:3:3], in[0]), {in[1], in[0], in[2]}} {
			if err := Check(t.Context(), paths, good, format, nil, ignore); err == nil {
				t.Errorf("%s: tables of %v pass for those of %v", format, in, paths)
			}
		}
		other := filepath.Join(t.TempDir(), "other")
		if _, err := Convert(t.Context(), []string{in[1], in[0], in[2]}, nil, other, format, nil, nil); err != nil {
			t.Fatal(err)
		}
		for _, name := range Names {
			path := filepath.Join(good, name+"."+string(format))
			was, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			swapped, err := os.ReadFile(filepath.Join(other, filepath.Base(path)))
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range [][]byte{was[:len(was)/2], {}, swapped} {
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := Check(t.Context(), in, good, format, nil, ignore); err == nil {
					t.Errorf("%s: a damaged table %s passes", format, name)
				}
			}
			if err := os.WriteFile(path, was, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCheck_LineBreaks: a cell with line breaks of all kinds is not taken for another one.
func TestCheck_LineBreaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.ndjson")
	claim := `{"resourceType":"ExplanationOfBenefit","id":"a","organization":{"display":"x\ry\r\nz\n, \"=1\""}}` + "\nnot a claim\n"
	if err := os.WriteFile(path, []byte(claim), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []Format{Parquet, CSV} {
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := Convert(t.Context(), []string{path}, nil, dir, format, nil, ignore); err != nil {
			t.Fatal(err)
		}
		if err := Check(t.Context(), []string{path}, dir, format, nil, ignore); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// TestCheck_NotInTables: what no table holds is told, and is not taken for checked.
// AB2D_TEST_LONG=1 adds a line of more than 64 MiB.
func TestCheck_NotInTables(t *testing.T) {
	for _, tt := range []struct {
		first string
		zeros int64 // after it, in the same line
		want  error
		told  int
	}{
		{`{"resourceType":"ExplanationOfBenefit","id":"a"}`, 0, nil, 0},
		{`{"resourceType":"Patient","id":"a"}`, 0, ErrNotInTables, 0},
		{"not a claim", 0, nil, 1},
		{"x", maxLine, ErrNotInTables, 1},
	} {
		if tt.zeros > 0 && os.Getenv("AB2D_TEST_LONG") == "" {
			continue
		}
		dir := t.TempDir()
		path, out := filepath.Join(dir, "in.ndjson"), filepath.Join(dir, "out")
		if err := os.WriteFile(path, []byte(tt.first), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Convert(t.Context(), []string{path}, nil, out, CSV, nil, ignore); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(len(tt.first))+tt.zeros); err != nil {
			t.Fatal(err)
		}
		told := 0
		err := Check(t.Context(), []string{path}, out, CSV, nil, func(string, int64, string, []byte) { told++ })
		if !errors.Is(err, tt.want) || told != tt.told {
			t.Errorf("%s: %v, %d lines are told", tt.first, err, told)
		}
	}
}

// ignore is a Reject.
func ignore(string, int64, string, []byte) {}

// TestParquet_Metadata: each file tells what its table and its columns hold.
func TestParquet_Metadata(t *testing.T) {
	dir := t.TempDir()
	if _, err := Convert(t.Context(), []string{"testdata/r4.ndjson"}, nil, filepath.Join(dir, "parquet"), Parquet, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := WriteLookups(dir, Parquet); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.parquet"))
	if err != nil || len(files) != len(Names)+len(Lookups) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		p, err := parquet.OpenFile(f, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{metaTable, metaVersion} {
			if v, _ := p.Lookup(key); v == "" {
				t.Errorf("%s has no %s", filepath.Base(path), key)
			}
		}
		for _, c := range p.Schema().Columns() {
			if doc, _ := p.Lookup(metaColumn + c[0]); doc == "" {
				t.Errorf("%s does not tell what %s holds", filepath.Base(path), c[0])
			}
		}
	}
}

// TestLookups: each code stands once, in order, with a name, and the table is as it is
// documented in docs/analysis.md.
func TestLookups(t *testing.T) {
	var doc strings.Builder
	for _, l := range Lookups {
		list, err := l.codes()
		if err != nil || len(list) < 5 {
			t.Fatalf("%s: %d codes, %v", l.Name, len(list), err)
		}
		for i, c := range list {
			if c.Code == "" || c.Name == "" || strings.TrimSpace(c.Name) != c.Name || i > 0 && c.Code <= list[i-1].Code {
				t.Errorf("%s: code %q, %q, after %q", l.Name, c.Code, c.Name, list[max(0, i-1)].Code)
			}
		}
		fmt.Fprintf(&doc, "| `lookup_%s` | %s | %s |\n", l.Name, l.Columns, l.Source)
	}
	page, err := os.ReadFile("../../docs/analysis.md")
	if err != nil || !strings.Contains(string(page), doc.String()) {
		t.Errorf("docs/analysis.md (%v) lacks\n%s", err, doc.String())
	}
}
