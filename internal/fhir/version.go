package fhir

import "fmt"

// Version is a version of this API, which decides the FHIR version.
type Version uint8

// The versions of the API.
const (
	V1 Version = 1 // FHIR STU3
	V2 Version = 2 // FHIR R4
)

// ParseVersion reads "v1" or "v2", as they stand in a path.
func ParseVersion(s string) (Version, error) {
	switch s {
	case "v1":
		return V1, nil
	case "v2":
		return V2, nil
	}
	return 0, fmt.Errorf("API version %q is neither v1 (FHIR STU3) nor v2 (FHIR R4)", s)
}

// String gives "v1" or "v2".
func (v Version) String() string { return fmt.Sprintf("v%d", uint8(v)) }

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
