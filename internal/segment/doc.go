// Package segment keeps an enrollee's claims as one compressed segment with an
// index, and joins segments into one gzip file without compressing them again.
//
// A segment is raw DEFLATE (RFC 1951) that refers to nothing before it and ends
// with a sync flush: on a byte border and without a final block. Such pieces can
// be put one after another in any order, and a final empty block makes the whole
// a stream. Its CRC-32 is worked out from those of the pieces, so that the result
// is a single gzip member (RFC 1952): some readers, curl among them, deliver only
// the first of several.
//
// The package knows bytes and lines, not FHIR and not who may see what.
//
//   - segment.go  a segment, and the builder that makes one of lines
//   - index.go    what is known of each line without inflating it, and its stored form
//   - inflate.go  the lines of a segment, verified
//   - join.go     one gzip member out of plain bytes and segments
//   - crc.go      the CRC-32 of two pieces from the CRC-32 of each
package segment
