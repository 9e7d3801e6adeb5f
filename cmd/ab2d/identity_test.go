package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority of a test, with a certificate for
// localhost.
type authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, "ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes NAME.pem and NAME.key, a certificate for localhost.
func (a *authority) issue(t *testing.T, name string) (serial string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.n++
	c := &x509.Certificate{SerialNumber: big.NewInt(100 + a.n), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+".key", "PRIVATE KEY", private)
	a.write(t, name+".pem", "CERTIFICATE", der)
	return c.SerialNumber.String()
}

// client trusts the authority, and shows a certificate if it is named.
func (a *authority) client(t *testing.T, certificate string) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(a.path("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(ca)
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(a.path(certificate+".pem"), a.path(certificate+".key"))
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}, Timeout: 20 * time.Second}
}

// TestTLS: a certificate is taken when its file changes, without a restart;
// HSTS is sent; old versions of TLS are not spoken.
func TestTLS(t *testing.T) {
	a := newAuthority(t)
	first := a.issue(t, "server")
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+t.TempDir(), "--tls-cert="+a.path("server.pem"), "--tls-key="+a.path("server.key"))
	if !strings.HasPrefix(p.url, "https://localhost:") {
		t.Fatal(p.url)
	}
	get := func(c *http.Client) (*http.Response, error) {
		resp, err := c.Get(p.url + "/health")
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}
	resp, err := get(a.client(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if serial := resp.TLS.PeerCertificates[0].SerialNumber.String(); serial != first || resp.TLS.Version != tls.VersionTLS13 || resp.Proto != "HTTP/1.1" ||
		resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("serial %s, version %x, %s, %v", serial, resp.TLS.Version, resp.Proto, resp.Header)
	}
	second := a.issue(t, "server")
	if resp, err = get(a.client(t, "")); err != nil || resp.TLS.PeerCertificates[0].SerialNumber.String() != second {
		t.Errorf("after the certificate was renewed: %v, %v", resp, err)
	}
	if err := os.WriteFile(a.path("server.pem"), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = get(a.client(t, "")); err != nil {
		t.Errorf("while the new file is not whole: %v", err)
	}
	old := a.client(t, "")
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if _, err = get(old); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestMutualTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	a.issue(t, "server")
	a.issue(t, "sponsor")
	stranger.issue(t, "sponsor")
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+t.TempDir(), "--tls-cert="+a.path("server.pem"), "--tls-key="+a.path("server.key"),
		"--tls-client-ca="+a.path("ca.pem"))
	foreign := a.client(t, "")
	pair, err := tls.LoadX509KeyPair(stranger.path("sponsor.pem"), stranger.path("sponsor.key"))
	if err != nil {
		t.Fatal(err)
	}
	foreign.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	for what, c := range map[string]struct {
		client *http.Client
		in     bool
	}{"ours": {a.client(t, "sponsor"), true}, "none": {a.client(t, ""), false}, "a stranger's": {foreign, false}} {
		resp, err := c.client.Get(p.url + "/health")
		if (err == nil) != c.in {
			t.Errorf("certificate %s: %v", what, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

// node runs one of the scripts of testdata/node, and gives what it printed.
func node(t *testing.T, a *authority, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = filepath.Join("testdata", "node")
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+a.path("ca.pem"))
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// needNode skips the test where node or a package of npm is not there.
func needNode(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("testdata", "node", "node_modules", filepath.FromSlash(name)))
	}
	switch {
	case err == nil:
	case os.Getenv("AB2D_TEST_SERVERS") == "require":
		t.Fatal("node, or its package "+name+", is not there; ./test installs it: ", err)
	default:
		t.Skip("node, and npm ci in cmd/ab2d/testdata/node for "+name+", are needed: ", err)
	}
}

// asked is how a kick-off with a token is answered.
func asked(t *testing.T, c *http.Client, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v2/fhir/Patient/$export", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestAClientOfOthers: npm openid-client finds its way by our metadata, and
// gets a token by private_key_jwt in both algorithms.
func TestAClientOfOthers(t *testing.T) {
	needNode(t, "openid-client")
	a, data := newAuthority(t), t.TempDir()
	a.issue(t, "server")
	if out, err := node(t, a, "client.mjs", "keys", a.dir); err != nil {
		t.Fatal(out, err)
	}
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+data, "--tls-cert="+a.path("server.pem"), "--tls-key="+a.path("server.key"))
	if out, err := exec.CommandContext(t.Context(), program, "admin", "client", "add", "Z0000", "--id=smart", "--no-secret", "--max-jobs=9",
		"--keys="+a.path("jwks.json"), "--data="+data).CombinedOutput(); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	for _, alg := range []string{"ES384", "RS384"} {
		token, err := node(t, a, "client.mjs", "token", p.url+"/oauth2/aus2r7y3gdaFMKBol297", "smart", a.dir, alg)
		if err != nil {
			t.Fatalf("%s: %s", alg, token)
		}
		if status, body := asked(t, a.client(t, ""), p.url, token); status != http.StatusAccepted {
			t.Errorf("%s: %d %s", alg, status, body)
		}
	}
}

// outsideIssuer is npm oidc-provider.
type outsideIssuer struct {
	*authority
	url, port string
	cmd       *exec.Cmd
}

// start starts it, with a new signing key of this name.
func (o *outsideIssuer) start(t *testing.T, kid string) {
	t.Helper()
	o.cmd = exec.Command("node", "issuer.mjs", o.port, o.path("server.pem"), o.path("server.key"), kid)
	o.cmd.Dir = filepath.Join("testdata", "node")
	o.cmd.Stderr = io.Discard // it warns of settings that a test may have
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "ready" {
			go io.Copy(io.Discard, out)
			return
		}
	}
	t.Fatal("the issuer did not start")
}

func (o *outsideIssuer) stop() {
	if o.cmd != nil {
		o.cmd.Process.Kill()
		o.cmd.Wait()
		o.cmd = nil
	}
}

func (o *outsideIssuer) token(t *testing.T, client, scope string, more ...string) string {
	t.Helper()
	out, err := node(t, o.authority, append([]string{"client.mjs", "secret", o.url, client, "a-secret-of-the-outside-issuer", scope}, more...)...)
	if err != nil {
		t.Fatal(out)
	}
	return out
}

// TestAnOutsideIssuer: tokens of a real authorization server are taken instead
// of ours, also after it has taken a new signing key.
func TestAnOutsideIssuer(t *testing.T) {
	t.Parallel()
	needNode(t, "oidc-provider")
	o := &outsideIssuer{authority: newAuthority(t)}
	o.issue(t, "server")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, o.port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	o.url = "https://localhost:" + o.port
	o.start(t, "first")
	data := t.TempDir()
	p := startProcess(t, []string{"SSL_CERT_FILE=" + o.path("ca.pem")}, "--listen=localhost:0", "--data="+data, "--issuer="+o.url, "--fetch-private")
	add := exec.CommandContext(t.Context(), program, "admin", "client", "add", "Z0000", "--id=sponsor", "--max-jobs=9", "--data="+data)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	is := func(what, token string, status int, says string) {
		t.Helper()
		got, body := asked(t, http.DefaultClient, p.url, token)
		if got != status || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s, want %d %q", what, got, body, status, says)
		}
	}
	good := o.token(t, "sponsor", "system/*.read")
	is("a good token", good, http.StatusAccepted, "")
	is("a client that is not known here", o.token(t, "stranger", "system/*.read"), http.StatusForbidden, "not known here")
	is("another scope", o.token(t, "sponsor", "other"), http.StatusForbidden, "scope")
	is("another audience", o.token(t, "sponsor", "system/*.read", "urn:other"), http.StatusUnauthorized, "audience")
	is("a changed one", good[:len(good)-8]+"AAAAAAAA", http.StatusUnauthorized, "not signed")

	resp, err := http.Post(p.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("our own token endpoint: %s", resp.Status)
	}

	o.stop()
	is("while the issuer is away", good, http.StatusAccepted, "")
	o.start(t, "second")
	next := o.token(t, "sponsor", "system/*.read")
	deadline := time.Now().Add(30 * time.Second)
	for { // until the pause between two fetches is over
		status, body := asked(t, http.DefaultClient, p.url, next)
		if status == http.StatusAccepted {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the key roll-over: %d %s", status, body)
		}
		time.Sleep(200 * time.Millisecond)
	}
	is("the old key's token", good, http.StatusUnauthorized, "not signed")
}
