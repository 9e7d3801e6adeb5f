package validate

import (
	"bufio"
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
)

var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ab2d-validate-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "ab2d")
	build := exec.Command("go", "build", "-o", program, "./cmd/ab2d")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// What a delivered claim lacks, and may lack: AB2D's contract leaves these out,
// because a sponsor may not see them, or upstream already lacks them.
var (
	r4Gaps = []string{
		`missing required field "created"`, `missing required field "insurance"`, `missing required field "insurer"`,
		`missing required field "outcome"`, `missing required field "provider"`, `missing required field "use"`,
	}
	// The entry of a DRG has neither a diagnosis nor a sequence.
	stu3Gaps = []string{`missing required field "diagnosis"`, `missing required field "sequence"`}
	// The drug code of a line comes without the number of its detail.
	v3Gaps = []string{`missing required field "created"`, `missing required field "insurer"`, `missing required field "sequence"`}
)

func TestRealClaims(t *testing.T) {
	real := os.Getenv("AB2D_TEST_CLAIMS")
	if real == "" {
		t.Skip("only with AB2D_TEST_CLAIMS=folder of sample claims")
	}
	samples := func(folder string) []string {
		files, err := filepath.Glob(filepath.Join(real, folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		return files
	}
	for name, c := range map[string]struct {
		files   []string
		version fhirversion.Version
		claims  int // that are delivered
		clean   int // without any gap
		gaps    []string
	}{
		"stu3 500":     {[]string{filepath.Join(real, "eob-stu3", "raw-500.ndjson.gz")}, fhirversion.STU3, 428, 426, stu3Gaps},
		"stu3 samples": {samples("eob-stu3"), fhirversion.STU3, 7, 5, stu3Gaps},
		"r4 samples":   {samples("eob-r4"), fhirversion.R4, 7, 0, r4Gaps},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, append([]string{"minimize", "--quiet", "--mbi", "1S00E00AA00", "--mbi", "1S00E00AA01"}, c.files...)...)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr(err))
			}
			hold(t, out, c.version, c.claims, c.clean, c.gaps)
		})
	}
}

func TestSyntheticClaims(t *testing.T) {
	for api, c := range map[string]struct {
		version fhirversion.Version
		gaps    []string
	}{"v1": {fhirversion.STU3, stu3Gaps}, "v2": {fhirversion.R4, r4Gaps}, "v3": {fhirversion.R4, v3Gaps}} {
		t.Run(api, func(t *testing.T) {
			dir := t.TempDir()
			if out, err := exec.Command(program, "demo", "--api", api, "--out", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, "Z0000_0001.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			// All would take half a minute; the first 800 have all types.
			lines := bytes.SplitAfterN(b, []byte("\n"), 801)
			hold(t, bytes.Join(lines[:800], nil), c.version, 800, -1, c.gaps)
		})
	}
}

// TestRawClaims: what ab2d synth writes as an upstream would hold it is valid
// R4 without a fault, and STU3 but for the entry of a DRG, as BFD's is. There are
// Part D events among it, substance-use treatment and a claim without end.
func TestRawClaims(t *testing.T) {
	dir := t.TempDir()
	synth := exec.Command(program, "synth", "--enrollees=60", "--seed=3", "--as-of=2026-11-01T00:00:00Z", "--fhir=all", "--plain", "--out="+dir)
	if out, err := synth.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, c := range map[string]struct {
		version fhirversion.Version
		gaps    []string
	}{"claims-r4.ndjson": {fhirversion.R4, nil}, "claims-stu3.ndjson": {fhirversion.STU3, stu3Gaps}, "claims-v3.ndjson": {fhirversion.R4, nil}} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"carrier", "dme", "hha", "hospice", "inpatient", "outpatient", "snf", "pde"} {
				if name != "claims-v3.ndjson" && !bytes.Contains(b, []byte(`"id":"`+kind+`--1`)) {
					t.Errorf("there is no claim of type %s", kind)
				}
			}
			lines := everyNth(b, 1500)
			hold(t, bytes.Join(lines, nil), c.version, len(lines), -1, c.gaps)
		})
	}
}

// everyNth is at most about n of the lines, evenly chosen.
func everyNth(ndjson []byte, n int) (chosen [][]byte) {
	all := bytes.SplitAfter(ndjson, []byte("\n"))
	for i := 0; i < len(all)-1; i += len(all)/n + 1 {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// hold reads every claim with the library, and wants exactly the known gaps.
// clean is how many claims have none, -1 any number.
func hold(t *testing.T, ndjson []byte, v fhirversion.Version, claims, clean int, gaps []string) {
	t.Helper()
	reader, err := jsonformat.NewUnmarshaller("UTC", v)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(ndjson))
	lines.Buffer(nil, 64<<20)
	n, without := 0, 0
	for lines.Scan() {
		n++
		found := faults(reader, lines.Bytes())
		if len(found) == 0 {
			without++
		}
		for _, f := range found {
			seen[f] = true
		}
	}
	if n != claims || clean >= 0 && without != clean {
		t.Errorf("%d claims, %d without a gap; want %d and %d", n, without, claims, clean)
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, gaps) {
		t.Errorf("the library finds\n%s\nwant exactly\n%s", strings.Join(got, "\n"), strings.Join(gaps, "\n"))
	}
}

// place is where in the claim a fault is.
var place = regexp.MustCompile(`^error at "[^"]*": `)

// faults are what the library finds in a claim, without the place. It gives
// one a line.
func faults(reader *jsonformat.Unmarshaller, claim []byte) []string {
	_, err := reader.Unmarshal(claim)
	if err == nil {
		return nil
	}
	var found []string
	for line := range strings.Lines(err.Error()) {
		found = append(found, place.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	return found
}

func stderr(err error) []byte {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.Stderr
	}
	return nil
}
