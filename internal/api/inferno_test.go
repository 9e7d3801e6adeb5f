package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// TestInferno does what the server suites of Inferno's Bulk Data test kit do, in their
// order, for each group of its tests: Patient and Group, with the requests and the
// expectations of the kit. docs/compatibility.md lists which of its tests is where. Each
// subtest has the id that the kit gives the test.
func TestInferno(t *testing.T) {
	t.Parallel()
	t.Run("well_known_endpoint", func(t *testing.T) { infernoWellKnown(t, newServer(t)) })
	for _, of := range []struct{ level, url string }{
		{"Patient", "/api/v2/fhir/Patient/$export"},
		{"Group", "/api/v2/fhir/Group/Z0000/$export"},
	} {
		t.Run(of.level, func(t *testing.T) {
			s := newServer(t, func(s *server) { s.config.MaxPolls, s.worker.Ledgers = 0, s.db })
			infernoLevel(t, s, of.level, of.url)
		})
	}
}

// infernoJSON reads an answer that must be JSON, with a status.
func infernoJSON(t *testing.T, a *answer, status int, to any) {
	t.Helper()
	if err := json.Unmarshal(a.body, to); err != nil || a.status != status {
		t.Fatalf("%d %s, want %d", a.status, a.body, status)
	}
}

// infernoWellKnown is the kit's SMART on FHIR discovery.
func infernoWellKnown(t *testing.T, s *server) {
	a := s.do("", "GET", "/api/v2/fhir/.well-known/smart-configuration", "Accept: application/json")
	var c struct {
		Token   string   `json:"token_endpoint"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		Algs    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
		Scopes  []string `json:"scopes_supported"`
		Grants  []string `json:"grant_types_supported"`
	}
	infernoJSON(t, a, http.StatusOK, &c)
	if !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") || !strings.HasPrefix(c.Token, "http") || len(c.Scopes) == 0 ||
		!slices.Contains(c.Methods, "private_key_jwt") || !slices.Contains(c.Algs, "RS384") && !slices.Contains(c.Algs, "ES384") {
		t.Errorf("%s", a.body)
	}
}

// definition is the kit's pattern of an operation's definition, without the level.
const definition = `^http://hl7\.org/fhir/uv/bulkdata/OperationDefinition/`

func infernoLevel(t *testing.T, s *server, level, url string) {
	t.Run("bulk_data_export_operation_support", func(t *testing.T) {
		var c struct {
			Instantiates []string
			Rest         []struct {
				Resource []struct {
					Type      string
					Operation []struct{ Name, Definition string }
				}
			}
		}
		infernoJSON(t, s.do("", "GET", "/api/v2/fhir/metadata", "Accept: application/fhir+json"), http.StatusOK, &c)
		found := false
		for _, r := range c.Rest[0].Resource {
			for _, o := range r.Operation {
				found = found || r.Type == level && o.Name == "export" && regexp.MustCompile(definition+strings.ToLower(level)+`-export(\|\S+)?$`).MatchString(o.Definition)
			}
		}
		if !found || !slices.Contains(c.Instantiates, "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data") {
			t.Errorf("%+v", c)
		}
	})
	t.Run("bulk_data_no_auth_reject", func(t *testing.T) {
		s.infernoAsk("", url).is(t, http.StatusUnauthorized, fhir.CodeLogin)
	})
	status := ""
	t.Run("bulk_data_kick_off", func(t *testing.T) { status = infernoKickOff(t, s, url) })
	var m struct {
		TransactionTime, Request *string
		RequiresAccessToken      *bool
		Output, Error            []fhir.ManifestFile
	}
	t.Run("bulk_data_status_check", func(t *testing.T) {
		s.ended(status)
		a := s.do(one, "GET", status, "Accept: application/json")
		infernoJSON(t, a, http.StatusOK, &m)
		if !strings.Contains(a.header.Get("Content-Type"), "application/json") || m.TransactionTime == nil || m.Request == nil || m.RequiresAccessToken == nil || m.Output == nil || m.Error == nil {
			t.Errorf("%s", a.body)
		}
	})
	infernoFiles(t, s, m.Output)
	infernoParameters(t, s, url)
	infernoCancel(t, s, url)
}

// infernoAsk starts an export with the kit's headers.
func (s *server) infernoAsk(client, url string) *answer {
	return s.do(client, "GET", url, "Accept: application/fhir+json", "Prefer: respond-async")
}

func infernoKickOff(t *testing.T, s *server, url string) string {
	t.Helper()
	a := s.infernoAsk(one, url)
	if a.status != http.StatusAccepted || a.header.Get("Content-Location") == "" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	return a.header.Get("Content-Location")
}

func infernoFiles(t *testing.T, s *server, output []fhir.ManifestFile) {
	t.Run("bulk_data_output_check", func(t *testing.T) {
		for _, f := range output {
			if f.Type == "" || !regexp.MustCompile(`\Ahttps?://`).MatchString(f.URL) {
				t.Errorf("%+v", f)
			}
		}
		if len(output) == 0 {
			t.Error("no output")
		}
	})
	t.Run("bulk_data_ndjson_download", func(t *testing.T) {
		s.do("", "GET", output[0].URL, "Accept: application/fhir+ndjson").is(t, http.StatusUnauthorized, fhir.CodeLogin)
	})
	patients := map[string]bool{}
	t.Run("bulk_data_valid_resources", func(t *testing.T) { // what the kit does before it validates
		for _, f := range output {
			a := s.do(one, "GET", f.URL, "Accept: application/fhir+ndjson")
			if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "application/fhir+ndjson") {
				t.Fatalf("%d %v", a.status, a.header)
			}
			for line := range bytes.Lines(a.body) {
				var claim struct {
					ResourceType string
					Patient      struct{ Reference string }
				}
				if err := json.Unmarshal(line, &claim); err != nil || claim.ResourceType != f.Type {
					t.Fatalf("%s: %v", line, err)
				}
				patients[claim.Patient.Reference] = true
			}
		}
	})
	t.Run("bulk_data_multiple_patients", func(t *testing.T) {
		if len(patients) < 2 {
			t.Errorf("%d patients", len(patients))
		}
	})
}

func infernoParameters(t *testing.T, s *server, url string) {
	t.Run("output_format_in_export_response", func(t *testing.T) {
		for _, format := range []string{"application%2Ffhir%2Bndjson", "application%2Fndjson", "ndjson"} {
			infernoDelete(t, s, infernoKickOff(t, s, url+"?_outputFormat="+format))
		}
	})
	t.Run("since_in_export_response", func(t *testing.T) {
		infernoDelete(t, s, infernoKickOff(t, s, url+"?_since=2025-01-01T00%3A00%3A00.000Z"))
	})
}

func infernoDelete(t *testing.T, s *server, status string) {
	t.Helper()
	if a := s.do(one, "DELETE", status, "Accept: application/json"); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// infernoCancel is the group of both editions: 202, and from 2.0.0 on 404 with an
// OperationOutcome afterward.
func infernoCancel(t *testing.T, s *server, url string) {
	t.Run("bulk_data_export_cancel_stu2", func(t *testing.T) {
		status := infernoKickOff(t, s, url)
		infernoDelete(t, s, status)
		var o struct{ ResourceType string }
		infernoJSON(t, s.do(one, "GET", status, "Accept: application/json"), http.StatusNotFound, &o)
		if o.ResourceType != "OperationOutcome" {
			t.Errorf("%+v", o)
		}
	})
}
