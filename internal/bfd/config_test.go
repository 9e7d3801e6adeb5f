package bfd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/fhir"
)

func TestConfiguration(t *testing.T) {
	folder := t.TempDir()
	noPEM := filepath.Join(folder, "none.pem")
	if err := os.WriteFile(noPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(url string) map[fhir.Version]string { return map[fhir.Version]string{fhir.V2: url} }
	good := at("https://bfd.example/v2/fhir")
	for name, c := range map[string]struct {
		config bfd.Config
		bad    bool
	}{
		"good":             {bfd.Config{Bases: good}, false},
		"loopback":         {bfd.Config{Bases: at("http://127.0.0.1:1/v2/fhir/")}, false},
		"no base":          {bfd.Config{}, true},
		"no TLS":           {bfd.Config{Bases: at("http://bfd.example/v2/fhir")}, true},
		"password":         {bfd.Config{Bases: at("https://u:secret@bfd.example/v2/fhir")}, true},
		"broken, password": {bfd.Config{Bases: at("https://u:secret@bfd.example:x/v2/fhir")}, true},
		"query":            {bfd.Config{Bases: at("https://bfd.example/v2/fhir?secret=1")}, true},
		"version":          {bfd.Config{Bases: map[fhir.Version]string{4: "https://bfd.example"}}, true},
		"negative":         {bfd.Config{Bases: good, Tries: -1}, true},
		"negative time":    {bfd.Config{Bases: good, Deadline: -1}, true},
		"pauses":           {bfd.Config{Bases: good, MinPause: time.Hour}, true},
		"no key":           {bfd.Config{Bases: good, Certificate: noPEM}, true},
		"no PEM":           {bfd.Config{Bases: good, Authorities: noPEM}, true},
		"no pair":          {bfd.Config{Bases: good, Certificate: noPEM, Key: noPEM}, true},
		"PKCS#12, too":     {bfd.Config{Bases: good, Certificate: noPEM, Key: noPEM, PKCS12: noPEM}, true},
		"no PKCS#12":       {bfd.Config{Bases: good, PKCS12: noPEM}, true},
		"absent PKCS#12":   {bfd.Config{Bases: good, PKCS12: filepath.Join(folder, "absent.p12")}, true},
		"password alone":   {bfd.Config{Bases: good, PKCS12Password: noPEM}, true},
		"no file":          {bfd.Config{Bases: good, Authorities: filepath.Join(folder, "absent.pem")}, true},
		"header":           {bfd.Config{Bases: good, JobID: "a\r\nb"}, true},
	} {
		client, err := bfd.New(c.config)
		if (err != nil) != c.bad || (client == nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "configuration of BFD: ") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	client, err := bfd.New(bfd.Config{Bases: good})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Claims(t.Context(), bfd.ClaimQuery{Version: fhir.V3}, nil); err == nil || !strings.Contains(err.Error(), "v3 has no base URL") {
		t.Error(err)
	}
	if _, err := client.Enrollment(t.Context(), bfd.EnrollmentQuery{Contract: "S0001"}, nil); err == nil {
		t.Error("enrollment without version 1")
	}
}
