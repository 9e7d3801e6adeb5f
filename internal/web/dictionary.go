package web

import (
	"bytes"
	_ "embed" // for dictionary.csv
	"encoding/csv"
	"fmt"
	"html/template"
	"strings"
)

// dictionaryCSV is what the data dictionary shows, one line for each field of each
// version. Tests of this package write it from the allow-lists and from synthetic claims.
//
//go:embed dictionary.csv
var dictionaryCSV []byte

// dictionary is the data dictionary: the versions side by side.
type dictionary struct {
	document
	Sections []dictionarySection
	Rest     template.HTML // the document after the fields: what is left out, and why
	More     []heading     // of it
}

// dictionarySection is the fields of one part of a claim.
type dictionarySection struct {
	ID, Name string
	Rows     []dictionaryRow
}

// dictionaryRow is one field in all versions.
type dictionaryRow struct {
	Name    string
	Meaning string
	Cells   [3]dictionaryCell // v1, v2, v3
	Example string
	Values  []string // of its code system
	Systems []string
	Columns []string // of the Parquet tables, as table.column
}

// dictionaryCell is a field in one version; without Holds the version does not have it.
type dictionaryCell struct{ Path, Holds string }

// sameField are names that versions 1 and 3 have for what version 2 calls otherwise.
var sameField = strings.NewReplacer("careTeamLinkId[]", "careTeamSequence[]", "diagnosisLinkId[]", "diagnosisSequence[]", "procedureLinkId[]", "procedureSequence[]",
	"item[].service.", "item[].productOrService.", "careTeam[].qualification[]", "careTeam[].qualification")

// newDictionary reads dictionary.csv, and takes the text around the fields from the
// document. Without the document there is no dictionary.
func newDictionary(d document) (dictionary, error) {
	if d.Title == "" {
		return dictionary{}, nil
	}
	records, err := csv.NewReader(bytes.NewReader(dictionaryCSV)).ReadAll()
	if err != nil {
		return dictionary{}, fmt.Errorf("read the data dictionary: %w", err)
	}
	out := dictionary{document: d}
	at := map[string]*dictionaryRow{}
	var names []string
	for _, r := range records[1:] {
		key := sameField.Replace(r[1])
		if key == "item[].service" {
			key = "item[].productOrService"
		}
		row := at[key]
		if row == nil {
			row = &dictionaryRow{Name: key}
			at[key] = row
			names = append(names, key)
		}
		row.add(r)
	}
	for _, name := range names {
		out.add(*at[name])
	}
	out.split(d)
	return out, nil
}

// The columns of dictionary.csv.
const (
	columnVersion = iota
	columnField
	columnHolds
	columnMeaning
	columnSystems
	columnExample
	columnValues
	columnParquet
)

// add takes one line of dictionary.csv into the row.
func (r *dictionaryRow) add(record []string) {
	version := int(record[columnVersion][1] - '1')
	cell := &r.Cells[version]
	if cell.Holds != "" { // a field that holds one of two types
		cell.Holds += ", " + record[columnHolds]
	} else {
		*cell = dictionaryCell{Path: record[columnField], Holds: record[columnHolds]}
	}
	if r.Meaning == "" {
		r.Meaning = record[columnMeaning]
	}
	if r.Example == "" {
		r.Example = record[columnExample]
	}
	r.Systems = union(r.Systems, record[columnSystems], ", ")
	r.Values = union(r.Values, record[columnValues], " | ")
	r.Columns = union(r.Columns, record[columnParquet], ", ")
}

// Few are the values that are shown at once; the others are folded.
func (r dictionaryRow) Few() bool { return len(r.Values) <= 4 }

// union adds what is new of a joined list.
func union(list []string, joined, by string) []string {
	seen := map[string]bool{"": true}
	for _, l := range list {
		seen[l] = true
	}
	for _, part := range strings.Split(joined, by) {
		if !seen[part] {
			seen[part] = true
			list = append(list, part)
		}
	}
	return list
}

// sectionNames are the parts of a claim, by the first name of a path.
var sectionNames = map[string]string{
	"careTeam": "Care team", "supportingInfo": "Supporting information", "diagnosis": "Diagnoses", "procedure": "Procedures", "item": "Lines",
	"contained": "Contained resources", "insurance": "Insurance", "extension": "Extensions of the claim",
}

// add puts a row into its section.
func (d *dictionary) add(r dictionaryRow) {
	first, _, _ := strings.Cut(r.Name, ".")
	first, _, _ = strings.Cut(first, "[")
	name, id := sectionNames[first], "fields-"+first
	if name == "" {
		name, id = "The claim", "fields-claim"
	}
	for i := range d.Sections {
		if d.Sections[i].ID == id {
			d.Sections[i].Rows = append(d.Sections[i].Rows, r)
			return
		}
	}
	d.Sections = append(d.Sections, dictionarySection{ID: id, Name: name, Rows: []dictionaryRow{r}})
}

// split divides the document into what stands before the fields and after them, and
// leaves out its own lists of fields.
func (d *dictionary) split(all document) {
	parts := strings.Split(string(all.HTML), "<h2 ")
	_, intro, _ := strings.Cut(parts[0], "</h1>")
	d.HTML = template.HTML(intro)
	var rest strings.Builder
	for _, p := range parts[1:] {
		title, _, _ := strings.Cut(p, "</h2>")
		if !strings.Contains(title, "what is kept") {
			rest.WriteString("<h2 " + p)
		} else if _, more, ok := strings.Cut(p, "<h3 "); ok {
			rest.WriteString("<h3 " + more)
		}
	}
	d.Rest = template.HTML(rest.String())
	for _, h := range all.Contents {
		if strings.Contains(rest.String(), `id="`+h.ID+`"`) {
			d.More = append(d.More, h)
		}
	}
}
