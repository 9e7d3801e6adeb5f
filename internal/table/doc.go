// Package table makes flat tables of claims: Parquet or CSV files of
// ExplanationOfBenefit resources, for people who ask questions of them in SQL.
//
// A folder of exports also gets lookup tables for codes that are free, and views for
// DuckDB. Version counts the changes of the columns.
//
// There are five tables, the same for FHIR R4 and STU3, and for the claims of all
// versions of AB2D's API, which are told apart by their code systems: claims, lines,
// diagnoses, procedures and care_team. What has no place in them stays in the
// NDJSON they are made from. Their schema is the structs of schema.go; what a
// column holds is told there, and docs/client.md is written from it.
//
// Memory does not depend on how many claims there are: rows are written as
// claims are read, a group of rows at a time.
//
//   - schema.go   the tables and their columns
//   - claim.go    the parts of an ExplanationOfBenefit that are read
//   - rows.go     the rows of a claim
//   - v3.go       what version 3 of AB2D's API has in places of its own
//   - service.go  the codes of services and drugs
//   - convert.go  files of NDJSON in, a folder of tables out
//   - tables.go   all tables in one format
//   - info.go     what the tables of a folder are: version, format, rows
//   - check.go    tables compared with the claims that they were made of
//   - lookup.go   tables of codes; lookup/ has them
//   - views.go, tuva.go  views for DuckDB, and one for the Tuva data model
//   - parquet.go, csv.go, ndjson.go  the formats
//   - zstd.go     compressing pages in little memory
//   - summary.go  counts of the claims of a folder, for people
//   - latest.go   which claims are the newest version of each
package table
