package feed_test

import (
	stdcmp "cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/feed"
)

func TestContracts(t *testing.T) {
	got, err := feed.ReadContracts(strings.NewReader("\xef\xbb\xbfAttested,contract,SPONSOR\n2020-03-01,S1234,\"A, Inc.\"\n,S0001,B\n"))
	want := []coverage.Contract{{Number: "S1234", Sponsor: "A, Inc.", Attested: coverage.DateOf(2020, 3, 1), HasAttested: true}, {Number: "S0001", Sponsor: "B"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for source, want := range map[string]string{
		"":                                   "the file is empty; its first line names the columns: contract,sponsor,attested",
		"contract,sponsor\n":                 "the column attested is missing",
		"contract,sponsor,attested,x\n":      `there is no column "x"`,
		"contract,sponsor,attested\ns1,A,\n": `line 2: contract is not a capital letter and four digits`,
		"contract,sponsor,attested\nS1234,A,1.3.2020\n":             "line 2: attested is not a date of the form YYYY-MM-DD",
		"contract,sponsor,attested\nS1234,A,2021-06-01T03:30:00Z\n": "line 2: attested is not a date of the form YYYY-MM-DD",
		"contract,sponsor,attested\nS1234,A,\nS1234,B,\n":           "line 3: contract S1234 occurs twice",
		"contract,sponsor,attested\nS1234,A\nS1234,\"B,\nx,y,":      "line 2: wrong number of fields",
	} {
		if _, err := feed.ReadContracts(strings.NewReader(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", source, err, want)
		}
	}
}

func TestEnrollment(t *testing.T) {
	got, err := feed.ReadEnrollment(strings.NewReader(`contract,beneficiary_id,mbi,historic_mbis,year,month
Z0001,5,1S00E00AA55,,2024,2
Z0000,-9,1S00E00AA02,1S00E00AA01,2024,3
Z0000,-9,1S00E00AA01,,2024,1
Z0000,-9,1S00E00AA03,,2023,12
Z0000,-9,1S00E00AA02,,2019,12
`))
	if err != nil {
		t.Fatal(err)
	}
	var months, feb coverage.MonthSet
	for _, m := range []coverage.Month{coverage.MonthOf(2024, 3), coverage.MonthOf(2024, 1), coverage.MonthOf(2023, 12), coverage.MonthOf(2019, 12)} {
		months.Add(m)
	}
	feb.Add(coverage.MonthOf(2024, 2))
	want := map[string][]coverage.Enrollee{
		"Z0000": {{ID: -9, MBIs: []coverage.MBI{"1S00E00AA02", "1S00E00AA01", "1S00E00AA03"}, Months: months}},
		"Z0001": {{ID: 5, MBIs: []coverage.MBI{"1S00E00AA55"}, Months: feb}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnrollmentFaults(t *testing.T) {
	const secret = "1S00E00AA0I" // I is no letter of an MBI
	for source, want := range map[string]string{
		"contract,beneficiary_id,mbi\nZ0000,1,\n":                                                "give the columns year and month, or the columns from and to",
		"contract,beneficiary_id,mbi,year,month,from,to\n":                                       "give the columns year and month, or the columns from and to",
		"contract,beneficiary_id,mbi,year,month,to\n":                                            "give the columns year and month, or the columns from and to, and not both",
		"contract,beneficiary_id,mbi,from,to,year\n":                                             "give the columns year and month, or the columns from and to, and not both",
		"contract,beneficiary_id,mbi,from\nZ0000,1,,2024-01\n":                                   "give the columns year and month, or the columns from and to",
		"contract,beneficiary_id,mbi,from,to\nZ0000,1,,,2024-01\n":                               "line 2: from: not a month",
		"contract,beneficiary_id,mbi,from,to\nZ0000,1,,2024-01,9999-12\n":                        "line 2: to: not a month from 1965 to 2100; write 2024-03, or leave it empty for an enrollment that is still open",
		"contract,beneficiary_id,mbi,year,month\nZ0000,1," + secret + ",2024,1\n":                "line 2: mbi: the identifier does not have the form",
		"contract,beneficiary_id,mbi,historic_mbis,year,month\nZ0000,1,1S00E00AA00,1 2,2024,1\n": "line 2: historic_mbis: the identifier",
		"contract,beneficiary_id,mbi,year,month\nZ0000,1,,2024,13\n":                             "line 2: year and month: not a month",
		"contract,beneficiary_id,mbi,from,to\nZ0000,1,,2024-01,3024-02\n":                        "line 2: to: ",
		"contract,beneficiary_id,mbi,from,to\nZ0000,1,,2024-02,2024-01\n":                        "line 2: to is before from",
		"contract,beneficiary_id,mbi,from,to\nZ0000,1x,,2024-02,2024-02\n":                       "line 2: beneficiary_id is not a whole number",
		"contract,beneficiary_id,mbi,from,to\n" + strings.Repeat("x,x,x,x,x\n", 1000):            "problems; nothing was imported",
	} {
		_, err := feed.ReadEnrollment(strings.NewReader(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", source, err, want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes an identifier: %v", err)
		}
	}
}

// TestEnrollment_OpenRange: a range without an end holds every later month, and its
// row is the latest one.
func TestEnrollment_OpenRange(t *testing.T) {
	got, err := feed.ReadEnrollment(strings.NewReader(`contract,beneficiary_id,mbi,from,to
Z0000,1,1S00E00AA02,2024-03,
Z0000,1,1S00E00AA09,2023-11,2024-01
Z0000,2,1S00E00AA09,2020-01,
Z0000,2,1S00E00AA01,2025-07,
Z0000,3,,2050-01,
`))
	if err != nil {
		t.Fatal(err)
	}
	var one, two coverage.MonthSet
	one.AddRange(coverage.MonthOf(2023, 11), coverage.MonthOf(2024, 1))
	one.AddRange(coverage.MonthOf(2024, 3), coverage.LastMonth)
	two.AddRange(coverage.MonthOf(2020, 1), coverage.LastMonth)
	want := map[string][]coverage.Enrollee{"Z0000": {
		{ID: 1, MBIs: []coverage.MBI{"1S00E00AA02", "1S00E00AA09"}, Months: one},
		{ID: 2, MBIs: []coverage.MBI{"1S00E00AA01", "1S00E00AA09"}, Months: two},
		{ID: 3},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownColumnsAreNamed: no table has a column that is not read.
func TestUnknownColumnsAreNamed(t *testing.T) {
	for name, read := range map[string]func(header string) error{
		"contract,sponsor,attested": func(s string) error { _, err := feed.ReadContracts(strings.NewReader(s)); return err },
		"contract,beneficiary_id,mbi,historic_mbis,v3_patient_id,year,month,from,to": func(s string) error {
			_, err := feed.ReadEnrollment(strings.NewReader(s))
			return err
		},
		"mbi,share,effective": func(s string) error { _, err := feed.ReadOptOuts(strings.NewReader(s), today); return err },
	} {
		err := read(name + ",plan-id 2,reason\n")
		for _, want := range []string{`there is no column "plan-id 2"`, `there is no column "reason"`, "the columns are " + name} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
}

// TestEnrollmentAgainstMap: rows in any order give the months a plain map gives.
func TestEnrollmentAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			id         int
			first, end coverage.Month
		}
		naive := map[int]map[coverage.Month]bool{}
		var source strings.Builder
		source.WriteString("contract,beneficiary_id,mbi,from,to\n")
		for range rapid.IntRange(1, 30).Draw(t, "rows") {
			r := row{id: rapid.IntRange(-3, 3).Draw(t, "id"), first: coverage.Month(rapid.IntRange(570, 840).Draw(t, "first"))}
			r.end = r.first + coverage.Month(rapid.IntRange(0, 20).Draw(t, "months"))
			fmt.Fprintf(&source, "Z0000,%d,,%s,%s\n", r.id, r.first, r.end)
			if naive[r.id] == nil {
				naive[r.id] = map[coverage.Month]bool{}
			}
			for m := r.first; m <= r.end; m++ {
				naive[r.id][m] = true
			}
		}
		got, err := feed.ReadEnrollment(strings.NewReader(source.String()))
		if err != nil {
			t.Fatal(err)
		}
		list := got["Z0000"]
		if len(list) != len(naive) || !slices.IsSortedFunc(list, func(a, b coverage.Enrollee) int { return int(a.ID - b.ID) }) {
			t.Fatalf("%d enrollees, want %d in order", len(list), len(naive))
		}
		for _, e := range list {
			for m := coverage.MonthOf(2018, time.January); m < coverage.MonthOf(2039, time.May); m++ {
				if e.Months.Has(m) != naive[int(e.ID)][m] {
					t.Fatalf("enrollee %d in %s: %v", e.ID, m, e.Months.Has(m))
				}
			}
		}
	})
}

// TestNoFaultQuotesAnIdentifier: not even where the columns are mixed up, or
// the header is missing.
func TestNoFaultQuotesAnIdentifier(t *testing.T) {
	const row = "1S00E00AA00,1S00E00AA00,1S00E00AA00,1S00E00AA00,1S00E00AA00,1S00E00AA00\n"
	for name, header := range map[string]string{
		"no header": "", "months": "contract,beneficiary_id,mbi,historic_mbis,year,month\n", "ranges": "contract,beneficiary_id,mbi,historic_mbis,from,to\n",
		"too many columns": "contract,beneficiary_id,mbi,from,to\n", "contracts": "contract,sponsor,attested\n",
	} {
		_, enrollment := feed.ReadEnrollment(strings.NewReader(header + row))
		_, optOuts := feed.ReadOptOuts(strings.NewReader(header+row), today)
		_, contracts := feed.ReadContracts(strings.NewReader(header + row))
		_, attested := feed.ReadContracts(strings.NewReader("contract,sponsor,attested\nS1234,A,1S00E00AA00\n"))
		for _, err := range []error{enrollment, optOuts, contracts, attested} {
			if err == nil || strings.Contains(strings.ToUpper(err.Error()), "1S00E00AA00") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestIdentifiersInAnyOrder: rows in any order give the same identifiers, the
// current one that of the latest month.
func TestIdentifiersInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []string
		var want coverage.MBI
		latest := 0
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			month, mbi, historic := rapid.IntRange(1, 12).Draw(t, "month"), "", ""
			if n := rapid.IntRange(-1, 3).Draw(t, "mbi"); n >= 0 {
				mbi = fmt.Sprintf("1S00E00AA%02d", n)
				historic = rapid.SampledFrom([]string{"", "1S00E00AA04", "1S00E00AA01;1S00E00AA05"}).Draw(t, "historic")
				if month > latest || month == latest && coverage.MBI(mbi) > want {
					latest, want = month, coverage.MBI(mbi)
				}
			}
			rows = append(rows, fmt.Sprintf("Z0000,1,%s,%s,2024,%d\n", mbi, historic, month))
		}
		read := func(rows []string) []coverage.MBI {
			all, err := feed.ReadEnrollment(strings.NewReader("contract,beneficiary_id,mbi,historic_mbis,year,month\n" + strings.Join(rows, "")))
			if err != nil {
				t.Fatal(err)
			}
			return all["Z0000"][0].MBIs
		}
		first := read(rows)
		if latest > 0 && first[0] != want {
			t.Fatalf("current %q, want %q", string(first[0]), string(want))
		}
		if diff := cmp.Diff(first, read(rapid.Permutation(rows).Draw(t, "order"))); diff != "" {
			t.Fatalf("another order, %s", diff)
		}
	})
}

// today is the day of the imports of opt-outs.
var today = coverage.DateOf(2026, 6, 30)

func TestOptOuts(t *testing.T) {
	newYear := coverage.DateOf(2026, 1, 1)
	for source, day := range map[string]coverage.Date{
		"HDR_BENEDATARSP20260101\n1S00E00AA01Y\n1S00E00AA02,1S00E00AA03Y\n1S00E00AA01N\nTRL_BENEDATARSP202601010000000003\n":          newYear,
		"HDR_BENEDATARSP20260101\n1S00E00AA01Y\n1S00E00AA02,1S00E00AA03Y\n1S00E00AA01N\nTRL_BENEDATARSP202601010000000004\n":          newYear, // of identifiers
		"HDR_BENEDATARSP20260101\r\n1S00E00AA01N  \r\n1S00E00AA02Y\r\n1S00E00AA03Y\r\nTRL_BENEDATARSP202601010000000003":              newYear,
		"HDR_BENEDATARSP20260701\n1S00E00AA01N\n1S00E00AA02Y\n1S00E00AA03Y\nTRL_BENEDATARSP202607010000000003":                        today, // made tomorrow
		"share,mbi\nY,1S00E00AA01\nY,1S00E00AA02\nY,1S00E00AA03\nN,1S00E00AA01\n":                                                     today,
		"mbi,share,effective\n1S00E00AA01,N,2026-01-01\n1S00E00AA02,Y,2026-01-01\n1S00E00AA03,Y,2026-01-01\n":                         newYear,
		"mbi,share,effective\n1S00E00AA01,N,\n1S00E00AA02,Y,\n1S00E00AA03,Y,\n1S00E00AA01,Y,2026-06-29\n":                             today,
		"mbi,share,effective\n1S00E00AA01,N,2026-01-01\n1S00E00AA02,Y,2026-01-01\n1S00E00AA03,Y,2026-01-01\n1S00E00AA01,Y,2024-01-01": newYear,
		"mbi,share,effective\n1S00E00AA01,Y,2026-01-01\n1S00E00AA02,Y,2026-01-01\n1S00E00AA03,Y,2026-01-01\n1S00E00AA01,N,2026-01-01": newYear, // the last line
	} {
		want := []feed.OptOut{{"1S00E00AA01", false, day}, {"1S00E00AA02", true, day}, {"1S00E00AA03", true, day}}
		got, err := feed.ReadOptOuts(strings.NewReader(source), today)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %s %v", source, diff, err)
		}
	}
	for source, want := range map[string]string{
		"HDR_BENEDATARSP20260101\n1S00E00AA01N\n":                                                            "there is no trailer: the file is incomplete",
		"HDR_BENEDATARSP20260101\n1S00E00AA01N\nTRL_BENEDATARSP202601010000000002\n":                         "line 3: the trailer counts 2, but there are 1 lines with 1 identifiers: the file is incomplete",
		"HDR_BENEDATARSP20260101\n1S00E00AA01N\n1S00E00AA02,1S00E00AA03Y\nTRL_BENEDATARSP202601010000000004": "line 4: the trailer counts 4, but there are 2 lines with 3 identifiers",
		"HDR_BENEDATARSP20260101\n1S00E00AA01N\nTRL_BENEDATARSP20260101\n":                                   "line 3: the trailer has no count",
		"HDR_BENEDATARSP2026\n1S00E00AA01N\nTRL_BENEDATARSP202601010000000001\n":                             "line 1: the header does not end with a date of the form yyyyMMdd",
		"HDR_BENEDATARSP20260101\n1S00E00AA0?N\nTRL_BENEDATARSP202601010000000001\n":                         "line 2: the identifier does not have the form",
		"HDR_BENEDATARSP20260101\n1S00E00AA01X\nTRL_BENEDATARSP202601010000000001\n":                         "line 2: the line does not end with Y or N",
		"HDR_BENEDATARSP20260101\nTRL_BENEDATARSP202601010000000000\n1S00E00AA01N\n":                         "line 3: a line after the trailer",
		"HDR_BENEDATARSP20260101\n1S00E00AA01,1S00E00AA02,1S00E00AA03N\nTRL_BENEDATARSP202601010000000001\n": "line 2: the line has more than two identifiers",
		"mbi,share\n1S00E00AA01,yes\n":                                                                       "line 2: share: write Y or N",
		"mbi,share,effective\n1S00E00AA01,N,banana\n":                                                        "line 2: effective is not a date of the form YYYY-MM-DD",
		"mbi,share,effective\n1S00E00AA01,N,2026-06-30T23:00:00-05:00\n":                                     "line 2: effective is not a date of the form YYYY-MM-DD",
		"mbi,share,effective\n1S00E00AA01,N,2026-07-01\n":                                                    "line 2: effective is after today, 2026-06-30; import the line on that day",
		"mbi\n": "neither CMS's file, which begins with HDR_BENEDATARSP, nor CSV",
	} {
		if _, err := feed.ReadOptOuts(strings.NewReader(source), today); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", source, err, want)
		}
	}
}

// TestIdentifiersOfRangesInAnyOrder: rows of ranges in any order, open ones among
// them, give the same identifiers.
func TestIdentifiersOfRangesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []string
		var current string
		latest := [2]string{}
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			from := rapid.IntRange(1, 6).Draw(t, "from")
			to := rapid.SampledFrom([]string{"", "", "2024-06", "2024-07", "2024-12"}).Draw(t, "to")
			mbi := fmt.Sprintf("1S00E00AA%02d", rapid.IntRange(0, 3).Draw(t, "mbi"))
			rows = append(rows, fmt.Sprintf("Z0000,1,%s,2024-%02d,%s\n", mbi, from, to))
			span := [2]string{stdcmp.Or(to, "9999-12"), fmt.Sprintf("2024-%02d", from)}
			if c := slices.Compare(span[:], latest[:]); c > 0 || c == 0 && mbi > current {
				latest, current = span, mbi
			}
		}
		read := func(rows []string) []coverage.MBI {
			all, err := feed.ReadEnrollment(strings.NewReader("contract,beneficiary_id,mbi,from,to\n" + strings.Join(rows, "")))
			if err != nil {
				t.Fatal(err)
			}
			return all["Z0000"][0].MBIs
		}
		first := read(rows)
		if string(first[0]) != current {
			t.Fatalf("current %q, want %q", string(first[0]), current)
		}
		if diff := cmp.Diff(first, read(rapid.Permutation(rows).Draw(t, "order"))); diff != "" {
			t.Fatalf("another order, %s", diff)
		}
	})
}

func FuzzOptOuts(f *testing.F) {
	f.Add("HDR_BENEDATARSP20260101\n1S00E00AA01N\nTRL_BENEDATARSP202601010000000001\n")
	f.Add("mbi,share\n1S00E00AA01,Y\n")
	f.Add("mbi,share\n1S00E00AA01,Y\n\"" + strings.Repeat("x\n", 40_000))
	f.Add("HDR_BENEDATARSP20260101\n" + strings.Repeat("1,", 40_000) + "Y")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := feed.ReadOptOuts(strings.NewReader(s), today)
		for _, o := range list {
			if _, bad := feed.ParseMBI(string(o.MBI)); err == nil && bad != nil {
				t.Fatalf("took %q for an MBI", string(o.MBI))
			}
		}
	})
}

func FuzzEnrollment(f *testing.F) {
	f.Add("contract,beneficiary_id,mbi,year,month\nZ0000,1,1S00E00AA01,2024,1\n")
	f.Add("contract,beneficiary_id,mbi,historic_mbis,from,to\nZ0000,-1,,1S00E00AA01;1S00E00AA02,2024-01,2024-02\n\"")
	f.Add("contract,beneficiary_id,mbi,from,to\n" + strings.Repeat(",", 70_000))
	f.Add("contract,beneficiary_id,mbi,historic_mbis,from,to\nZ0000,1,1S00E00AA01," + strings.Repeat(";", 5000) + ",2024-01,\n")
	f.Fuzz(func(t *testing.T, s string) {
		all, err := feed.ReadEnrollment(strings.NewReader(s))
		if err != nil {
			return
		}
		for contract, list := range all {
			if !coverage.ValidContractNumber(contract) || !slices.IsSortedFunc(list, func(a, b coverage.Enrollee) int {
				if a.ID < b.ID {
					return -1
				}
				return 1
			}) {
				t.Fatalf("contract %q", contract)
			}
		}
	})
}
