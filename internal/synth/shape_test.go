package synth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// knownShape reads a file such as testdata/shape.txt: for each version and type the paths
// that AB2D delivers of BFD's resources, an extension named by the end of its
// url. Written out from public BFD resources and AB2D's published field lists.
func knownShape(t *testing.T, name string) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	shape := map[string]map[string]bool{}
	var of map[string]bool
	for line := range strings.Lines(string(text)) {
		path, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "  ")
		switch {
		case indented:
			of[path] = true
		case !strings.HasPrefix(line, "#"):
			of = map[string]bool{}
			shape[path] = of
		}
	}
	return shape
}

// required are paths that every claim of a version has.
var required = map[fhir.Version][]string{
	fhir.V1: {
		"resourceType", "id", "meta.lastUpdated", "identifier.value", "status", "type.coding.code", "patient.reference",
		"billablePeriod.start", "billablePeriod.end", "careTeam.sequence", "diagnosis.diagnosisCodeableConcept.coding.code",
		"item.sequence", "item.service.coding.code", "item.quantity.value",
	},
	fhir.V2: {
		"resourceType", "id", "meta.lastUpdated", "meta.profile", "identifier.value", "status", "type.coding.code", "patient.reference",
		"billablePeriod.start", "billablePeriod.end", "careTeam.sequence", "diagnosis.diagnosisCodeableConcept.coding.code",
		"item.sequence", "item.productOrService.coding.code", "item.quantity.value",
		"extension(nch_near_line_rec_ident_cd).valueCoding.code",
	},
}

// testShape shows that the paths of every claim are in the known shape of its
// version and type, and that the required paths are present.
func testShape(t *testing.T, claims []sampledClaim) {
	known := knownShape(t, "shape.txt")
	met := map[string]map[string]bool{}
	for _, c := range claims {
		for _, v := range versions {
			of := fmt.Sprint(v, " ", c.facts.Type)
			if met[of] == nil {
				met[of] = map[string]bool{}
			}
			paths := map[string]bool{}
			walk(parse(t, c.lines[v]), "", paths)
			for path := range paths {
				met[of][path] = true
				if !known[of][path] {
					t.Errorf("%s: %s is not known", of, path)
				}
			}
			for _, path := range required[v] {
				if !paths[path] {
					t.Fatalf("%s: %s is missing in %s", of, path, c.lines[v])
				}
			}
		}
	}
	for of, paths := range known {
		if len(met[of]) < len(paths)*2/3 {
			t.Errorf("%s: only %d of %d known paths occur", of, len(met[of]), len(paths))
		}
	}
}

var numbered = regexp.MustCompile(`_sw\d+$`)

// walk collects the paths to the values of a document.
func walk(v any, path string, paths map[string]bool) {
	switch v := v.(type) {
	case document:
		for key, value := range v {
			if key == "extension" {
				for _, e := range elements(value) {
					extension := e.(document)
					url := extension["url"].(string)
					delete(extension, "url")
					name := numbered.ReplaceAllString(url[strings.LastIndex(url, "/")+1:], "_sw")
					walk(extension, join(path, "extension("+name+")"), paths)
				}
				continue
			}
			walk(value, join(path, key), paths)
		}
	case []any:
		for _, e := range v {
			walk(e, path, paths)
		}
	default:
		paths[path] = true
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// The order of elements in FHIR's definitions, which HAPI writes.
var (
	topOrder = map[fhir.Version][]string{
		fhir.V1: {"resourceType", "id", "meta", "extension", "identifier", "status", "type", "patient", "billablePeriod",
			"provider", "organization", "facility", "careTeam", "diagnosis", "procedure", "item"},
		fhir.V2: {"resourceType", "id", "meta", "extension", "identifier", "status", "type", "subType", "patient", "billablePeriod",
			"facility", "careTeam", "supportingInfo", "diagnosis", "procedure", "item"},
		fhir.V3: {"resourceType", "id", "meta", "extension", "contained", "identifier", "status", "type", "subType", "use", "patient", "billablePeriod",
			"created", "insurer", "provider", "outcome", "careTeam", "supportingInfo", "diagnosis", "procedure", "insurance", "item", "adjudication", "total", "payment"},
	}
	partOrderV3 = []string{"extension", "sequence", "category", "diagnosisCodeableConcept", "provider", "role", "qualification",
		"type", "date", "procedureCodeableConcept", "onAdmission", "code", "timingDate", "timingPeriod", "valueString", "valueQuantity", "valueReference",
		"careTeamSequence", "diagnosisSequence", "informationSequence", "revenue", "productOrService", "modifier",
		"servicedPeriod", "servicedDate", "locationCodeableConcept", "quantity", "adjudication", "detail"}
	partOrder = []string{"extension", "sequence", "date", "category", "code", "diagnosisCodeableConcept", "procedureCodeableConcept",
		"packageCode", "provider", "responsible", "role", "qualification", "type",
		"careTeamLinkId", "diagnosisLinkId", "careTeamSequence", "diagnosisSequence", "service", "productOrService",
		"servicedPeriod", "servicedDate", "locationCodeableConcept", "locationAddress", "quantity"}
)

// testLines shows that a claim is one line of JSON, that no object has a key
// twice, that elements are in order, and that the MBI extensions come last.
func testLines(t *testing.T, claims []sampledClaim) {
	for i, c := range claims {
		if i%4 != 0 { // reading token by token is slow
			continue
		}
		for _, v := range versions {
			checkLine(t, v, c.lines[v], c.enrollee.MBIs)
		}
	}
}

func checkLine(t *testing.T, v fhir.Version, line []byte, mbis []coverage.MBI) {
	t.Helper()
	body, ended := bytes.CutSuffix(line, []byte("\n"))
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil || !ended || !bytes.Equal(compact.Bytes(), body) || bytes.ContainsAny(body, "\n\r") || !utf8.Valid(body) {
		t.Fatalf("not one compact line: %q", line)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	checkKeys(t, v, decoder, "")
	if decoder.More() {
		t.Fatalf("more than one document: %s", line)
	}
	extensions := elements(parse(t, line)["extension"])
	for i, m := range mbis {
		e := extensions[len(extensions)-len(mbis)+i]
		currency := "historic"
		if i == 0 {
			currency = "current"
		}
		if at(e, "valueIdentifier", "value") != string(m) ||
			at(e, "valueIdentifier", "extension", "valueCoding", "code") != currency {
			t.Fatalf("the MBI extensions are not the last, current first")
		}
	}
}

// checkKeys reads one value and checks the keys of every object in it.
func checkKeys(t *testing.T, v fhir.Version, d *json.Decoder, path string) {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token {
	case json.Delim('{'):
		var keys []string
		for d.More() {
			key, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key.(string))
			checkKeys(t, v, d, join(path, key.(string)))
		}
		checkOrder(t, v, path, keys)
	case json.Delim('['):
		for d.More() {
			checkKeys(t, v, d, path)
		}
	default:
		return
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
}

func checkOrder(t *testing.T, v fhir.Version, path string, keys []string) {
	t.Helper()
	if sorted := slices.Sorted(slices.Values(keys)); len(slices.Compact(sorted)) != len(keys) {
		t.Fatalf("%s has a key twice: %v", path, keys)
	}
	order := partOrder
	if v == fhir.V3 {
		order = partOrderV3
	}
	switch path {
	case "":
		order = topOrder[v]
	case "item", "careTeam", "diagnosis", "procedure", "supportingInfo":
	default:
		return
	}
	if v != fhir.V3 && path == "supportingInfo" {
		order = []string{"sequence", "category", "code"}
	}
	last := -1
	for _, key := range keys {
		place := slices.Index(order, key)
		if place <= last {
			t.Fatalf("%s: %s is out of order or unknown: %v", path, key, keys)
		}
		last = place
	}
}

// testLinks shows that the links of a line point at existing elements, and that
// sequences have no gaps.
func testLinks(t *testing.T, claims []sampledClaim) {
	names := map[fhir.Version][2]string{
		fhir.V1: {"careTeamLinkId", "diagnosisLinkId"}, fhir.V2: {"careTeamSequence", "diagnosisSequence"},
	}
	for _, c := range claims {
		for _, v := range versions {
			d := parse(t, c.lines[v])
			team, diagnoses := values(d, "careTeam", "sequence"), values(d, "diagnosis", "sequence")
			checkLinks(t, d["id"], team, values(d, "item", names[v][0]))
			checkLinks(t, d["id"], diagnoses, values(d, "item", names[v][1]))
			for _, list := range [][]any{team, diagnoses, values(d, "item", "sequence"), values(d, "procedure", "sequence")} {
				for i := 1; i < len(list); i++ {
					if list[i] != list[i-1].(float64)+1 {
						t.Fatalf("%s: sequences %v", d["id"], list)
					}
				}
			}
		}
	}
}

func checkLinks(t *testing.T, id any, targets, links []any) {
	t.Helper()
	for _, link := range links {
		if !slices.Contains(targets, link) {
			t.Fatalf("%s: nothing has sequence %v among %v", id, link, targets)
		}
	}
}
