// Package bfdtest is a stand-in for CMS's FHIR server BFD. It serves the raw claims
// of a data set the way BFD does, with its pages, its filters and its quirks, and
// fails in every way that a client must survive, when it is told to.
//
//   - server.go  the handler, and the claims that it holds
//   - claims.go  searches of claims, and their filters
//   - people.go  searches of people by contract and month
//   - patient.go  searches of a person by MBI, in version 3
//   - bundle.go  answers, and their pages
//   - fault.go   the ways to fail
package bfdtest
