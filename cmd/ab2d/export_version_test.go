package main

import (
	"strings"
	"testing"
	"time"
)

// TestExportVersions: what each version of the API is asked at which address. Without
// _since only v2 exports less than everything; an early _since is refused in v3.
func TestExportVersions(t *testing.T) {
	early := time.Date(2020, 2, 13, 5, 0, 0, 0, time.UTC)
	floor := time.Date(2026, 4, 1, 5, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		server exportServer
		base   string
		want   apiVersion
	}{
		{exportServer{Server: "prod", API: "v1"}, "https://api.ab2d.cms.gov/api/v1/fhir", apiVersion{}},
		{exportServer{Server: "sandbox", API: "v2"}, "https://sandbox.ab2d.cms.gov/api/v2/fhir", apiVersion{first: early}},
		{exportServer{Server: "sandbox", API: "v3"}, "https://sandbox.ab2d.cms.gov/api/v3/fhir", apiVersion{floor: floor}},
		{exportServer{URL: "http://localhost:8080/", API: "v3"}, "http://localhost:8080/api/v3/fhir", apiVersion{floor: floor}},
		{exportServer{URL: "http://localhost:8080/api/v3/fhir/", API: "v2"}, "http://localhost:8080/api/v3/fhir", apiVersion{floor: floor}},
		{exportServer{URL: "https://fhir.example.org/r4", API: "v2"}, "https://fhir.example.org/r4", apiVersion{}},
	} {
		var f faults
		if tt.server.validate(&f); f.err() != nil || tt.server.base() != tt.base || tt.server.version() != tt.want {
			t.Errorf("%+v: %s, %+v, %v", tt.server, tt.server.base(), tt.server.version(), f.err())
		}
	}
	for _, api := range []string{"v4", "", "fhir"} {
		var f faults
		(&exportServer{Server: "prod", API: api}).validate(&f)
		if err := f.err(); err == nil || !strings.Contains(err.Error(), "write v1, v2 or v3") {
			t.Errorf("--api=%s: %v", api, err)
		}
	}
}
