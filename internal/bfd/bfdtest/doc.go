// Package bfdtest is a stand-in for CMS's FHIR server BFD. It serves the raw claims
// of a data set the way BFD does, with its pages, its filters and its quirks, and
// fails in every way that a client must survive, when it is told to.
package bfdtest
