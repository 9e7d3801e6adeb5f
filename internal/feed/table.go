package feed

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// mostFaults is how many faults of a table are gathered before it is refused.
const mostFaults = 100

// LineErrors is why a table is refused as a whole.
type LineErrors []*LineError

// Error lists all faults, a line each.
func (f LineErrors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems; nothing was imported", len(f))
	if len(f) >= mostFaults {
		b.WriteString(", and the rest of the file was not read")
	}
	b.WriteByte(':')
	for _, one := range f {
		b.WriteString("\n  " + one.Error())
	}
	return b.String()
}

// table reads CSV with a header row, whose columns may stand in any order.
type table struct {
	src     *source
	csv     *csv.Reader
	column  map[string]int
	names   []string // of the columns
	row     []string
	line    int64
	rows    int64
	ids     int // identifiers of all persons
	persons int
	stopped bool // by a bound
	faults  LineErrors
}

// openTable reads the header of what is inflated: all columns of required, and any of
// optional.
func openTable(r *bufio.Reader, l limits, required, optional []string) (*table, error) {
	t := &table{src: &source{r: r, limits: l}, column: map[string]int{}, line: 1}
	t.csv = csv.NewReader(bufio.NewReaderSize(t.src, mostRowBytes))
	t.csv.ReuseRecord = true
	t.csv.TrimLeadingSpace = true
	header, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file is empty; its first line names the columns: %s", strings.Join(required, ","))
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	columns := strings.Join(append(slices.Clone(required), optional...), ",")
	if len(header) > mostColumns {
		return nil, fmt.Errorf("the header has %d columns; the columns are %s", len(header), columns)
	}
	var faults []string
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			faults = append(faults, unknownColumn(i, name))
		}
		if _, ok := t.column[name]; ok {
			faults = append(faults, fmt.Sprintf("column %d has the name of another", i+1))
		}
		t.column[name] = i
		t.names = append(t.names, name)
	}
	for _, name := range required {
		if _, ok := t.column[name]; !ok {
			faults = append(faults, fmt.Sprintf("the column %s is missing", name))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("the header is wrong: %s; the columns are %s", strings.Join(faults, ", "), columns)
	}
	return t, nil
}

// columnName is what is quoted as a column's name. Identifiers of a person begin
// with a digit or a sign.
var columnName = regexp.MustCompile(`^[a-z][a-z0-9_ -]{0,39}$`)

// unknownColumn quotes a name only where it can be one: a file without a header
// has identifiers of a person there.
func unknownColumn(i int, name string) string {
	if columnName.MatchString(name) {
		return fmt.Sprintf("there is no column %q", name)
	}
	return fmt.Sprintf("column %d has no name that is known", i+1)
}

// next reads a row; false at the end, at a bound, or when there are faults enough.
func (t *table) next() bool {
	for !t.stopped && len(t.faults) < mostFaults {
		from := t.csv.InputOffset()
		t.src.row = 0
		row, err := t.csv.Read()
		if err == io.EOF {
			return false
		}
		var wrong *csv.ParseError
		switch {
		case errors.As(err, &wrong):
			t.line = int64(wrong.StartLine)
			t.fault("%v", wrong.Err)
			continue
		case err != nil:
			t.unread(err)
			return false
		}
		line, _ := t.csv.FieldPos(0)
		t.row, t.line = row, int64(line)
		if !t.bounded(t.csv.InputOffset() - from) {
			return false
		}
		if t.short() {
			return true
		}
	}
	return false
}

// get gives a column of the row, or "" where the table has no such column.
func (t *table) get(name string) string {
	i, ok := t.column[name]
	if !ok || i >= len(t.row) {
		return ""
	}
	return strings.TrimSpace(t.row[i])
}

func (t *table) has(name string) bool { _, ok := t.column[name]; return ok }

// fault keeps a fault, unless there are enough.
func (t *table) fault(format string, args ...any) {
	if len(t.faults) >= mostFaults {
		return
	}
	t.faults = append(t.faults, &LineError{Line: t.line, Reason: fmt.Sprintf(format, args...)})
}

// err is all faults, or nil.
func (t *table) err() error {
	if len(t.faults) == 0 {
		return nil
	}
	return t.faults
}
