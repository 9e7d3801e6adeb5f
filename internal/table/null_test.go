package table

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestParquet_AbsentIsNull writes rows without values, then rows with values,
// then rows without, and reads every table as it is stored: what a row does not
// have is NULL, never an empty text or a zero, and what it has is never lost.
func TestParquet_AbsentIsNull(t *testing.T) {
	for _, runs := range [][]int{{1, 1, 1}, {3, 3, 1}, {1, 1, 70}, {0, 2, 3, 1, 2}, {2, 2, 2, 2, 2}, {60, 10, 70}, {64, 64, 1}, {70}, {0, 70}} {
		var present []bool
		for i, run := range runs {
			present = append(present, slices.Repeat([]bool{i%2 == 1}, run)...)
		}
		dir := t.TempDir()
		writePresent(t, dir, present)
		for _, name := range Names {
			eachValue(t, filepath.Join(dir, name+".parquet"), func(row int, column string, v parquet.Value) {
				if v.IsNull() == present[row] {
					t.Fatalf("runs %v, %s, row %d: column %s is stored as %q (NULL: %v), want NULL: %v", runs, name, row, column, v.String(), v.IsNull(), !present[row])
				}
			})
		}
	}
}

// writePresent writes Parquet tables of one claim, whose rows have a value in
// each column or in none.
func writePresent(t *testing.T, dir string, present []bool) {
	t.Helper()
	out, err := open(dir, Parquet)
	if err != nil {
		t.Fatal(err)
	}
	n := len(present)
	r := rows{lines: make([]Line, n), diagnoses: make([]Diagnosis, n), procedures: make([]Procedure, n), careTeam: make([]CareTeamMember, n)}
	if present[0] {
		fillColumns(reflect.ValueOf(&r.claim).Elem())
	}
	for _, list := range []any{r.lines, r.diagnoses, r.procedures, r.careTeam} {
		for i := range present {
			if present[i] {
				fillColumns(reflect.ValueOf(list).Index(i))
			}
		}
	}
	if err := out.add(nil, &r); err != nil {
		t.Fatal(err)
	}
	if _, err := out.close(); err != nil {
		t.Fatal(err)
	}
}

// fillColumns gives each column of a row a value; numbers are zero, which is
// not NULL.
func fillColumns(row reflect.Value) {
	for i := range row.NumField() {
		switch f := row.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice: // with an element that is the zero of its type, if it is a number
			f.Set(reflect.MakeSlice(f.Type(), 2, 2))
			if f.Type().Elem().Kind() == reflect.String {
				f.Index(0).SetString("x")
				f.Index(1).SetString("y")
			}
		}
	}
}

// eachValue calls f with every value of a Parquet file as it is stored.
func eachValue(t *testing.T, path string, f func(row int, column string, v parquet.Value)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := parquet.NewReader(file)
	defer r.Close()
	columns := r.Schema().Columns()
	rows := make([]parquet.Row, 16)
	for at := 0; ; {
		n, err := r.ReadRows(rows)
		for _, row := range rows[:n] {
			for _, v := range row {
				f(at, columns[v.Column()][0], v)
			}
			at++
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCSV_AbsentIsEmptyCell: a cell without a value is empty and not quoted, which
// is what databases read as NULL. No value is written so.
func TestCSV_AbsentIsEmptyCell(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "in.ndjson")
	const claim = `{"resourceType":"ExplanationOfBenefit","id":"a","careTeam":[{"sequence":1,"role":{"coding":[{"code":""}]},"provider":{"display":"X, \"Y\""}},{}]}`
	if err := os.WriteFile(path, []byte(claim), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Convert(t.Context(), []string{path}, nil, filepath.Join(dir, "csv"), CSV, nil, nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "csv", "care_team.csv"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(got), "\r\n")
	if want := "a,,,1,,,\"X, \"\"Y\"\"\",,,,,,\r\na,,,,,,,,,,,,\r\n"; body != want {
		t.Errorf("got %q, want %q", body, want)
	}
}
