package api

import (
	"slices"
	"strings"

	"ab2d/internal/eob"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// alwaysElements stay whatever _elements asks for: those that FHIR R4 requires of an
// ExplanationOfBenefit, those without which it cannot be understood, and contained
// resources, which the required ones refer to.
var alwaysElements = []string{"resourceType", "id", "meta", "implicitRules", "contained", "status", "type", "use", "patient", "created", "insurer", "provider", "outcome", "insurance"}

// maxElements bounds _elements: a claim has fewer.
const maxElements = 100

// readElements reads _elements: the top-level elements that claims are cut down to
// (Bulk Data Access IG, "_elements").
func (r *reader) readElements() {
	if !r.values.Has("_elements") {
		return
	}
	if r.version == fhir.V1 {
		r.leaveOut(fhir.CodeNotSupported, "The parameter _elements is available in v2 and v3 only: ask at /api/v2/fhir.")
		return
	}
	var asked []string
	for _, value := range r.values["_elements"] {
		if n := len(asked) + strings.Count(value, ",") + 1; n > maxElements {
			r.fault(fhir.CodeTooCostly, "_elements has %d elements or more; at most %d are read.", n, maxElements)
			return
		}
		asked = append(asked, strings.Split(value, ",")...)
	}
	delivered := eob.TopLevel(r.version)
	keep := slices.Clone(alwaysElements)
	for _, name := range asked {
		element := strings.TrimPrefix(strings.TrimSpace(name), resourceType+".")
		if !slices.Contains(delivered, element) && !slices.Contains(alwaysElements, element) {
			r.leaveOut(fhir.CodeNotSupported, "The element %s in _elements is not delivered. Elements stand at the top of a claim: %s.", rest.Quoted(name), strings.Join(delivered, ", "))
			continue
		}
		keep = append(keep, element)
	}
	slices.Sort(keep)
	r.elements = slices.Compact(keep)
}
