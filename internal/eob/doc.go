// Package eob is the minimum necessary: it reduces an ExplanationOfBenefit to
// the fields that a sponsor may see, and reads from it the facts that decide
// whether the sponsor may see it at all.
//
// One declarative table a version lists what is kept, down to the last leaf.
// It fails closed: a field, an extension or a value the table does not name is
// dropped, at whatever depth it stands and whatever a source adds later. The
// tables also write docs/data-dictionary.md.
//
// A claim comes from outside, so it is read strictly (RFC 8259, with what
// RFC 7493, I-JSON, adds): duplicate names, bad UTF-8, lone surrogates and
// anything after the claim are refused, in dropped fields too. Kept values
// are copied byte for byte, in the input's order, without whitespace between
// them; so the outcome is one line.
//
// What is kept:
//   - table_stu3.go  version 1, FHIR STU3
//   - extension_stu3.go  its extensions of claim and item
//   - table_r4.go    version 2, FHIR R4
//   - table_r4v3.go  version 3, FHIR R4 as BFD's version 3 writes it
//   - conditions.go  of which values a table keeps an element
//   - dropped.go     what is left out, and why, for the dictionary
//   - dictionary.go  the tables for the pages' data dictionary
//   - allow.go       how a table is read into a tree
//
// How it is applied, in one pass:
//   - minimizer.go   Minimizer, Claim and Error
//   - scan.go        objects and arrays: keep or drop
//   - text.go        strings, numbers and literals, strictly
//   - facts.go       what decides about delivery
//   - facts_r4v3.go  what else decides in version 3: source, type by its code
//   - links.go       contained resources and the references to them
//   - shape.go       what only claims of another version have
//   - part2.go       codes of substance-use treatment, 42 CFR Part 2
//
// Around it:
//   - mbi.go         an enrollee's identifiers, appended at delivery
//   - detect.go      which version a claim is written in
package eob
