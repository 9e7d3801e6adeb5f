package table

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// ViewsFile is the file of views for DuckDB, in the folder of the exports.
const ViewsFile = "views.sql"

// Views say of which tables there are views.
type Views struct {
	// Format is that of the tables.
	Format Format
	// Latest says that the folder latest has tables with the newest versions. Without
	// it the views find the newest versions among those of all exports, by the rule of
	// Latest.
	Latest bool
	// Runs are the names of the folders of all exports, the oldest first. Each has a
	// folder of tables with the name of the format.
	Runs []string
	// Sources are their files of claims, and of what was deleted, in the order in which
	// they came.
	Sources []Source
}

// WriteViews writes SQL for DuckDB into a folder of exports: the views claims, lines,
// diagnoses, procedures and care_team of the newest versions of claims, tuva_medical_claim,
// and the lookup tables. The paths in it are relative to the folder. What is there is
// replaced.
func WriteViews(dir string, v Views) error {
	b := &viewWriter{dir: dir, Views: v}
	b.line("-- Views of the claims in this folder, for DuckDB. Start DuckDB in this folder, and write:")
	b.line("--     .read %s", ViewsFile)
	b.line("-- ab2d export writes this file. It describes each column: select * from duckdb_columns().")
	b.tables()
	for i := range Lookups {
		l := &Lookups[i]
		b.view("lookup_"+l.Name, "select * from "+b.from(l.Name, reflect.TypeFor[Code](), []string{LookupDir}), l.description(), reflect.TypeFor[Code]())
	}
	b.line("\n%s", tuvaView())
	return b.write()
}

// viewWriter writes the file of views. Its first error stays.
type viewWriter struct {
	Views
	dir string
	b   strings.Builder
	err error
}

func (b *viewWriter) line(format string, args ...any) { fmt.Fprintf(&b.b, format+"\n", args...) }

func (b *viewWriter) write() error {
	path := filepath.Join(b.dir, ViewsFile)
	err := b.err
	if err == nil {
		err = os.WriteFile(path+".part", []byte(b.b.String()), 0o600)
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", ViewsFile, err)
	}
	return nil
}

// tables writes the views of the tables.
func (b *viewWriter) tables() {
	if b.Latest {
		for i, row := range rowTypes() {
			b.view(Names[i], "select * from "+b.from(Names[i], row, []string{"latest"}), newestOf(Names[i]), row)
		}
		return
	}
	var folders []string
	for _, run := range b.Runs {
		folders = append(folders, run+"/"+string(b.Format))
	}
	for i, row := range rowTypes() {
		b.view("all_"+Names[i], "select *, split_part(filename, '/', 1) as export from "+b.from(Names[i], row, folders), Descriptions[Names[i]], row)
	}
	b.newest()
	for i, row := range rowTypes() {
		same := "n.claim_id is not distinct from t.claim_id and n.last_updated is not distinct from t.last_updated and n.export = t.export"
		if i == 0 {
			same += " and n.source_file = t.source_file and n.source_line = t.source_line"
		}
		b.view(Names[i], fmt.Sprintf("select t.* exclude (filename, export) from all_%s t semi join newest_versions n on (%s)", Names[i], same),
			newestOf(Names[i]), row)
	}
}

func (b *viewWriter) relative(path string) string {
	rel, err := filepath.Rel(b.dir, path)
	b.err = errors.Join(b.err, err)
	return filepath.ToSlash(rel)
}

// view writes a view, and what it and its columns hold.
func (b *viewWriter) view(name, query, doc string, row reflect.Type) {
	b.line("\ncreate or replace view %s as\n%s;", name, query)
	b.line("comment on view %s is %s;", name, quoted(doc))
	names, _ := columns(row)
	for i, column := range names {
		b.line("comment on column %s.%s is %s;", name, column, quoted(row.Field(i).Tag.Get("doc")))
	}
}

// from is where a query finds a table in some folders.
func (b *viewWriter) from(name string, row reflect.Type, folders []string) string {
	var files []string
	for _, f := range folders {
		files = append(files, quoted(f+"/"+name+"."+string(b.Format)))
	}
	list := "[" + strings.Join(files, ", ") + "]"
	filename := len(folders) > 0 && strings.Contains(folders[0], "/")
	if b.Format == Parquet {
		return fmt.Sprintf("read_parquet(%s, filename = %t)", list, filename)
	}
	return csvView(list, row, filename)
}

// csvView reads files of CSV: with the types of the columns rather than by guessing, which
// takes codes for numbers, and lists as lists.
func csvView(list string, row reflect.Type, filename bool) string {
	var types, lists []string
	names, kinds := columns(row)
	for i, name := range names {
		kind := duckType(row.Field(i).Type, kinds[i])
		if element, ok := strings.CutSuffix(kind, "[]"); ok {
			lists = append(lists, fmt.Sprintf("cast(string_split(%s, ' ') as %s[]) as %s", name, element, name))
			kind = "varchar"
		}
		types = append(types, fmt.Sprintf("%s: %s", name, quoted(kind)))
	}
	replaced := "*"
	if len(lists) > 0 {
		replaced = "* replace (" + strings.Join(lists, ", ") + ")"
	}
	return fmt.Sprintf("(select %s from read_csv(%s, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', filename = %t,\n    columns = {%s}))",
		replaced, list, filename, strings.Join(types, ", "))
}

// duckType is the type in DuckDB of a column.
func duckType(t reflect.Type, kind string) string {
	switch kind {
	case "date":
		return "date"
	case "timestamp":
		return "timestamptz"
	case "decimal":
		return "decimal(18,2)"
	}
	return map[string]string{"string": "varchar", "*int32": "integer", "*int64": "bigint", "*float64": "double", "*bool": "boolean",
		"[]int32": "integer[]", "[]string": "varchar[]"}[t.String()]
}

// newestOf tells what a row of a table is, of those of the newest versions.
func newestOf(name string) string {
	if name == Names[0] {
		return "a row for each claim: its newest version"
	}
	return Descriptions[name] + ", in its newest version"
}

// newest writes which version of each claim is the newest, by the rule of Latest.
func (b *viewWriter) newest() {
	var files []string
	deleted := "select null::integer as position, null::varchar as url where false"
	for i, s := range b.Sources {
		path := b.relative(s.Path)
		if s.Deleted {
			deleted += fmt.Sprintf("\n    union all select %d, r.request.url from (select unnest(entry) as r from read_json(%s, format = 'newline_delimited', maximum_object_size = %d,"+
				"\n        columns = {entry: 'struct(request struct(\"method\" varchar, url varchar))[]'})) where r.request.\"method\" = 'DELETE'", i, quoted(path), maxLine)
			continue
		}
		files = append(files, fmt.Sprintf("(%d, %s)", i, quoted(path)))
	}
	if len(files) == 0 { // nothing was ever exported
		files = []string{"(0, '')"}
	}
	b.line("\n"+newestVersions, strings.Join(files, ", "), deleted, maxVersions)
}

// newestVersions is the rule of Latest in SQL.
const newestVersions = `create or replace table newest_versions as
with files(position, source_file) as (values %s),
deleted as (
    select max(position) as position, regexp_extract(url, '(^|/)ExplanationOfBenefit/([^/]+)/*$', 2) as claim_id
    from (%s) group by 2),
versions as ( -- that were not deleted later
    select c.claim_id, c.last_updated, c.status, c.export, c.source_file, c.source_line, f.position, trim(c.claim_group, '-. ') as digits,
        concat_ws('|', 'group', c.claim_group, coalesce(c.patient_id, ''), coalesce(c.claim_type, '')) as grouped
    from all_claims c left join files f using (source_file) left join deleted d on d.claim_id = c.claim_id
    where d.position is null or f.position > d.position),
resources as ( -- rule 1: the newest of those with the same id
    select *, 'id|' || coalesce(claim_id, '') as alone,
        case when digits is null or trim(digits, '0') = '' or length(digits) >= 5 and trim(digits, digits[1]) = '' then alone else grouped end as same_claim
    from versions
    qualify row_number() over (partition by claim_id order by last_updated desc nulls last, position desc, source_line desc) = 1),
claims_of as (select *, case when count(*) over (partition by same_claim) > %d then alone else same_claim end as claim from resources)
select claim_id, last_updated, export, source_file, source_line from (
    select * from claims_of
    qualify row_number() over (partition by claim order by status is distinct from 'cancelled' desc, last_updated desc nulls last, position desc, source_line desc) = 1)
where status is distinct from 'cancelled';
comment on table newest_versions is 'which version of each claim is the newest; docs/client.md has the rule';`

// quoted is a text in SQL.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
