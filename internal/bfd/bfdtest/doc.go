// Package bfdtest is a stand-in for CMS's FHIR server BFD. It serves the raw claims
// of a data set the way BFD does, with its pages, filters and peculiarities. A test can
// make it fail in every way that a client must survive.
//
//   - server.go  the handler, and the claims that it holds
//   - claims.go  searches of claims, and their filters
//   - people.go  searches of people by contract and month
//   - bundle.go  responses, and their pages
//   - fault.go   the ways to fail
package bfdtest
