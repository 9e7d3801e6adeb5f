package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/table"
)

func TestSummaryPrint(t *testing.T) {
	s := table.NewSummary()
	for range 1100 {
		s.Enrollees[fmt.Sprint(len(s.Enrollees))] = struct{}{}
	}
	s.Files, s.Bytes, s.Claims, s.Others = 2, 25_600_000, 12_345, 3
	s.Types = map[string]int64{"SNF": 345, "CARRIER": 9000, "DME": 2999, "\x1b[2J": 1}
	s.Statuses = map[string]int64{"active": 12_000, "cancelled": 345}
	s.First, s.Last, s.Updated = "2020-01-03", "2026-10-30", time.Date(2026, 11, 1, 4, 5, 6, 0, time.UTC)
	var b strings.Builder
	printSummary(&b, s)
	want := `Claims          12,345
  CARRIER        9,000   73 %
  DME            2,999   24 %
  SNF              345    3 %
  (not a code)       1    0 %
Active          12,000
Canceled           345
Enrollees        1,100
Service dates   2020-01-03 to 2026-10-30
Last updated    2026-11-01 04:05:06 UTC
Size            26 MB in 2 files
Not claims           3
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
	b.Reset()
	printSummary(&b, table.NewSummary())
	want = "Claims          0\nEnrollees       0\nSize            0 B in 0 files\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
