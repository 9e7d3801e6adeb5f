package eob

import (
	"fmt"

	"ab2d/internal/coverage"
)

// The extension that AB2D appends to a claim for each MBI, around its
// currency and its value.
const (
	mbiBefore = `{"url":"http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier","valueIdentifier":{"extension":[` +
		`{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency","valueCoding":{"code":"`
	mbiWithin = `"}}],"system":"http://hl7.org/fhir/sid/us-mbi","value":"`
	mbiAfter  = `"}}`
)

// AppendWithMBIs appends the claim with one extension an MBI, the current one
// first, to dst and returns it. Without MBIs it appends the claim as it is.
func (c *Claim) AppendWithMBIs(dst []byte, mbis []coverage.MBI) []byte {
	return AppendWithMBIs(dst, c.JSON, c.ExtensionAt, c.HasExtension, mbis)
}

// AppendWithMBIs is the same for a claim of which only JSON, ExtensionAt and
// HasExtension are kept.
func AppendWithMBIs(dst, json []byte, extensionAt int, hasExtension bool, mbis []coverage.MBI) []byte {
	if len(mbis) == 0 {
		return append(dst, json...)
	}
	dst = append(dst, json[:extensionAt]...)
	dst = append(dst, ',')
	if !hasExtension {
		dst = append(dst, `"extension":[`...)
	}
	for i, m := range mbis {
		currency := "historic"
		if i == 0 {
			currency = "current"
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, mbiBefore...)
		dst = append(dst, currency...)
		dst = append(dst, mbiWithin...)
		dst = appendMBI(dst, m)
		dst = append(dst, mbiAfter...)
	}
	if !hasExtension {
		dst = append(dst, ']')
	}
	return append(dst, json[extensionAt:]...)
}

// appendMBI appends an identifier. It has letters and digits only; anything
// else is escaped, lest a bad one breaks the claim.
func appendMBI(dst []byte, m coverage.MBI) []byte {
	for _, r := range string(m) {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		if letter || r >= '0' && r <= '9' {
			dst = append(dst, byte(r))
		} else {
			dst = fmt.Appendf(dst, `\u%04x`, min(r, 0xfffd))
		}
	}
	return dst
}
