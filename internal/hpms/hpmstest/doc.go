// Package hpmstest is a stand-in for HPMS, for tests: it gives tokens, organizations and
// statuses in the form that CMS's AB2D reads, and fails as it is told to.
//
//   - server.go  the stand-in
//   - fault.go   the ways in which it fails
package hpmstest
