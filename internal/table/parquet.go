package table

import (
	"errors"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// groupRows is how many rows are kept in memory before they are written: a row
// group. It bounds the memory, and what a query has to read at least.
const groupRows = 50_000

// parquetTable is one table. It writes values with their levels, not structs:
// parquet-go 0.32.0 decides by runs of rows whether a text that is optional is
// NULL, and writes some that are absent as empty texts.
type parquetTable struct {
	file *file
	out  *parquet.GenericWriter[any]
	rows []parquet.Row // of the call before, to be used again
}

func newParquetTable(dir, name string, row reflect.Type) (tableWriter, error) {
	f, err := create(dir, name+".parquet", buffered)
	if err != nil {
		return nil, err
	}
	schema := parquet.SchemaOf(reflect.Zero(row).Interface())
	return &parquetTable{file: f, out: parquet.NewGenericWriter[any](f, schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.MaxRowsPerRowGroup(groupRows), parquet.CreatedBy("ab2d", "", ""))}, nil
}

func (t *parquetTable) add(list reflect.Value) error {
	for n := range list.Len() {
		if n == len(t.rows) {
			t.rows = append(t.rows, nil)
		}
		row := t.rows[n][:0]
		for i := range list.Index(n).NumField() {
			row = append(row, stored(list.Index(n).Field(i), i))
		}
		t.rows[n] = row
	}
	_, err := t.out.WriteRows(t.rows[:list.Len()])
	return err
}

// stored is a field of a row as its column holds it. Every column is optional,
// so that the definition level is 1 where there is a value and 0 where not.
func stored(v reflect.Value, column int) parquet.Value {
	if v.IsZero() { // a nil pointer or an empty text
		return parquet.NullValue().Level(0, 0, column)
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return parquet.ValueOf(v.Interface()).Level(0, 1, column)
}

func (t *parquetTable) close() error {
	return errors.Join(t.out.Close(), t.file.Close())
}

func (t *parquetTable) abort() { t.file.File.Close() }
