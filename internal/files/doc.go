// Package files keeps the bytes of result files: it implements export.Files.
//
//   - open.go  chooses by address
//   - dir.go   a directory of this machine
package files
