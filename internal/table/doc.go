// Package table makes flat tables of claims: Parquet or CSV files of
// ExplanationOfBenefit resources, for people who ask questions of them in SQL.
//
// There are five tables, the same for FHIR R4 and STU3: claims, lines,
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
//   - convert.go  files of NDJSON in, a folder of tables out
//   - tables.go   all tables in one format
//   - parquet.go, csv.go, ndjson.go  the formats
//   - summary.go  counts of the claims of a folder, for people
//   - latest.go   which claims are the newest version of each
package table
