// Package bfdtest is a stand-in for CMS's FHIR server BFD. It serves the raw claims
// of a data set the way BFD does, with its pages, its filters and its quirks, and
// fails in every way that a client must survive, when it is told to. Tests use it,
// and ab2d synth serve-upstream.
//
//   - server.go  the handler
//   - claim.go   claims, held in memory or computed on demand
//   - claims.go  searches of claims, and their filters
//   - people.go  searches of people by contract and month
//   - patient.go  searches of a person by MBI, in version 3
//   - bundle.go  answers, and their pages
//   - fault.go   the ways to fail, and which call fails
//   - plan.go    names of the ways to fail, and plans in which every nth call fails
//   - intrude.go claims in an answer that should not be there, or are not whole
//   - spoil.go   what a failure makes of an answer
package bfdtest
