package table

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// ErrNotInTables says that files have resources that no table holds: resources that are
// not claims, or lines that are too long.
var ErrNotInTables = errors.New("there are resources that no table holds")

// Check reads the tables of a folder, and the files of NDJSON that they were made of
// once more, and compares each cell. It returns an error if the tables lack anything, or
// have more. reject is told each line that cannot be read, which is in no table. If the
// tables are right and the files have more than they and reject hold, the error is
// ErrNotInTables. Its memory does not depend on how many claims there are. Its errors
// name a table and a row, and quote nothing of it.
func Check(ctx context.Context, paths []string, dir string, format Format, progress func(int64), reject Reject) error {
	info, err := ReadInfo(dir)
	if err != nil {
		return fmt.Errorf("checking tables: %w", err)
	}
	if info.Version != Version || info.Format != format {
		return fmt.Errorf("checking tables: %s has tables of version %d as %q, not of version %d as %q", dir, info.Version, info.Format, Version, format)
	}
	s, err := openTables(dir, map[Format]newTable{Parquet: newParquetCheck, CSV: newCSVCheck}[format])
	if err != nil {
		return fmt.Errorf("checking tables: %w", err)
	}
	long := false
	in := input{paths: paths, progress: progress, reject: func(path string, line int64, reason string, content []byte) {
		long = long || reason == tooLong
		reject(path, line, reason, content)
	}}
	if _, err := in.pour(ctx, s, format); err != nil {
		return fmt.Errorf("checking tables: %w", err)
	}
	if long || in.others > 0 {
		return ErrNotInTables
	}
	return nil
}

// newTable begins a table of a format, or the check of one.
type newTable func(dir, name string, row reflect.Type) (tableWriter, error)

// differs says which row of a table is not as it must be.
func differs(name string, row int64) error {
	return fmt.Errorf("row %d of the table %s does not hold what its claim has", row, name)
}

// parquetCheck is a table that is compared rather than written.
type parquetCheck struct {
	name string
	file *os.File
	in   *parquet.GenericReader[any]
	got  []parquet.Row
	want parquet.Row
	row  int64
}

func newParquetCheck(dir, name string, row reflect.Type) (tableWriter, error) {
	f, err := os.Open(filepath.Join(dir, name+".parquet"))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the table %s cannot be read: %w", name, err), f.Close())
	}
	if want := parquet.SchemaOf(reflect.Zero(row).Interface()); !parquet.EqualNodes(p.Schema(), want) {
		return nil, errors.Join(fmt.Errorf("the table %s has other columns", name), f.Close())
	}
	return &parquetCheck{name: name, file: f, in: parquet.NewGenericReader[any](p), got: make([]parquet.Row, 1)}, nil
}

func (t *parquetCheck) add(list reflect.Value) error {
	for i := range list.Len() {
		t.row++
		if n, err := t.in.ReadRows(t.got); n == 0 {
			return fmt.Errorf("the table %s cannot be read at row %d: %w", t.name, t.row, err)
		}
		t.want = storedRow(t.want[:0], list.Index(i))
		if !slices.EqualFunc(t.got[0], t.want, sameValue) {
			return differs(t.name, t.row)
		}
	}
	return nil
}

// sameValue tells whether two values are the same, in the same place of a row.
func sameValue(a, b parquet.Value) bool {
	return a.Column() == b.Column() && a.RepetitionLevel() == b.RepetitionLevel() && a.DefinitionLevel() == b.DefinitionLevel() && parquet.Equal(a, b)
}

func (t *parquetCheck) close() error {
	var err error
	if n, end := t.in.ReadRows(t.got); n > 0 || !errors.Is(end, io.EOF) {
		err = fmt.Errorf("the table %s has more rows than its claims", t.name)
	}
	return errors.Join(err, t.in.Close(), t.file.Close())
}

func (t *parquetCheck) abort() {
	t.in.Close()
	t.file.Close()
}

// csvCheck is a table that is compared rather than written.
type csvCheck struct {
	name  string
	file  *os.File
	in    *csv.Reader
	kinds []string
	row   int64
}

func newCSVCheck(dir, name string, row reflect.Type) (tableWriter, error) {
	f, err := os.Open(filepath.Join(dir, name+".csv"))
	if err != nil {
		return nil, err
	}
	names, kinds := columns(row)
	t := &csvCheck{name: name, file: f, in: csv.NewReader(f), kinds: kinds}
	t.in.ReuseRecord = true
	if got, err := t.in.Read(); err != nil || !slices.Equal(got, names) {
		return nil, errors.Join(fmt.Errorf("the table %s has other columns", name), f.Close())
	}
	return t, nil
}

func (t *csvCheck) add(list reflect.Value) error {
	for n := range list.Len() {
		t.row++
		got, err := t.in.Read()
		if err != nil {
			return fmt.Errorf("the table %s cannot be read at row %d: %w", t.name, t.row, err)
		}
		for i, cell := range got {
			if cell != readBack(guarded(list.Index(n).Field(i), t.kinds[i])) {
				return differs(t.name, t.row)
			}
		}
	}
	return nil
}

func (t *csvCheck) close() error {
	var err error
	if _, end := t.in.Read(); !errors.Is(end, io.EOF) {
		err = fmt.Errorf("the table %s has more rows than its claims", t.name)
	}
	return errors.Join(err, t.file.Close())
}

func (t *csvCheck) abort() { t.file.Close() }

// readBack is a cell as a reader of CSV returns it. The writer ends lines with \r\n, also
// within a cell, and leaves out other carriage returns; the reader returns \n.
func readBack(cell string) string { return strings.ReplaceAll(cell, "\r", "") }
