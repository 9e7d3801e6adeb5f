package table

import (
	"encoding/csv"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// csvTable is one table.
type csvTable struct {
	file  *file
	out   *csv.Writer
	kinds []string // of the columns: date, timestamp, decimal or empty
	row   []string
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

func newCSVTable(dir, name string, row reflect.Type) (tableWriter, error) {
	f, err := create(dir, name+".csv", buffered)
	if err != nil {
		return nil, err
	}
	names, kinds := columns(row)
	t := &csvTable{file: f, out: csv.NewWriter(f), kinds: kinds, row: make([]string, len(names))}
	t.out.UseCRLF = true // RFC 4180 §2
	return t, t.out.Write(names)
}

func (t *csvTable) add(list reflect.Value) error {
	for n := range list.Len() {
		for i := range t.row {
			t.row[i] = guarded(list.Index(n).Field(i), t.kinds[i])
		}
		if err := t.out.Write(t.row); err != nil {
			return err
		}
	}
	return nil
}

func (t *csvTable) close() error {
	t.out.Flush()
	return errors.Join(t.out.Error(), t.file.Close())
}

func (t *csvTable) abort() { t.file.File.Close() }

// cell is a value as text: dates and times as ISO 8601 has them, amounts with
// two decimals, numbers with as many digits as they need, lists with a space between
// their elements.
func cell(v reflect.Value, kind string) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch kind {
	case "date":
		return time.Unix(v.Int()*24*60*60, 0).UTC().Format(time.DateOnly)
	case "timestamp":
		return time.UnixMicro(v.Int()).UTC().Format("2006-01-02T15:04:05.000Z")
	case "decimal":
		return amount(v.Int())
	}
	switch v.Kind() {
	case reflect.Slice:
		return elements(v)
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return v.String()
}

// elements are those of a list of numbers or texts, with a space between.
func elements(list reflect.Value) string {
	var out []byte
	for i := range list.Len() {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, cell(list.Index(i), "")...)
	}
	return string(out)
}

// guarded is a cell that no spreadsheet runs. What a claim says comes from a server, and
// a spreadsheet takes text that begins like a formula for one, which can send away what
// the table holds. No code, identifier or name in real claims begins like that, so that
// the apostrophe, by which spreadsheets know text, changes no real claim. Numbers stay
// as they are: nothing in them can be run.
func guarded(v reflect.Value, kind string) string {
	s := cell(v, kind)
	if (v.Kind() == reflect.String || v.Kind() == reflect.Slice) && formula(s) {
		return "'" + s
	}
	return s
}

// formula tells whether a spreadsheet could run a text. A minus before digits and letters
// alone calls nothing, and synthetic identifiers begin with one.
func formula(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return false
	}
	return first != '-' || strings.ContainsFunc(s[1:], func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
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
