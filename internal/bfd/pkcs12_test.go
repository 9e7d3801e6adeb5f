package bfd_test

import (
	"crypto/tls"
	"crypto/x509"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"ab2d/internal/bfd"
	"ab2d/internal/fhir"
)

// store makes a PKCS#12 file of a new certificate.
func (a *authority) store(t *testing.T, e *pkcs12.Encoder, name, password string) []byte {
	t.Helper()
	cert, key := a.pair(t, name)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Encode(pair.PrivateKey, pair.Leaf, []*x509.Certificate{a.cert}, password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPKCS12: the client proves itself with a PKCS#12 file, with any encryption, and
// reads it and its password again when they change.
func TestPKCS12(t *testing.T) {
	w := start(t, fhir.V2)
	servers, clients := newAuthority(t, "servers"), newAuthority(t, "clients")
	server, name := secureServer(t, servers, clients, w.Server)
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "client.p12"), clients.store(t, pkcs12.Modern2023, "first", "old secret"), time.Hour)
	password := write(t, filepath.Join(dir, "password"), []byte("old secret\r\n"), time.Hour)
	authorities := write(t, filepath.Join(dir, "ca.pem"), servers.pem(), time.Hour)
	c := w.client(t, func(c *bfd.Config) {
		c.Bases = map[fhir.Version]string{fhir.V2: server.URL + "/v2/fhir"}
		c.PKCS12, c.PKCS12Password, c.Authorities = file, password, authorities
	})
	ask := func(who string) {
		t.Helper()
		*name = ""
		if err := c.Ping(t.Context(), fhir.V2); err != nil || *name != who {
			t.Fatalf("as %q: %v", *name, err)
		}
	}
	ask("first")
	write(t, file, clients.store(t, pkcs12.LegacyDES, "second", "new secret"), 50*time.Minute)
	ask("first") // the password is still to come
	write(t, password, []byte("new secret"), 50*time.Minute)
	ask("second")
	write(t, file, clients.store(t, pkcs12.Modern2023, "third", "new secret"), 40*time.Minute)
	ask("third")
	if log := w.log.String(); !strings.Contains(log, "cannot be read") || strings.Contains(log, "secret") {
		t.Errorf("the log is %s", log)
	}
}

// TestPKCS12OpenSSL: the client reads what OpenSSL writes.
func TestPKCS12OpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	a := newAuthority(t, "clients")
	cert, key := a.pair(t, "client")
	in := write(t, filepath.Join(dir, "all.pem"), append(append(a.pem(), key...), cert...), 0)
	out := filepath.Join(dir, "client.p12")
	if b, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-export", "-in", in, "-out", out, "-passout", "pass:x").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	password := write(t, filepath.Join(dir, "password"), []byte("x\n"), 0)
	if _, err := bfd.New(bfd.Config{Bases: map[fhir.Version]string{fhir.V2: "https://bfd.example/v2/fhir"}, PKCS12: out, PKCS12Password: password}); err != nil {
		t.Error(err)
	}
}

// TestPKCS12Faults: a file that cannot be read is told, without its password.
func TestPKCS12Faults(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t, "clients")
	good := write(t, filepath.Join(dir, "good.p12"), a.store(t, pkcs12.Modern2023, "client", "secret"), 0)
	other, _ := a.pair(t, "other")
	_, key := a.pair(t, "client")
	mixed, err := tls.X509KeyPair(a.pair(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := pkcs12.Modern2023.Encode(mixed.PrivateKey, a.cert, nil, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file     string
		password []byte
		want     string
	}{
		"wrong password": {good, []byte("secret2"), "password"},
		"long password":  {good, []byte(strings.Repeat("secret", 1000)), "longer than"},
		"PEM":            {write(t, filepath.Join(dir, "pem"), append(other, key...), 0), []byte("secret"), "pkcs12"},
		"too long":       {write(t, filepath.Join(dir, "long"), make([]byte, 1<<20+1), 0), []byte("secret"), "longer than"},
		"no pair":        {write(t, filepath.Join(dir, "stranger.p12"), stranger, 0), []byte("secret"), "belongs to the key"},
	} {
		password := write(t, filepath.Join(dir, "password"), c.password, 0)
		_, err := bfd.New(bfd.Config{Bases: map[fhir.Version]string{fhir.V2: "https://bfd.example/v2/fhir"}, PKCS12: c.file, PKCS12Password: password})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "read the PKCS#12 file") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
