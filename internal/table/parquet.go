package table

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// groupRows is how many rows are kept in memory before they are written: a row
// group. It bounds the memory, and what a query has to read at least.
const groupRows = 50_000

// pageBytes is how much of a column is gathered before it is compressed. All columns of
// all tables gather that much at once.
const pageBytes = 128 << 10

// What a file tells of itself in its metadata, beside its schema: what the table and,
// after the prefix, each column holds.
const (
	metaVersion = "ab2d.tables.version"
	metaTable   = "ab2d.table"
	metaColumn  = "ab2d.column."
)

// parquetTable is one table. It writes values with their levels, not structs:
// parquet-go 0.32.0 decides by runs of rows whether a text that is optional is
// NULL, and writes some that are absent as empty texts.
type parquetTable struct {
	file *file
	out  *parquet.GenericWriter[any]
	rows []parquet.Row // of the call before, to be used again
}

// parquetBuffered is how much is gathered before it is written to a Parquet file, whose
// columns gather pages of their own.
const parquetBuffered = 64 << 10

// parquetTables returns a constructor of tables that share what compresses them.
func parquetTables() (newTable, error) {
	codec, err := newZstdCodec()
	if err != nil {
		return nil, err
	}
	return func(dir, name string, row reflect.Type) (tableWriter, error) {
		return newParquetTable(dir, name, row, codec)
	}, nil
}

func newParquetTable(dir, name string, row reflect.Type, codec *zstdCodec) (tableWriter, error) {
	f, err := create(dir, name+".parquet", parquetBuffered)
	if err != nil {
		return nil, err
	}
	options := []parquet.WriterOption{parquet.SchemaOf(reflect.Zero(row).Interface()), parquet.Compression(codec),
		parquet.MaxRowsPerRowGroup(groupRows), parquet.PageBufferSize(pageBytes), parquet.CreatedBy("ab2d", "", ""),
		parquet.KeyValueMetadata(metaVersion, strconv.Itoa(Version)), parquet.KeyValueMetadata(metaTable, description(name))}
	names, _ := columns(row)
	for i, column := range names {
		options = append(options, parquet.KeyValueMetadata(metaColumn+column, row.Field(i).Tag.Get("doc")))
	}
	return &parquetTable{file: f, out: parquet.NewGenericWriter[any](f, options...)}, nil
}

// description tells what a row of a table is.
func description(name string) string {
	for i := range Lookups {
		if Lookups[i].Name == name {
			return Lookups[i].description()
		}
	}
	return Descriptions[name]
}

func (t *parquetTable) add(list reflect.Value) error {
	for n := range list.Len() {
		if n == len(t.rows) {
			t.rows = append(t.rows, nil)
		}
		t.rows[n] = storedRow(t.rows[n][:0], list.Index(n))
	}
	_, err := t.out.WriteRows(t.rows[:list.Len()])
	return err
}

// storedRow appends the values of a row as its columns hold them. Each field has
// one column.
func storedRow(to parquet.Row, row reflect.Value) parquet.Row {
	for i := range row.NumField() {
		to = stored(to, row.Field(i), i)
	}
	return to
}

// stored appends a field of a row as its column holds it. Every column is optional, so
// that the definition level is 0 where there is nothing and 1 where there is a value,
// or 2 where there is an element of a list; all elements but the first repeat it.
func stored(to parquet.Row, v reflect.Value, column int) parquet.Row {
	switch {
	case v.IsZero(), v.Kind() == reflect.Slice && v.Len() == 0: // a nil pointer, or an empty text or list
		return append(to, parquet.NullValue().Level(0, 0, column))
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			to = append(to, parquet.ValueOf(v.Index(i).Interface()).Level(min(i, 1), 2, column))
		}
		return to
	case v.Kind() == reflect.Pointer:
		v = v.Elem()
	}
	return append(to, parquet.ValueOf(v.Interface()).Level(0, 1, column))
}

func (t *parquetTable) close() error {
	return errors.Join(t.out.Close(), t.file.Close())
}

func (t *parquetTable) abort() { t.file.File.Close() }
