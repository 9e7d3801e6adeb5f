package feed_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// samplesV3 reads the sample claims of version 3 as lines.
func samplesV3(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("../eob/testdata/v3/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no sample claims of version 3", err)
	}
	var b bytes.Buffer
	for _, name := range names {
		if strings.HasSuffix(name, ".golden.json") {
			continue
		}
		claim, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "model-") {
			claim = bytes.Replace(claim, []byte("{"), []byte(`{"id":"1001",`), 1)
		}
		if err := json.Compact(&b, claim); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// counted reads a source to its end and counts.
func counted(t *testing.T, source string, v fhir.Version) (r feed.Report, found fhir.Version) {
	t.Helper()
	c, err := feed.OpenClaims(strings.NewReader(source), v)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Each(t.Context(), 2, 0, func(b *feed.Batch) error {
		for i := range b.Claims {
			r.Count(&b.Claims[i])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, c.Version()
}

// TestClaimsV3: the twelve sample claims are found to be of version 3, and each is
// counted as what it is: six delivered, two Part D events, two of other sources, one
// of substance use, and a prior authorization.
func TestClaimsV3(t *testing.T) {
	for _, given := range []fhir.Version{0, fhir.V3} {
		r, found := counted(t, samplesV3(t), given)
		if len(r.First) != 1 || !strings.Contains(r.First[0].Reason, "preauthorization") {
			t.Errorf("faults %v", r.First)
		}
		r.First = nil
		want := feed.Report{Read: 12, Kept: 6, PartD: 2, SubstanceUse: 1, OtherSource: 2, Invalid: 1}
		if diff := cmp.Diff(want, r); diff != "" || found != fhir.V3 {
			t.Errorf("given %s, found %s: %s", given, found, diff)
		}
	}
}

// TestClaimsV3_OfAnotherVersion: a file is of one version. A claim of another one
// costs its line, with the reason, whether the version is given or found.
func TestClaimsV3_OfAnotherVersion(t *testing.T) {
	v3, _, _ := strings.Cut(samplesV3(t), "\n")
	for name, c := range map[string]struct {
		source string
		given  fhir.Version
		kept   int64
		reason string
	}{
		"v2 given as v3":        {raw(1) + "\n", fhir.V3, 0, "line 1: claim rejected at byte 153: it is a claim of BFD's version 1 or 2, but version 3 is required"},
		"v3 given as v2":        {v3 + "\n", fhir.V2, 0, "it is a claim of BFD's version 3, but version 2 is required"},
		"v3 given as v1":        {v3 + "\n", fhir.V1, 0, "it is a claim of BFD's version 3, but version 1 is required"},
		"v2 in a file of v3":    {v3 + "\n" + raw(1) + "\n", 0, 1, "line 2: "},
		"v3 in a file of v2":    {raw(1) + "\n" + v3 + "\n", 0, 1, "line 2: "},
		"R4 of no server as v3": {strings.ReplaceAll(raw(1), "https://bluebutton.cms.gov/resources", "x") + "\n", fhir.V3, 0, "it is not a claim of BFD's version 3"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := counted(t, c.source, c.given)
			if r.Kept != c.kept || r.Invalid != 1 || !strings.Contains(r.First[0].Error(), c.reason) {
				t.Errorf("%+v, faults %v; want %q", r, r.First, c.reason)
			}
		})
	}
}
