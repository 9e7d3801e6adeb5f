// Package feed reads what an upstream hands over in files: raw claims,
// enrollment, opt-outs and contracts. Every fault is reported with its line, and
// without identifiers of persons.
//
//   - claims.go     raw claims, minimized by several workers, in order
//   - split.go      lines or documents, plain or gzipped; NDJSON
//   - document.go   Bundles and pretty-printed resources, as a stream
//   - report.go     what became of the claims
//   - rejects.go    the list of rejected claims, which is bounded
//   - table.go      CSV with a header row
//   - bounds.go     how long a table and its rows may be
//   - enrollment.go  who is enrolled in which months
//   - optout.go     who does not share claims: CMS's format, or CSV
//   - contract.go   contracts and their attestation
package feed
