// Package eobjson writes synthetic claims as FHIR ExplanationOfBenefit resources
// in JSON.
//
// A [Format] writes one version of the API: STU3 for version 1, and R4 for versions 2
// and 3, whose resources share little more than FHIR. All write the same codes, dates
// and providers, each where its version puts them. A further version is a further
// Format, which [FormatOf] returns.
//
// A claim is written in one of two ways: as an upstream stores it
// ([Buffer.Raw]), or as a sponsor receives it ([Buffer.Delivered]). Writing
// allocates nothing once a Buffer has grown to the size of a line.
package eobjson
