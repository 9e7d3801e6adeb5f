// Package ingest brings files into the store: raw claims, which are reduced to the
// minimum necessary on the way, and tables of contracts, enrollment and opt-outs.
//
// An import of claims is resumable. The claims of a file are stored in batches,
// each with the position up to which the file was read. Exports see none of them
// before the import ends, when all are published at once. Importing the same file
// again resumes an interrupted import.
//
// Every import is recorded in the audit log, when it begins and when it ends, with
// the file's name, its SHA-256 and the counts.
package ingest
