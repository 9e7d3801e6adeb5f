package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"ab2d/client/clienttest"
)

// TestExportAsksForTheScopeOfItsType: a server gives no Patients for a token that is
// for claims only.
func TestExportAsksForTheScopeOfItsType(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"system/ExplanationOfBenefit.rs": {},
		"system/Patient.rs":              {"--type=Patient"},
		"system/*.rs":                    {"--type=Patient", "--scope=system/*.rs"},
	} {
		s := clienttest.NewServer(t)
		s.ClientID = "me"
		got := make(chan string, 1)
		s.Token = func(w http.ResponseWriter, r *http.Request) {
			got <- r.PostFormValue("scope")
			w.WriteHeader(http.StatusBadRequest)
		}
		args := append([]string{"export", "--url=" + s.BaseURL(), "--client-id=me", "--private-key=" + file, "-o", t.TempDir()}, args...)
		if code := run(t.Context(), args, streams{out: io.Discard, err: io.Discard}); code != exitFailed {
			t.Errorf("code %d", code)
		}
		select {
		case scope := <-got:
			if scope != want {
				t.Errorf("asked for %s, want %s", scope, want)
			}
		default:
			t.Error("asked for no token")
		}
	}
}
