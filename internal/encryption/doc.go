// Package encryption holds the keys by which what is stored is encrypted: result files
// (see package files) and segments of claims (see package store).
//
// There are three kinds of keys:
//
//   - A wrapping key is the operator's. It is in a file or in a key management
//     service (AWS KMS), never in the database.
//   - A data key is in the database, encrypted by the wrapping key. There is a new one
//     after each rotation; older ones stay, so that what they encrypted can be read.
//   - A file has a key of its own, which is in the file, encrypted by the data key.
//
// So a rotation encrypts a few rows again, and no file and no segment.
//
//   - ring.go     the data keys: the current one, older ones, rotation
//   - seal.go     what a data key does: encrypts small things, and derives others
//   - wrapping.go the wrapping keys of a process, in a file or a service
//   - keyfile.go  wrapping keys in a file
//   - kms.go      a wrapping key in AWS KMS
//
// The package knows no database and no files.
package encryption
