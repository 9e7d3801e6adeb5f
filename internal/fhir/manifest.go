package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Extension URLs of a manifest's outputs. The first two are AB2D's.
const (
	ExtensionChecksum   = "https://ab2d.cms.gov/checksum"
	ExtensionFileLength = "https://ab2d.cms.gov/file_length"
	ExtensionTotals     = "https://ab2d.cms.gov/totals"
)

// Manifest is the body of a completed export's status (Bulk Data Access IG,
// "Response - Complete Status"). Marshalled it is one line: AB2D's sample
// client reads it with grep.
type Manifest struct {
	TransactionTime     string         `json:"transactionTime"`
	Request             string         `json:"request"`
	RequiresAccessToken bool           `json:"requiresAccessToken"`
	Output              []ManifestFile `json:"output"`
	Deleted             []ManifestFile `json:"deleted"`
	Error               []ManifestFile `json:"error"`
	Extension           []Extension    `json:"extension,omitempty"`
}

// ManifestFile is one file of an export.
type ManifestFile struct {
	Type      string      `json:"type"`
	URL       string      `json:"url"`
	Count     int64       `json:"count"`
	Extension []Extension `json:"extension,omitempty"`
}

// Extension is a FHIR extension with the value types a manifest needs.
type Extension struct {
	URL          string      `json:"url"`
	ValueString  string      `json:"valueString,omitempty"`
	ValueDecimal *int64      `json:"valueDecimal,omitempty"`
	Extension    []Extension `json:"extension,omitempty"`
}

// Checksum is the extension with the SHA-256 of a file's uncompressed bytes.
func Checksum(sha256 []byte) Extension {
	return Extension{URL: ExtensionChecksum, ValueString: fmt.Sprintf("sha256:%x", sha256)}
}

// Count is an extension with a whole number.
func Count(url string, n int64) Extension { return Extension{URL: url, ValueDecimal: &n} }

// Encode marshals a value as this API sends it: one line, with the characters
// < > & as they are.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
