package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Extension URLs of a manifest: of its files, which are AB2D's, and of the whole.
const (
	ExtensionChecksum   = "https://ab2d.cms.gov/checksum"
	ExtensionFileLength = "https://ab2d.cms.gov/file_length"
	ExtensionTotals     = "https://ab2d.cms.gov/totals"
	// ExtensionUpstreamRead is the time up to which an export has the claims of the
	// upstream server.
	ExtensionUpstreamRead = "https://ab2d.cms.gov/upstream-read"
)

// Manifest is the body of a completed export's status (Bulk Data Access IG,
// "Response - Complete Status"). Marshaled it is one line: AB2D's sample
// client reads it with grep.
type Manifest struct {
	TransactionTime     string         `json:"transactionTime"`
	Request             string         `json:"request"`
	RequiresAccessToken bool           `json:"requiresAccessToken"`
	Output              []ManifestFile `json:"output"`
	Deleted             []ManifestFile `json:"deleted"`
	Error               []ManifestFile `json:"error"`
	// Outcome has the files of Error once more, under the name that later editions of
	// Bulk Data give them; nil: left out.
	Outcome []ManifestFile `json:"outcome,omitzero"`
	// Link leads to the next page; nil: there is none, or not yet.
	Link []ManifestLink `json:"link,omitempty"`
	// Extension is an object here, as Bulk Data has it. In a file it is a list,
	// as AB2D has it.
	Extension map[string]any `json:"extension,omitzero"` // by URL
}

// ManifestLink leads to another page of a manifest.
type ManifestLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

// ManifestFile is one file of an export.
type ManifestFile struct {
	Type      string      `json:"type"`
	URL       string      `json:"url"`
	Count     int64       `json:"count"`
	FileSize  int64       `json:"fileSize"` // uncompressed bytes
	Extension []Extension `json:"extension,omitempty"`
}

// Extension is a FHIR extension with the value types a file needs.
type Extension struct {
	URL          string `json:"url"`
	ValueString  string `json:"valueString,omitempty"`
	ValueDecimal *int64 `json:"valueDecimal,omitempty"`
}

// Totals say how every enrollee of an export ended.
type Totals struct {
	Enrollees          int64 `json:"enrollees"` // the sum of the next five
	Delivered          int64 `json:"delivered"`
	NoClaims           int64 `json:"noClaims"`
	OptedOut           int64 `json:"optedOut"`
	NoIdentifier       int64 `json:"noIdentifier"`
	NotRead            int64 `json:"notRead"`
	Claims             int64 `json:"claims"`
	ClaimsWithoutDates int64 `json:"claimsWithoutDates"`
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
