// Package files keeps the bytes of result files: it implements export.Files.
//
//   - open.go  chooses by address
//   - key.go   keys, which cannot lead outside
//   - dir.go   a directory of this machine
//   - s3.go    a bucket of S3-compatible storage
//   - s3_address.go  where it is
//   - s3_writer.go, s3_reader.go  one file of it
//   - encrypted.go  files encrypted before they are stored, in either
//   - encrypted_reader.go  reading them from any place
//   - traced.go  files being written, in traces
//   - discard.go  nowhere, for measuring
package files
