package interop

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// TestParquet exports a sponsor's claims to Parquet and to CSV, and holds each
// cell as Apache Arrow reads it against the CSV, and the claims' amounts against
// the NDJSON.
func TestParquet(t *testing.T) {
	url := sandbox(t)
	for _, api := range []string{"v1", "v2"} {
		dir := filepath.Join(t.TempDir(), api)
		for _, format := range []string{"parquet", "csv"} {
			out, err := exec.Command(program, "export", "--url="+url, "--sponsor=PDP-100", "--api="+api, "-o", dir, "--quiet", "--format="+format).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		run := filepath.Dir(firstMatch(t, filepath.Join(dir, "*", "Z0000_0001.ndjson")))
		for _, table := range []string{"claims", "lines", "diagnoses", "procedures", "care_team"} {
			got := readParquet(t, filepath.Join(run, "parquet", table+".parquet"))
			want := readCSV(t, filepath.Join(run, "csv", table+".csv"))
			if len(got) != len(want) || len(want) < 50 {
				t.Fatalf("%s %s: %d rows, CSV has %d", api, table, len(got), len(want))
			}
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Fatalf("%s %s, row %d:\n%q, CSV has\n%q", api, table, i, got[i], want[i])
				}
			}
		}
		if api == "v1" {
			holdAmounts(t, run)
		}
	}
}

func firstMatch(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatal(pattern, found, err)
	}
	return found[0]
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// readParquet reads a table as text, with its header, as the CSV has it.
func readParquet(t *testing.T, path string) [][]string {
	t.Helper()
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	columns := r.MetaData().Schema.NumColumns()
	rows := make([][]string, 1+r.NumRows())
	for i := range rows {
		rows[i] = make([]string, columns)
	}
	first := 1
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		for c := range columns {
			chunk, err := group.Column(c)
			if err != nil {
				t.Fatal(err)
			}
			rows[0][c] = chunk.Descriptor().ColumnPath()[0] // that of a list ends in element
			for i, cell := range cells(t, chunk, int(group.NumRows())) {
				rows[first+i][c] = cell
			}
		}
		first += int(group.NumRows())
	}
	return rows
}

// levels are the definition and repetition levels of the values of a column.
type levels struct{ defined, repeated []int16 }

// cells reads a column of a row group as text; null is empty, and the elements of a list
// have a space between.
func cells(t *testing.T, chunk file.ColumnChunkReader, rows int) []string {
	t.Helper()
	d := chunk.Descriptor()
	var l levels
	var texts []string
	switch c := chunk.(type) {
	case *file.ByteArrayColumnChunkReader:
		texts = batch(t, chunk, c.ReadBatch, &l, func(v parquet.ByteArray) string { return string(v) })
	case *file.Int32ColumnChunkReader:
		texts = batch(t, chunk, c.ReadBatch, &l, func(v int32) string {
			if _, ok := d.LogicalType().(schema.DateLogicalType); ok {
				return time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
			}
			return fmt.Sprint(v)
		})
	case *file.Int64ColumnChunkReader:
		texts = batch(t, chunk, c.ReadBatch, &l, func(v int64) string {
			switch kind := d.LogicalType().(type) {
			case schema.DecimalLogicalType:
				if kind.Scale() != 2 || kind.Precision() != 18 {
					t.Fatalf("%s is %s", d.Name(), kind)
				}
				return fmt.Sprintf("%.2f", float64(v)/100)
			case schema.TimestampLogicalType:
				if !kind.IsAdjustedToUTC() || kind.TimeUnit() != schema.TimeUnitMicros {
					t.Fatalf("%s is %s", d.Name(), kind)
				}
				return time.UnixMicro(v).UTC().Format("2006-01-02T15:04:05.000Z")
			}
			return fmt.Sprint(v)
		})
	case *file.Float64ColumnChunkReader:
		texts = batch(t, chunk, c.ReadBatch, &l, func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%v", v), ".0") })
	case *file.BooleanColumnChunkReader:
		texts = batch(t, chunk, c.ReadBatch, &l, func(v bool) string { return fmt.Sprint(v) })
	default:
		t.Fatalf("%s is a %T", d.Name(), chunk)
	}
	out, row := make([]string, rows), -1
	for i, defined := range l.defined {
		repeated := d.MaxRepetitionLevel() > 0 && l.repeated[i] > 0
		if !repeated {
			row++
		}
		if defined < d.MaxDefinitionLevel() {
			continue
		}
		if texts[0] == "" {
			t.Fatalf("%s, row %d, is an empty text, want NULL", d.ColumnPath(), row)
		}
		if repeated {
			out[row] += " "
		}
		out[row], texts = out[row]+texts[0], texts[1:]
	}
	if row+1 != rows || len(texts) > 0 {
		t.Fatalf("%s has %d rows and %d values too many, want %d rows", d.ColumnPath(), row+1, len(texts), rows)
	}
	return out
}

// batch reads all values of a column, and where they are.
func batch[T any](t *testing.T, chunk file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), l *levels, text func(T) string) []string {
	t.Helper()
	var out []string
	values, defined, repeated := make([]T, 1000), make([]int16, 1000), make([]int16, 1000)
	for chunk.HasNext() {
		total, n, err := read(int64(len(values)), values, defined, repeated)
		if err != nil || total == 0 {
			t.Fatal(total, err)
		}
		for _, v := range values[:n] {
			out = append(out, text(v))
		}
		l.defined, l.repeated = append(l.defined, defined[:total]...), append(l.repeated, repeated[:total]...)
	}
	return out
}

// holdAmounts holds the sum of an amount in the table against the claims.
func holdAmounts(t *testing.T, run string) {
	t.Helper()
	const amount = "nch_clm_prvdr_pmt_amt"
	rows := readParquet(t, filepath.Join(run, "parquet", "claims.parquet"))
	var got, want float64
	column := slices.Index(rows[0], amount)
	for _, row := range rows[1:] {
		var v float64
		fmt.Sscan(row[column], &v)
		got += v
	}
	f, err := os.Open(filepath.Join(run, "Z0000_0001.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var claim struct {
			Extension []struct {
				URL   string
				Money struct{ Value float64 } `json:"valueMoney"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &claim); err != nil {
			t.Fatal(err)
		}
		for _, e := range claim.Extension {
			if strings.HasSuffix(e.URL, "/"+amount) {
				want += e.Money.Value
			}
		}
	}
	if math.Abs(got-want) > 0.005 || want < 1000 {
		t.Errorf("the amounts are %.2f, in the claims %.2f", got, want)
	}
}
