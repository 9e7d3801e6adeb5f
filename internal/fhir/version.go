package fhir

import "fmt"

// Version is a version of this API, which decides the FHIR version.
type Version uint8

// The versions of the API.
const (
	V1 Version = 1 // FHIR STU3
	V2 Version = 2 // FHIR R4
	V3 Version = 3 // FHIR R4, claims of BFD's version 3
)

// Versions lists the versions of the API, oldest first.
func Versions() []Version { return []Version{V1, V2, V3} }

// String gives "v1", "v2" or "v3".
func (v Version) String() string { return fmt.Sprintf("v%d", uint8(v)) }

// Name gives the version with its FHIR release, for people.
func (v Version) Name() string {
	if v == V1 {
		return "v1 (FHIR STU3)"
	}
	return v.String() + " (FHIR R4)"
}

// FHIR gives the FHIR release number that metadata declares.
func (v Version) FHIR() string {
	if v == V1 {
		return "3.0.2"
	}
	return "4.0.1"
}

// Media types of this API's bodies.
const (
	TypeFHIR   = "application/fhir+json"
	TypeNDJSON = "application/fhir+ndjson"
)
