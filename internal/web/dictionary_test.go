package web_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
	"ab2d/internal/table"
)

var update = flag.Bool("update", false, "write dictionary.csv again")

// TestDictionaryData writes what the data dictionary shows, and compares: the fields of
// the allow-lists, an example and the values of each from synthetic claims, and the
// columns of the tables that lose something when the field is taken away.
func TestDictionaryData(t *testing.T) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{{"version", "field", "holds", "meaning", "code systems", "example", "values", "parquet"}}
	for _, v := range fhir.Versions() {
		claims := minimized(t, v)
		elements := eob.Elements(v)
		columns := lostColumns(t, claims, elements)
		for i, e := range elements {
			example, values := shown(claims, e)
			lines = append(lines, []string{v.String(), e.Path, e.Holds, e.Meaning, e.Systems, example, strings.Join(values, " | "), strings.Join(columns[i], ", ")})
		}
	}
	if err := w.WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	const file = "dictionary.csv"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the allow-lists, the claims and the tables say (%v): run go test ./internal/web -run TestDictionaryData -update", file, err)
	}
}

// minimized are the claims of some synthetic people as a version delivers them.
func minimized(t *testing.T, v fhir.Version) []map[string]any {
	t.Helper()
	at := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	source := synth.New(1, func() time.Time { return at })
	data, err := source.Dataset(at, "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := source.Snapshot(t.Context(), "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	people, err := source.Enrollees(t.Context(), "Z0000", snapshot, -1<<62, 12)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	for _, p := range people {
		if _, err := data.WritePersonClaims(context.Background(), &raw, v, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	m, claims := eob.New(v), []map[string]any(nil)
	for line := range bytes.Lines(raw.Bytes()) {
		c, err := m.Minimize(line)
		if err != nil || c.Type == coverage.OtherClaim {
			continue // it is never delivered
		}
		var claim map[string]any
		if err := json.Unmarshal(c.JSON, &claim); err != nil {
			t.Fatal(err)
		}
		claims = append(claims, claim)
	}
	if len(claims) < 300 {
		t.Fatalf("%s: only %d claims", v, len(claims))
	}
	return claims
}

// step is a name of a path; url is that of an extension.
type step struct{ name, url string }

var steps = regexp.MustCompile(`extension\[([^\]]+)\]|([A-Za-z0-9]+)`)

func stepsOf(path string) []step {
	var all []step
	for _, m := range steps.FindAllStringSubmatch(path, -1) {
		if m[1] == "" {
			all = append(all, step{name: m[2]})
			continue
		}
		url := m[1]
		if !strings.Contains(url, "://") {
			url = "https://bluebutton.cms.gov/resources/variables/" + url
		}
		all = append(all, step{name: "extension", url: url})
	}
	return all
}

// matches tells whether an extension is meant; x1..9 are nine of them.
func (s step) matches(v any) bool {
	if s.url == "" {
		return true
	}
	url, _ := v.(map[string]any)["url"].(string)
	if front, _, ok := strings.Cut(s.url, ".."); ok {
		front = strings.TrimRight(front, "0123456789")
		_, err := strconv.Atoi(strings.TrimPrefix(url, front))
		return strings.HasPrefix(url, front) && err == nil
	}
	return url == s.url
}

// each visits the values of a path; a value for which drop says so is taken away.
func each(v any, path []step, drop func(any) bool) (rest any, kept bool) {
	if list, ok := v.([]any); ok {
		var out []any
		for _, e := range list {
			if r, ok := each(e, path, drop); ok {
				out = append(out, r)
			}
		}
		return out, len(out) > 0
	}
	if len(path) == 0 {
		return v, !drop(v)
	}
	o, ok := v.(map[string]any)
	if !ok || o[path[0].name] == nil {
		return v, true
	}
	out := map[string]any{}
	for k, e := range o {
		out[k] = e
	}
	delete(out, path[0].name)
	if path[0].url == "" {
		if r, ok := each(o[path[0].name], path[1:], drop); ok {
			out[path[0].name] = r
		}
		return out, true
	}
	var rests []any
	for _, e := range o["extension"].([]any) {
		if !path[0].matches(e) || !drop(e) {
			rests = append(rests, e)
		}
	}
	if len(rests) > 0 {
		out["extension"] = rests
	}
	return out, true
}

// valuesAt are what a claim has at a path.
func valuesAt(claim map[string]any, path []step) []any {
	var all []any
	each(claim, path, func(v any) bool { all = append(all, v); return false })
	return all
}

// tooMany are systems whose codes are not listed: they have very many, or a license.
var tooMany = regexp.MustCompile(`(?i)hcpcs|cpt|icd|ndc|npi|drg|identifier|fi_num|carr_num|bcp|zip|clia|taxonomy`)

// shown is an example of a field, and its codes if they are few and free.
func shown(claims []map[string]any, e eob.Element) (example string, values []string) {
	seen, path := map[string]bool{}, stepsOf(e.Path)
	for _, claim := range claims {
		for _, v := range valuesAt(claim, path) {
			for _, text := range words(v) {
				if example == "" {
					example = text
				}
				seen[text] = true
			}
		}
	}
	coded := strings.HasPrefix(e.Holds, "Cod") || e.Holds == "text" && e.Systems != ""
	if !coded || tooMany.MatchString(e.Systems) || len(seen) > 60 || len(seen) < 2 {
		return example, nil
	}
	for text := range seen {
		values = append(values, strings.ReplaceAll(text, "|", "/"))
	}
	slices.Sort(values)
	return example, values
}

// words is a value as people read it.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool, float64:
		return []string{fmt.Sprint(v)}
	case map[string]any:
		return objectWords(v)
	}
	return nil
}

func objectWords(v map[string]any) []string {
	text := func(name string) string {
		if v[name] == nil {
			return ""
		}
		return strings.Join(words(v[name]), " ")
	}
	for name, inner := range v { // an extension
		if strings.HasPrefix(name, "value") && name != "value" {
			return words(inner)
		}
	}
	switch {
	case v["coding"] != nil:
		var all []string
		for _, c := range v["coding"].([]any) {
			all = append(all, words(c)...)
		}
		return all
	case v["start"] != nil:
		return []string{text("start") + " to " + text("end")}
	case v["value"] != nil:
		return []string{strings.TrimSpace(text("value") + " " + text("unit"))}
	case v["code"] != nil:
		return []string{strings.TrimSpace(text("code") + " " + text("display"))}
	}
	return nil
}

// lostColumns are, for each field, the columns that are another when it is taken away.
func lostColumns(t *testing.T, claims []map[string]any, elements []eob.Element) [][]string {
	t.Helper()
	lost := make([][]string, len(elements))
	var ndjson bytes.Buffer
	write := func(claim any, id string) {
		own := map[string]any{}
		for k, v := range claim.(map[string]any) {
			own[k] = v
		}
		own["id"] = id
		line, err := json.Marshal(own)
		if err != nil {
			t.Fatal(err)
		}
		ndjson.Write(append(line, '\n'))
	}
	for i, e := range elements {
		n, path := 0, stepsOf(e.Path)
		for _, claim := range claims {
			if n == 3 || e.Path == "id" {
				break
			}
			if len(valuesAt(claim, path)) == 0 {
				continue
			}
			rest, _ := each(claim, path, func(any) bool { return true })
			write(claim, fmt.Sprintf("%d-%d-with", i, n))
			write(rest, fmt.Sprintf("%d-%d-without", i, n))
			n++
		}
	}
	readLost(lost, elements, converted(t, ndjson.Bytes()))
	return lost
}

// readLost compares the cells of each claim with those of the claim without the field.
func readLost(lost [][]string, elements []eob.Element, cells map[string]map[string]string) {
	for i, e := range elements {
		if e.Path == "id" {
			lost[i] = []string{"claims.claim_id"}
			continue
		}
		for n := range 3 {
			with, without := cells[fmt.Sprintf("%d-%d-with", i, n)], cells[fmt.Sprintf("%d-%d-without", i, n)]
			if without == nil {
				continue // it is not there, or without it this is no claim
			}
			for column, text := range with {
				if without[column] != text && !slices.Contains(lost[i], column) {
					lost[i] = append(lost[i], column)
				}
			}
		}
		slices.Sort(lost[i])
		lost[i] = slices.DeleteFunc(lost[i], func(c string) bool { // a copy of the claim's
			table, name, _ := strings.Cut(c, ".")
			return table != "claims" && (name == "last_updated" || name == "patient_id") || name == "source_line" // where it is read
		})
	}
	whole := slices.Clone(lost)
	for i := range lost { // what a field of its own fills is not also that of the whole
		lost[i] = slices.DeleteFunc(slices.Clone(lost[i]), func(c string) bool {
			return slices.ContainsFunc(whole, func(other []string) bool { return 2*len(other) <= len(whole[i]) && slices.Contains(other, c) })
		})
	}
}

// converted are all cells of the tables, by claim and column.
func converted(t *testing.T, ndjson []byte) map[string]map[string]string {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "claims.ndjson"), filepath.Join(t.TempDir(), "tables")
	if err := os.WriteFile(in, ndjson, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Convert(t.Context(), []string{in}, nil, out, table.CSV, nil, nil); err != nil {
		t.Fatal(err)
	}
	cells := map[string]map[string]string{}
	for _, name := range table.Names {
		f, err := os.Open(filepath.Join(out, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		id := slices.Index(records[0], "claim_id")
		for _, r := range records[1:] {
			own := cells[r[id]]
			if own == nil {
				own = map[string]string{}
				cells[r[id]] = own
			}
			for i, c := range r {
				if i != id {
					own[name+"."+records[0][i]] += c + "\x00"
				}
			}
		}
	}
	return cells
}
