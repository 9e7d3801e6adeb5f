package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/eob"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// raw is a small raw claim in R4.
func raw(id int) string {
	return fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"carrier-%d","meta":{"lastUpdated":"2025-01-02T03:04:05.678Z"},"status":"active",`+
		`"type":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":"CARRIER"}]},"patient":{"reference":"Patient/-7"},`+
		`"billablePeriod":{"start":"2024-05-01","end":"2024-05-02"},"item":[{"sequence":1,"productOrService":{"coding":[{"code":"G0438"}]}}],"payment":{"amount":{"value":1.10}}}`, id)
}

// read reads a source to its end: ids of the claims that are good, and faults.
func read(t testing.TB, r io.Reader, v fhir.Version, workers int, skip int64) (ids []string, faults []string, err error) {
	t.Helper()
	c, err := feed.OpenClaims(r, v)
	if err != nil {
		return nil, nil, err
	}
	last := skip
	err = c.Each(t.Context(), workers, skip, func(b *feed.Batch) error {
		for i := range b.Claims {
			if f := b.Claims[i].Fault; f != nil {
				faults = append(faults, f.Error())
				continue
			}
			ids = append(ids, string(b.Claims[i].ID))
			if !json.Valid(b.Claims[i].JSON) || bytes.Contains(b.Claims[i].JSON, []byte("payment")) {
				return fmt.Errorf("not minimized: %s", b.Claims[i].JSON)
			}
		}
		if last += int64(len(b.Claims)); last != b.Position {
			return fmt.Errorf("position %d, want %d", b.Position, last)
		}
		return nil
	})
	return ids, faults, err
}

func zipped(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		io.WriteString(z, p)
		z.Close()
	}
	return b.String()
}

func TestClaimsOfEveryForm(t *testing.T) {
	var pretty, again bytes.Buffer
	if err := errors.Join(json.Indent(&pretty, []byte(raw(1)), "", "  "), json.Indent(&again, []byte(raw(2)), "", "\t")); err != nil {
		t.Fatal(err)
	}
	lines := raw(1) + "\n" + raw(2) + "\n"
	bundle := `{"resourceType":"Bundle","link":[{"a":[1,{"entry":2}]}],"entry":[{"fullUrl":"x","resource":` + raw(1) + `},{"resource":` + raw(2) + `}],"total":2}`
	for name, source := range map[string]string{
		"lines": lines, "no newline at the end": raw(1) + "\n" + raw(2), "empty lines and carriage returns": "\r\n" + raw(1) + "\r\n\r\n" + raw(2) + "\r\n",
		"byte order mark": "\xef\xbb\xbf" + lines, "gzip": zipped(lines), "several gzip members": zipped(raw(1)+"\n", raw(2)+"\n"),
		"pretty": pretty.String() + "\n" + again.String(), "bundle on a line": bundle, "bundle": strings.ReplaceAll(bundle, `,"`, ",\n\""), "gzipped bundle": zipped(bundle),
	} {
		t.Run(name, func(t *testing.T) {
			for skip, want := range [][]string{{"carrier-1", "carrier-2"}, {"carrier-2"}, nil} {
				ids, faults, err := read(t, strings.NewReader(source), 0, 2, int64(skip))
				if err != nil || len(faults) > 0 {
					t.Fatal(err, faults)
				}
				if diff := cmp.Diff(want, ids); diff != "" {
					t.Errorf("after %d: %s", skip, diff)
				}
			}
		})
	}
}

func TestACorruptLineCostsItself(t *testing.T) {
	for name, bad := range map[string]string{
		"cut off": raw(9)[:200], "trailing": raw(9) + "x", "not an object": "17", "duplicate key": `{"id":"a","id":"b"}`, "another resource": `{"resourceType":"Patient","id":"1"}`,
		"bad UTF-8": strings.Replace(raw(9), "active", "\xff", 1), "binary": "\x00\x01\x02", "of the other version": strings.Replace(raw(9), "productOrService", "service", 1),
	} {
		t.Run(name, func(t *testing.T) {
			ids, faults, err := read(t, strings.NewReader(raw(1)+"\n"+bad+"\n"+raw(3)+"\n"), 0, 2, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"carrier-1", "carrier-3"}, ids); diff != "" {
				t.Error(diff)
			}
			if len(faults) != 1 || !strings.HasPrefix(faults[0], "line 2: ") {
				t.Errorf("faults %q", faults)
			}
		})
	}
	// The first line, too, wherever it is cut off, and also before a claim that is cut off.
	for n := range len(raw(9)) - 1 {
		bad := raw(9)[:n+1]
		if ids, faults, err := read(t, strings.NewReader(bad+"\n"+raw(3)+"\n"+bad+"\n"), fhir.V2, 1, 0); err != nil || len(ids) != 1 || len(faults) != 2 {
			t.Fatalf("%q: got %v, %v, %v", bad, ids, faults, err)
		}
	}
	ids, faults, err := read(t, strings.NewReader(raw(9)[:300]+"}\n"+raw(3)+"\n"), fhir.V2, 1, 0)
	if err != nil || len(ids) != 1 || len(faults) != 1 {
		t.Errorf("got %v, %v, %v", ids, faults, err)
	}
	// One that is longer than any claim is passed over.
	long := `{"x":"` + strings.Repeat("a", eob.MaxSize) + `"}`
	ids, faults, err = read(t, strings.NewReader(raw(1)+"\n"+long+"\n"+raw(3)), 0, 1, 0)
	if err != nil || len(ids) != 2 || len(faults) != 1 || !strings.Contains(faults[0], "line 2: longer than") {
		t.Errorf("got %v, %v, %v", ids, faults, err)
	}
}

func TestSourcesThatCannotBeRead(t *testing.T) {
	for name, source := range map[string]string{
		"broken gzip": zipped(raw(1))[:100], "broken bundle": `{"resourceType":"Bundle","entry":[{"resource":` + raw(1) + `},{"resource":{`,
		"no version": `{"resourceType":"ExplanationOfBenefit","id":"1"}`,
	} {
		if _, _, err := read(t, strings.NewReader(source), 0, 2, 0); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "carrier") {
			t.Errorf("%s: the error quotes the source: %v", name, err)
		}
	}
	for _, empty := range []string{"", `{"resourceType":"Bundle","total":0}`, `{"resourceType":"Bundle","entry":[]}`} {
		if ids, faults, err := read(t, strings.NewReader(empty), 0, 2, 0); err != nil || len(ids) > 0 || len(faults) > 0 {
			t.Errorf("%q: %v, %v, %v", empty, ids, faults, err)
		}
	}
}

func TestDocumentsOneAfterAnother(t *testing.T) {
	one := strings.ReplaceAll(bundle(raw(1), raw(2)), "\n", "") + "\n"
	padded := strings.Replace(raw(1), `"payment":{`, `"payment":{"x":"`+strings.Repeat("a", 100<<10)+`",`, 1)
	for name, c := range map[string]struct {
		source string
		ids    int
		faults int
	}{
		"Bundles of many lines":     {bundle(raw(1), raw(2)) + bundle(raw(3)), 3, 0},
		"Bundles of one line each":  {one + one + "{\"resourceType\":\"Bundle\"}\n" + one, 6, 0},
		"a Bundle and a claim":      {one + raw(3) + "\n", 3, 0},
		"entries without resource":  {bundle(raw(1), "null", "3", raw(2)), 2, 2},
		"entries that are none":     {"{\"resourceType\":\"Bundle\",\"entry\":[null,3,\"x\",[],{}," + "{\"resource\":" + raw(2) + "}]}", 1, 5},
		"brackets in texts":         {bundle(strings.Replace(raw(1), "CARRIER", `}]\"{\\`, 1), raw(2)), 2, 0},
		"longer than a line may be": {"{\"resourceType\":\"Bundle\",\"entry\":[" + strings.Repeat("{\"resource\":"+padded+"},", 200) + "{\"resource\":" + raw(2) + "}]}", 201, 0},
		"an entry too long":         {bundle(raw(1), `{"x":"`+strings.Repeat("a", eob.MaxSize)+`"}`, raw(2)), 2, 1},
	} {
		ids, faults, err := read(t, strings.NewReader(c.source), 0, 2, 0)
		if err != nil || len(ids) != c.ids || len(faults) != c.faults {
			t.Errorf("%s: %d claims, %.200q, %v", name, len(ids), faults, err)
		}
	}
}

// TestRealClaimsOfTheOtherVersion: none passes as one of this version.
func TestRealClaimsOfTheOtherVersion(t *testing.T) {
	dir := os.Getenv("AB2D_TEST_CLAIMS")
	if dir == "" {
		t.Skip("only with AB2D_TEST_CLAIMS=folder of sample claims")
	}
	for _, c := range []struct {
		v     fhir.Version
		names string
	}{{fhir.V2, "eob-stu3/*"}, {fhir.V3, "eob-stu3/*"}, {fhir.V1, "eob-r4/*"}, {fhir.V3, "eob-r4/*"}} {
		v, names := c.v, c.names
		paths, err := filepath.Glob(filepath.Join(dir, names))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no sample claims in %s: %v", dir, err)
		}
		for _, path := range paths {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if ids, _, err := read(t, f, v, 2, 0); err != nil || len(ids) > 0 {
				t.Errorf("%s as %s: %d claims pass, %v", path, v, len(ids), err)
			}
		}
	}
}

// TestVersionIsNotGuessed: a claim that does not show its version is refused,
// unless the version is given; one that shows both is refused always.
func TestVersionIsNotGuessed(t *testing.T) {
	const begin = `{"resourceType":"ExplanationOfBenefit","id":"carrier-7","patient":{"reference":"Patient/-7"}`
	neither, both := begin+"}", begin+`,"information":[],"supportingInfo":[]}`
	for name, c := range map[string]struct {
		claim       string
		v           fhir.Version
		ids, faults int
	}{
		"neither":               {neither, 0, 1, 1},
		"neither, given as R4":  {neither, fhir.V2, 2, 0},
		"both":                  {both, 0, 1, 1},
		"both, given as R4":     {both, fhir.V2, 1, 1},
		"fields of R4, no type": {begin + `,"supportingInfo":[]}`, 0, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ids, faults, err := read(t, strings.NewReader(raw(1)+"\n"+c.claim+"\n"), c.v, 1, 0)
			if err != nil || len(ids) != c.ids || len(faults) != c.faults {
				t.Errorf("%v, %v, %v; want %d claims and %d faults", ids, faults, err, c.ids, c.faults)
			}
		})
	}
}

// TestOrderAndEnd: many claims by many workers come in order; the first error
// of the consumer, or the end of the context, ends all.
func TestOrderAndEnd(t *testing.T) {
	var source strings.Builder
	var want []string
	for i := range 20_000 {
		source.WriteString(raw(i) + "\n")
		want = append(want, fmt.Sprintf("carrier-%d", i))
	}
	ids, faults, err := read(t, strings.NewReader(source.String()), 0, 8, 0)
	if diff := cmp.Diff(want, ids); diff != "" || len(faults) > 0 || err != nil {
		t.Fatal(diff, faults, err)
	}
	full := errors.New("disk full")
	c, err := feed.OpenClaims(strings.NewReader(source.String()), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Each(t.Context(), 4, 0, func(*feed.Batch) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want the consumer's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if c, err = feed.OpenClaims(strings.NewReader(source.String()), 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Each(ctx, 4, 0, func(*feed.Batch) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// FuzzClaims: no source makes it panic, and what comes out is one valid line.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(raw(1) + "\n" + raw(2)))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":` + raw(1) + `}]}`))
	f.Add([]byte(zipped(raw(1))))
	f.Add([]byte("{\n}"))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{},null,{"resource":null},{"a":[[[[` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := feed.OpenClaims(bytes.NewReader(b), fhir.V2)
		if err != nil {
			return
		}
		c.Each(t.Context(), 1, 0, func(b *feed.Batch) error {
			for i := range b.Claims {
				if c := &b.Claims[i]; c.Fault == nil && (!json.Valid(c.JSON) || bytes.ContainsAny(c.JSON, "\n")) {
					t.Fatalf("not one line of JSON: %q", c.JSON)
				}
			}
			return nil
		})
	})
}

// TestReportAddsUp holds a report against what was put in.
func TestReportAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got feed.Report
		for range rapid.IntRange(0, 40).Draw(t, "claims") {
			c := feed.Claim{Line: 1}
			want.Read++
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				c.Fault = &feed.LineError{Line: 1, Reason: "x"}
				want.Invalid++
			case 1:
				c.PartD = true
				want.PartD++
			case 2:
				c.Part2, c.Type = true, 1
				want.SubstanceUse++
			case 3:
				want.OtherType++
			case 4:
				c.Type = 1
				want.Kept++
				want.WithoutDates++
			case 5:
				c.Fault = &feed.LineError{Line: 1, Reason: "x", OtherSource: true}
				want.OtherSource++
			}
			got.Count(&c)
		}
		got.First = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if got.Kept+got.Invalid+got.PartD+got.SubstanceUse+got.OtherType+got.OtherSource != got.Read {
			t.Fatalf("%+v does not add up", got)
		}
	})
}

// BenchmarkClaims reads and minimizes claims in both forms.
func BenchmarkClaims(b *testing.B) {
	pad := `"item":[` + strings.Repeat(`{"sequence":1,"adjudication":[{"amount":{"value":1.10,"currency":"USD"}}]},`, 250)
	one := strings.Replace(raw(1), `"item":[`, pad, 1)
	for name, source := range map[string]string{
		"lines": strings.Repeat(one+"\n", 2000), "bundle": bundle(slices.Repeat([]string{one}, 2000)...),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				c, err := feed.OpenClaims(strings.NewReader(source), 0)
				if err != nil {
					b.Fatal(err)
				}
				if err := c.Each(b.Context(), 2, 0, func(*feed.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
