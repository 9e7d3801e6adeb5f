// Package fhir is the wire format this server speaks beside claims:
// OperationOutcome, the Bulk Data manifest, CapabilityStatement and instants,
// for FHIR STU3 and R4.
//
//   - version.go     the two API versions, v1 (STU3) and v2 (R4)
//   - outcome.go     OperationOutcome and its issue codes
//   - instant.go     FHIR instants, read leniently and written one way
//   - subset.go      some elements of a resource, and the tag that says so
//   - manifest.go    the answer of a completed export
//   - deletions.go   resources that are gone
//   - task.go        a list of exports
//   - parameters.go  named values
//   - capability.go  what GET metadata answers
package fhir
