package feed

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"ab2d/internal/coverage"
)

const (
	contractsHeader  = "contract,sponsor,attested\n"
	enrollmentHeader = "contract,beneficiary_id,mbi,historic_mbis,from,to\n"
	optOutsHeader    = "mbi,share\n"
	fixedHeader      = "HDR_BENEDATARSP20260101\n"
)

// tables read each of the tables, with some limits.
func tables(l limits) map[string]func(io.Reader) (int, error) {
	today := coverage.DateOf(2026, 6, 30)
	return map[string]func(io.Reader) (int, error){
		"contracts": func(r io.Reader) (int, error) { list, err := ReadContracts(r); return len(list), err },
		"enrollment": func(r io.Reader) (int, error) {
			all, err := readEnrollment(r, l)
			n := 0
			for _, list := range all {
				n += len(list)
			}
			return n, err
		},
		"opt-outs": func(r io.Reader) (int, error) { list, err := readOptOuts(r, today, l); return len(list), err },
	}
}

// TestBounds_Endless: of a source without an end some kilobytes are read, and the error
// says where and what to do.
func TestBounds_Endless(t *testing.T) {
	const row = "longer than 65536 bytes; check for a missing closing quote"
	for name, c := range map[string]struct{ table, head, fill, want string }{
		"contracts, a field":          {"contracts", contractsHeader + `S1234,"`, "x", "line 2: the row is " + row},
		"enrollment, a field":         {"enrollment", enrollmentHeader + `S1234,1,"`, "x", "line 2: the row is " + row},
		"opt-outs, a field":           {"opt-outs", optOutsHeader + "1S00E00AA01,Y\n\"", "x", "line 3: the row is " + row},
		"contracts, lines in a field": {"contracts", contractsHeader + `S1234,"`, "x\n", "line 2: the row is " + row},
		"contracts, commas":           {"contracts", contractsHeader, ",", "line 2: the row is " + row},
		"enrollment, commas":          {"enrollment", enrollmentHeader, ",", "line 2: the row is " + row},
		"opt-outs, commas":            {"opt-outs", optOutsHeader, ",", "line 2: the row is " + row},
		"contracts, empty lines":      {"contracts", contractsHeader, "\n", "line 2: the row is longer than 65536 bytes"},
		"contracts, faulty lines":     {"contracts", contractsHeader, "x\n", "100 problems; nothing was imported, and the rest of the file was not read:"},
		"contracts, quotes":           {"contracts", contractsHeader, `x"`, `line 2: bare "`},
		"enrollment, faulty rows":     {"enrollment", enrollmentHeader, "x,x,x,,x,x\n", "100 problems; nothing was imported, and the rest"},
		"enrollment, identifiers":     {"enrollment", enrollmentHeader, "S1234,1,1S00E00AA01," + strings.Repeat("x;", 2000) + ",2024-01,\n", "100 problems; nothing"},
		"header, a name":              {"contracts", "", "x", "read the header: " + row},
		"header, commas":              {"contracts", "", ",", "read the header: " + row},
		"CMS's file, a line":          {"opt-outs", fixedHeader, "x", "line 2: longer than 65536 bytes; a line of CMS's file has"},
		"CMS's file, faulty lines":    {"opt-outs", fixedHeader, "x\n", "100 problems; nothing was imported, and the rest"},
		"CMS's file, identifiers":     {"opt-outs", fixedHeader, strings.Repeat("1,", 9000) + "Y\n", "line 2: the line has more than two identifiers"},
	} {
		t.Run(name, func(t *testing.T) {
			endless := &repeated{what: c.fill}
			_, err := tables(tableLimits())[c.table](io.MultiReader(strings.NewReader(c.head), endless))
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 20_000 {
				t.Errorf("got %.300v, want %q", err, c.want)
			}
			if endless.read > 3*readBuffer+120*mostRowBytes {
				t.Errorf("%d bytes were read", endless.read)
			}
		})
	}
}

// TestBounds_Table: each bound of a table as a whole lets pass what just fits.
func TestBounds_Table(t *testing.T) {
	mbi := func(i int) string { return fmt.Sprintf("1S00E00AA%02d", i) }
	person := func(i int) string { return fmt.Sprintf("S1234,%d,%s,%s,2024-01,\n", i, mbi(2*i), mbi(2*i+1)) }
	optOut := func(i int) string { return mbi(i) + ",Y\n" }
	wide := tableLimits()
	ten := func(change func(*limits)) limits { l := wide; change(&l); return l }
	for name, c := range map[string]struct {
		table, head, tail string
		row               func(int) string
		limits            limits
		want              string
	}{
		"beneficiaries":  {"enrollment", enrollmentHeader, "", person, ten(func(l *limits) { l.persons = 10 }), "line 12: there are more than 10 beneficiaries; import some of the contracts in another file"},
		"identifiers":    {"enrollment", enrollmentHeader, "", person, ten(func(l *limits) { l.ids = 20 }), "line 12: there are more than 20 identifiers"},
		"rows":           {"enrollment", enrollmentHeader, "", person, ten(func(l *limits) { l.rows = 10 }), "line 12: the table has more than 10 rows"},
		"opt-outs":       {"opt-outs", optOutsHeader, "", optOut, ten(func(l *limits) { l.persons = 10 }), "line 12: there are more than 10 identifiers; import the others in another file"},
		"rows, opt-outs": {"opt-outs", optOutsHeader, "", optOut, ten(func(l *limits) { l.rows = 10 }), "line 12: the table has more than 10 rows"},
		"bytes": {"opt-outs", optOutsHeader, "", optOut, ten(func(l *limits) { l.bytes = int64(len(optOutsHeader) + 10*len(optOut(1))) }),
			"the table has more than 150 bytes uncompressed; import it in several files"},
		"CMS's file": {"opt-outs", fixedHeader, "TRL_BENEDATARSP202601010000000010\n", func(i int) string { return mbi(i) + "Y\n" },
			ten(func(l *limits) { l.persons = 10 }), "line 12: there are more than 10 identifiers"},
	} {
		t.Run(name, func(t *testing.T) {
			var rows strings.Builder
			for i := range 10 {
				rows.WriteString(c.row(i))
			}
			read := tables(c.limits)[c.table]
			if n, err := read(strings.NewReader(c.head + rows.String() + c.tail)); n != 10 || err != nil {
				t.Errorf("what just fits: %d, %v", n, err)
			}
			_, err := read(strings.NewReader(c.head + rows.String() + c.row(10) + c.tail))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("one more: got %v, want %q", err, c.want)
			}
		})
	}
}

// TestBounds_Row: the bounds of a row let pass what just fits.
func TestBounds_Row(t *testing.T) {
	var manyIDs, oneMore strings.Builder
	for i := range mostIDs + 1 {
		row := fmt.Sprintf("S1234,1,1S00E00A%c%02d,,2024-01,\n", "AC"[i/100], i%100)
		oneMore.WriteString(row)
		if i < mostIDs {
			manyIDs.WriteString(row)
		}
	}
	row := func(n int) string { return strings.Repeat(" ", n-len("S1234,A,\n")) + "S1234,A,\n" }
	for name, c := range map[string]struct{ table, fits, more, want string }{
		"bytes": {"contracts", contractsHeader + row(mostRowBytes), contractsHeader + row(mostRowBytes+1), "line 2: the row is longer than 65536 bytes"},
		"bytes, the last row": {"contracts", contractsHeader + strings.TrimSpace(row(9)) + "\n" + strings.TrimSuffix(strings.ReplaceAll(row(mostRowBytes+1), "S1234", "S1235"), "\n"),
			contractsHeader + strings.TrimSuffix(row(mostRowBytes+2), "\n"), "line 2: the row is longer than 65536 bytes"},
		"sponsor": {"contracts", contractsHeader + "S1234," + strings.Repeat("x", mostSponsor) + ",\n", contractsHeader + "S1234," + strings.Repeat("x", mostSponsor+1) + ",\n",
			"line 2: sponsor is longer than 400 bytes"},
		"field": {"enrollment", enrollmentHeader + "S1234,1,1S00E00AA01," + strings.Repeat(";", mostFieldBytes) + ",2024-01,\n",
			enrollmentHeader + "S1234,1,1S00E00AA01," + strings.Repeat(";", mostFieldBytes+1) + ",2024-01,\n", "line 2: historic_mbis is longer than 4096 bytes"},
		"identifiers of one": {"enrollment", enrollmentHeader + manyIDs.String(), enrollmentHeader + oneMore.String(),
			"line 102: the beneficiary has more than 100 identifiers; look for rows of others with the same beneficiary_id"},
		"columns": {"contracts", contractsHeader, strings.Repeat("contract,", mostColumns) + "x\n", "the header has 33 columns; the columns are contract,sponsor,attested"},
	} {
		t.Run(name, func(t *testing.T) {
			read := tables(tableLimits())[c.table]
			if _, err := read(strings.NewReader(c.fits)); err != nil {
				t.Errorf("what just fits: %v", err)
			}
			if _, err := read(strings.NewReader(c.more)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("one more: got %v, want %q", err, c.want)
			}
		})
	}
}
