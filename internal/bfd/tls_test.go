package bfd_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/fhir"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func template(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := template(name, 1)
	c.IsCA = true
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// pair makes a certificate and its key, as PEM.
func (a *authority) pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template(name, 2), a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// secureServer serves h over TLS to who has a certificate of clients. It notes the
// name in the last one.
func secureServer(t *testing.T, a, clients *authority, h http.Handler) (server *httptest.Server, name *string) {
	t.Helper()
	name = new(string)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*name = r.TLS.PeerCertificates[0].Subject.CommonName
		h.ServeHTTP(w, r)
	}))
	cert, key := a.pair(t, "server")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, name
}

// write writes a file with a time of change of its own, because two writes may lie
// within one tick of the file system.
func write(t *testing.T, name string, content []byte, age time.Duration) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestMutualTLS: the client proves itself with the certificate that is in the file
// now, keeps the last one while a new one cannot be read, and calls no server that
// the authorities do not know.
func TestMutualTLS(t *testing.T) {
	w := start(t, fhir.V2)
	servers, clients, others := newAuthority(t, "servers"), newAuthority(t, "clients"), newAuthority(t, "others")
	server, name := secureServer(t, servers, clients, w.Server)
	dir := t.TempDir()
	cert, key := clients.pair(t, "first")
	certFile, keyFile := write(t, filepath.Join(dir, "cert.pem"), cert, 60*time.Second), write(t, filepath.Join(dir, "key.pem"), key, 60*time.Second)
	authorities := write(t, filepath.Join(dir, "ca.pem"), servers.pem(), 60*time.Second)
	c := w.client(t, func(c *bfd.Config) {
		c.Bases = map[fhir.Version]string{fhir.V2: server.URL + "/v2/fhir"}
		c.Certificate, c.Key, c.Authorities = certFile, keyFile, authorities
	})
	ask := func(want bfd.Kind, who string) {
		t.Helper()
		*name = ""
		_, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1})
		if kindOf(err) != want || (err == nil) != (want == 0) || *name != who {
			t.Fatalf("as %q: %v", *name, err)
		}
	}
	ask(0, "first")

	cert, key = clients.pair(t, "second")
	write(t, certFile, cert, 50*time.Second) // its key is still to come
	ask(0, "first")
	if !bytes.Contains(w.log.Bytes(), []byte("cannot be read")) {
		t.Errorf("the log is %s", w.log)
	}
	write(t, keyFile, key, 50*time.Second)
	ask(0, "second")

	cert, key = others.pair(t, "stranger")
	write(t, certFile, cert, 40*time.Second)
	write(t, keyFile, key, 40*time.Second)
	ask(bfd.Denied, "")

	cert, key = clients.pair(t, "third")
	write(t, certFile, cert, 30*time.Second)
	write(t, keyFile, key, 30*time.Second)
	write(t, authorities, others.pem(), 30*time.Second)
	ask(bfd.Denied, "")
	write(t, authorities, append(others.pem(), servers.pem()...), 20*time.Second)
	ask(0, "third")
}
