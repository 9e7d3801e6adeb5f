// Package validate holds delivered claims, and the other FHIR resources that the
// server answers, against an independent FHIR library, github.com/google/fhir/go. It is a module of its own, so that this large
// dependency stays out of the program's.
package validate
