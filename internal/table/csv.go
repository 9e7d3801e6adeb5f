package table

import (
	"encoding/csv"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// csvTable is one table.
type csvTable struct {
	file  *file
	out   *csv.Writer
	kinds []string // of the columns: date, timestamp, decimal or empty
	row   []string
	rows  int64
}

// columns are the names of a row's columns and what they are besides their Go
// type.
func columns(t reflect.Type) (names, kinds []string) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
		kind := ""
		for o := range strings.SplitSeq(options, ",") {
			switch o, _, _ = strings.Cut(o, "("); o {
			case "date", "timestamp", "decimal":
				kind = o
			}
		}
		names, kinds = append(names, name), append(kinds, kind)
	}
	return names, kinds
}

func newCSVTable(dir, name string, row reflect.Type) (*csvTable, error) {
	f, err := create(dir, name+".csv", buffered)
	if err != nil {
		return nil, err
	}
	names, kinds := columns(row)
	t := &csvTable{file: f, out: csv.NewWriter(f), kinds: kinds, row: make([]string, len(names))}
	t.out.UseCRLF = true // RFC 4180 §2
	return t, t.out.Write(names)
}

func (t *csvTable) add(row reflect.Value) error {
	t.rows++
	for i := range t.row {
		t.row[i] = cell(row.Field(i), t.kinds[i])
	}
	return t.out.Write(t.row)
}

// cell is a value as text: dates and times as ISO 8601 has them, amounts with
// two decimals, numbers with as many digits as they need.
func cell(v reflect.Value, kind string) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch {
	case kind == "date":
		return time.Unix(v.Int()*24*60*60, 0).UTC().Format(time.DateOnly)
	case kind == "timestamp":
		return time.UnixMicro(v.Int()).UTC().Format("2006-01-02T15:04:05.000Z")
	case kind == "decimal":
		return amount(v.Int())
	}
	switch v.Kind() {
	case reflect.Int32:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return v.String()
}

func amount(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	s := strconv.FormatInt(cents, 10)
	s = strings.Repeat("0", max(0, 3-len(s))) + s
	return sign + s[:len(s)-2] + "." + s[len(s)-2:]
}

// csvSink is all tables, in the order of Names.
type csvSink struct{ tables []*csvTable }

func openCSV(dir string) (sink, error) {
	s := &csvSink{}
	for i, row := range rowTypes() {
		t, err := newCSVTable(dir, Names[i], row)
		if t != nil {
			s.tables = append(s.tables, t)
		}
		if err != nil {
			s.abort()
			return nil, err
		}
	}
	return s, nil
}

// rowTypes are the types of the tables' rows, in the order of Names.
func rowTypes() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[Claim](), reflect.TypeFor[Line](), reflect.TypeFor[Diagnosis](), reflect.TypeFor[Procedure](), reflect.TypeFor[CareTeamMember]()}
}

func (s *csvSink) add(_ []byte, r *rows) error {
	if err := s.tables[0].add(reflect.ValueOf(r.claim)); err != nil {
		return err
	}
	for i, list := range []any{r.lines, r.diagnoses, r.procedures, r.careTeam} {
		v := reflect.ValueOf(list)
		for n := range v.Len() {
			if err := s.tables[i+1].add(v.Index(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *csvSink) close() (Counts, error) {
	counts := Counts{}
	var errs []error
	for i, t := range s.tables {
		t.out.Flush()
		errs = append(errs, t.out.Error(), t.file.Close())
		counts[Names[i]] = t.rows
	}
	return counts, errors.Join(errs...)
}

func (s *csvSink) abort() {
	for _, t := range s.tables {
		t.file.File.Close()
	}
}
