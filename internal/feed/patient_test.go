package feed_test

import (
	"strings"
	"testing"

	"ab2d/internal/coverage"
	"ab2d/internal/feed"
)

// TestPatientV3 reads the optional column with the number of version 3.
func TestPatientV3(t *testing.T) {
	const header = "contract,beneficiary_id,mbi,v3_patient_id,from,to\n"
	for name, c := range map[string]struct {
		rows string
		want map[coverage.EnrolleeID]coverage.EnrolleeID
		err  string
	}{
		"a number":              {rows: "Z0000,1,,900,2024-01,\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: 900}},
		"none":                  {rows: "Z0000,1,,,2024-01,\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: 0}},
		"in one of two rows":    {rows: "Z0000,1,,,2024-01,2024-02\nZ0000,1,,900,2025-01,\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: 900}},
		"the other row first":   {rows: "Z0000,1,,900,2025-01,\nZ0000,1,,,2024-01,2024-02\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: 900}},
		"in two contracts":      {rows: "Z0000,1,,900,2024-01,2024-02\nZ0001,1,,900,2024-03,\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: 900}},
		"negative":              {rows: "Z0000,1,,-900,2024-01,\n", want: map[coverage.EnrolleeID]coverage.EnrolleeID{1: -900}},
		"not a number":          {rows: "Z0000,1,,9x0,2024-01,\n", err: "line 2: v3_patient_id is not a whole number other than 0"},
		"zero":                  {rows: "Z0000,1,,0,2024-01,\n", err: "line 2: v3_patient_id is not a whole number other than 0"},
		"two numbers":           {rows: "Z0000,1,,900,2024-01,2024-02\nZ0000,1,,901,2025-01,\n", err: "line 3: v3_patient_id differs"},
		"one number, two of us": {rows: "Z0000,1,,900,2024-01,\nZ0000,2,,900,2024-01,\n", err: "two beneficiaries of contract Z0000 have the same v3_patient_id"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := feed.ReadEnrollment(strings.NewReader(header + c.rows))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "900") {
					t.Fatalf("got %v, want %q without the number", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for contract, list := range all {
				for _, e := range list {
					if want := c.want[e.ID]; e.PatientV3 != want {
						t.Errorf("%s: enrollee %d has the number %d, want %d", contract, e.ID, e.PatientV3, want)
					}
				}
			}
		})
	}
}
