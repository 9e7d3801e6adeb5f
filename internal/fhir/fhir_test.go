package fhir

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseInstant(t *testing.T) {
	want := time.Date(2023, 4, 5, 11, 7, 8, 0, time.UTC)
	for _, s := range []string{
		"2023-04-05T06:07:08-05:00", "2023-04-05T06:07:08.000-05:00", "2023-04-05T11:07:08Z",
		"2023-04-05T12:07:08+01:00", "2023-04-05T12:07:08 01:00", "2023-04-05T12:07:08.000 01:00",
	} {
		got, err := ParseInstant(s)
		if err != nil || !got.Equal(want) {
			t.Errorf("ParseInstant(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "2023", "2023-04-05", "2023-04-05T06:07:08", "2023-04-05 06:07:08-05:00", "2023-13-05T06:07:08Z",
		"2023-02-30T06:07:08Z", "20230405", "now", "2023-04-05T06:07Z", "0001-01-01T00:00:00Z", "2023-04-05T06:07:08z",
	} {
		if got, err := ParseInstant(s); !errors.Is(err, ErrInstant) {
			t.Errorf("ParseInstant(%q) = %v, %v; want ErrInstant", s, got, err)
		}
	}
}

// FuzzParseInstant: what is accepted, written and read again is the same
// moment to the millisecond.
func FuzzParseInstant(f *testing.F) {
	f.Add("2023-04-05T06:07:08.123-05:00")
	f.Add("2023-04-05T12:07:08 01:00")
	f.Add("2016-12-31T23:59:60Z")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseInstant(s)
		if err != nil {
			return
		}
		if got.UTC().Year() > 9999 {
			return // beyond what an instant can say in UTC
		}
		again, err := ParseInstant(FormatInstant(got))
		if err != nil || !again.Equal(got.Truncate(time.Millisecond)) {
			t.Fatalf("%q: %v became %v, %v", s, got, again, err)
		}
	})
}

func TestManifestIsOneCompactLine(t *testing.T) {
	m := Manifest{
		TransactionTime: FormatInstant(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)),
		Request:         "http://h/api/v1/fhir/Patient/$export?_type=ExplanationOfBenefit&_outputFormat=application%2Ffhir%2Bndjson",
		Output: []ManifestFile{{Type: "ExplanationOfBenefit", URL: "http://h/f", Count: 3,
			Extension: []Extension{Checksum([]byte{0xab}), Count(ExtensionFileLength, 0)}}},
		Deleted: []ManifestFile{}, Error: []ManifestFile{}, RequiresAccessToken: true,
	}
	b, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"transactionTime":"2026-01-02T03:04:05.006Z","request":"http://h/api/v1/fhir/Patient/$export?_type=ExplanationOfBenefit&_outputFormat=application%2Ffhir%2Bndjson",` +
		`"requiresAccessToken":true,"output":[{"type":"ExplanationOfBenefit","url":"http://h/f","count":3,"fileSize":0,"extension":[{"url":"https://ab2d.cms.gov/checksum","valueString":"sha256:ab"},` +
		`{"url":"https://ab2d.cms.gov/file_length","valueDecimal":0}]}],"deleted":[],"error":[]}`
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestCapabilityStatement(t *testing.T) {
	for v, want := range map[Version][]string{
		V1: {`"fhirVersion":"3.0.2"`, `"acceptUnknown"`, `{"definition":{"reference":"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export"},"name":"export"}`},
		V2: {`"fhirVersion":"4.0.1"`, `{"operation":[{"definition":"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export","name":"export"},{"definition":"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export","name":"patient-export"}],"type":"Patient"}`},
	} {
		b, err := Encode(Capability{Version: v, BaseURL: "http://h/api/v1/fhir", TokenURL: "http://h/token"}.Statement())
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range append(want, `"valueUri":"http://h/token"`, "CapabilityStatement/bulk-data") {
			if !strings.Contains(string(b), part) {
				t.Errorf("%s: %s lacks %s", v, b, part)
			}
		}
	}
}
