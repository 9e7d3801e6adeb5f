package table

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// LookupDir is the folder of the lookup tables, in the folder of the exports.
const LookupDir = "lookup"

// Code is a row of a lookup table: what a code means.
type Code struct {
	Code string `parquet:"code,optional" doc:"the code, as the claims have it"`
	Name string `parquet:"name,optional" doc:"what it means"`
}

// Lookup is a table of codes that are free to use. CPT, revenue codes and the names of
// ICD codes and DRGs are not among them.
type Lookup struct {
	Name    string // of the table
	Columns string // the columns that have its codes
	Source  string // who publishes the codes
}

// Lookups are the lookup tables.
var Lookups = []Lookup{
	{"claim_query_code", "`claims.claim_query_code`", "CMS, variable CLAIM_QUERY_CD"},
	{"facility_type", "`claims.facility_type`", "CMS, variable CLM_FAC_TYPE_CD"},
	{"nch_claim_type", "`claims.nch_claim_type`", "CMS, variable NCH_CLM_TYPE_CD"},
	{"place_of_service", "`lines.place_of_service`", "CMS, Place of Service Code Set"},
	{"provider_specialty", "`care_team.specialty`, `lines.provider_specialty`", "CMS, Medicare Claims Processing Manual, chapter 26 §10.8"},
	{"ssa_state", "`lines.provider_state`, `lines.pricing_state`", "CMS, variable STATE_CD"},
	{"type_of_bill", "`claims.facility_type` and `claims.service_classification`, joined", "CMS, variable CLM_SRVC_CLSFCTN_TYPE_CD"},
}

//go:embed lookup/*.csv
var lookupFiles embed.FS

// codes are the rows of a lookup table, in the order of its codes.
func (l *Lookup) codes() ([]Code, error) {
	b, err := lookupFiles.ReadFile("lookup/" + l.Name + ".csv")
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the codes of %s: %w", l.Name, err)
	}
	var list []Code
	for _, r := range records[1:] {
		list = append(list, Code{r[0], r[1]})
	}
	return list, nil
}

// WriteLookups makes the lookup tables in the folder LookupDir of a folder, in the
// format of tables. What is there is replaced.
func WriteLookups(dir string, format Format) error {
	dir = filepath.Join(dir, LookupDir)
	if err := writeLookups(dir+".partial", format); err != nil {
		return errors.Join(fmt.Errorf("writing the lookup tables: %w", err), os.RemoveAll(dir+".partial"))
	}
	return swap(dir+".partial", dir)
}

func writeLookups(dir string, format Format) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	create, err := parquetTables()
	if err != nil {
		return err
	}
	if format == CSV {
		create = newCSVTable
	}
	for _, l := range Lookups {
		list, err := l.codes()
		if err != nil {
			return err
		}
		w, err := create(dir, l.Name, reflect.TypeFor[Code]())
		if err != nil {
			return err
		}
		if err := w.add(reflect.ValueOf(list)); err != nil {
			w.abort()
			return err
		}
		if err := w.close(); err != nil {
			return err
		}
	}
	return nil
}

// description tells what a lookup table is.
func (l *Lookup) description() string {
	return "a row for each code of " + strings.ReplaceAll(l.Columns, "`", "") + "; source: " + l.Source
}
