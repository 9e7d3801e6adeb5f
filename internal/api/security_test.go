package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// The attacks that docs/security.md speaks of, each tried over HTTP.

// seen is all of an answer that could tell something, with what belongs to the
// request itself taken out: its id, the job it named, and the time.
func (a *answer) seen(job string) string {
	h := a.header.Clone()
	id := h.Get(obs.RequestIDHeader)
	h.Del(obs.RequestIDHeader)
	h.Del("Date")
	text := fmt.Sprint(a.status, a.length, h, string(a.body))
	return strings.ReplaceAll(strings.ReplaceAll(text, id, "REQUEST"), job, "JOB")
}

// TestOthersJobsAreNotThere: whoever has a valid token of one contract gets for
// a job of another, in whatever state it is and whatever is tried, the very
// answer that he gets for a job that never was.
func TestOthersJobsAreNotThere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	running, release := s.runningJob()
	defer release()
	file := "Z0000_0001.ndjson"
	s.attack("running", running, file)
	release()
	m := s.finish(one, "/api/v2/fhir/Job/"+running+"/$status")
	file = m.Output[0].URL[strings.LastIndex(m.Output[0].URL, "/")+1:]
	s.attack("completed", running, file)
	s.do(one, "DELETE", "/api/v2/fhir/Job/"+running+"/$status")
	s.attack("canceled", running, file)
}

// TestKickOff_NamesNoOtherJob: neither how one's own kick-offs are answered nor
// what they say names a job or a contract of another's.
func TestKickOff_NamesNoOtherJob(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	running, release := s.runningJob()
	defer release()
	mine := s.do(two, "GET", patientV2)
	if mine.status != http.StatusAccepted || strings.Contains(fmt.Sprint(mine.header, string(mine.body)), running) {
		t.Errorf("%d %v", mine.status, mine.header)
	}
	busy := s.do(two, "GET", patientV2)
	if busy.status != http.StatusTooManyRequests || strings.Contains(fmt.Sprint(busy.header, string(busy.body)), running) {
		t.Errorf("%d %v", busy.status, busy.header)
	}
	for _, contract := range []string{"Z0000", "Z7777"} { // one that is there, and one that is not
		s.do(two, "GET", "/api/v2/fhir/Group/"+contract+"/$export").is(t, http.StatusForbidden, fhir.CodeForbidden, "Z0001")
	}
}

// runningJob starts an export of client one's that runs until release is called.
// So does every export of the other contract.
func (s *server) runningJob() (id string, release func()) {
	s.Helper()
	s.source.Add("Z0000", 500, 1)
	there, release := s.hold(7)
	sevenWaits := s.source.Before
	s.source.Before = func(ctx context.Context, e coverage.EnrolleeID) error {
		if e == 101 { // of the other contract
			e = 7
		}
		return sevenWaits(ctx, e)
	}
	id = jobID(s.kickOff(one, patientV2))
	<-there
	return id, release
}

// attack tries, as client two, everything with a job that is not its own.
func (s *server) attack(state, victim, file string) {
	s.Helper()
	for _, v := range []string{"v1", "v2"} {
		base := "/api/" + v + "/fhir/Job/"
		for _, try := range [][]string{
			{"GET", "/$status"}, {"GET", "/%24status"}, {"GET", "/$status?x=1"}, {"GET", "/$status", "Prefer: handling=strict"},
			{"DELETE", "/$status"}, {"GET", "/file/" + file}, {"HEAD", "/file/" + file}, {"GET", "/file/" + file, "Range: bytes=0-10"},
			{"GET", "/file/" + file, "If-None-Match: *"}, {"GET", "/file/" + file, "If-Match: *"}, {"GET", "/file/nothing"}, {"GET", "/file/..%2f" + file},
			{"POST", "/$status"}, {"PUT", "/file/" + file}, {"GET", ""}, {"GET", "/"}, {"GET", "/file/"},
		} {
			never := uuid.NewString()
			got, want := s.do(two, try[0], base+victim+try[1], try[2:]...), s.do(two, try[0], base+never+try[1], try[2:]...)
			if diff := cmp.Diff(want.seen(never), got.seen(victim)); diff != "" {
				s.Errorf("%s %s of a %s job tells that it is there:\n%s", try[0], v+try[1], state, diff)
			}
		}
		for _, form := range []string{strings.ToUpper(victim), "{" + victim + "}", "urn:uuid:" + victim, strings.ReplaceAll(victim, "-", "")} {
			s.do(two, "GET", base+form+"/$status").is(s.TB, http.StatusNotFound, fhir.CodeNotFound)
		}
	}
}

// TestForgedTokens: algorithm confusion, none, a kid that is not one.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	good := s.token(one, auth.Scope)
	keys, err := s.tokenServer.Keys.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kid := keys[0].ID
	public, err := x509.MarshalPKIXPublicKey(keys[0].Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	payload := strings.Split(good, ".")[1]
	encode := func(header map[string]any) string {
		b, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	hmac := func(alg jose.SignatureAlgorithm, key []byte) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			t.Fatal(err)
		}
		var c map[string]any
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(c).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	signature := strings.Split(good, ".")[2]
	for what, token := range map[string]string{
		"none":                encode(map[string]any{"alg": "none", "kid": kid}) + "." + payload + ".",
		"None, signed":        encode(map[string]any{"alg": "None", "kid": kid}) + "." + payload + "." + signature,
		"HS256 by our key":    hmac(jose.HS256, public),
		"HS512 by our key":    hmac(jose.HS512, bytes.Repeat(public, 2)),
		"no kid":              encode(map[string]any{"alg": "ES256"}) + "." + payload + "." + signature,
		"a kid with a path":   encode(map[string]any{"alg": "ES256", "kid": "../../etc/passwd"}) + "." + payload + "." + signature,
		"a kid with SQL":      encode(map[string]any{"alg": "ES256", "kid": "' or '1'='1"}) + "." + payload + "." + signature,
		"a kid that is none":  encode(map[string]any{"alg": "ES256", "kid": 7}) + "." + payload + "." + signature,
		"keys from elsewhere": encode(map[string]any{"alg": "ES256", "kid": kid, "jku": "https://evil.example/keys"}) + "." + payload + "." + signature,
		"other claims":        strings.Split(good, ".")[0] + "." + encode(map[string]any{"sub": two, "iss": "x"}) + "." + signature,
		"the signature twice": good + "." + signature,
	} {
		t.Run(what, func(t *testing.T) {
			s.asToken("Bearer "+token, "").is(t, http.StatusUnauthorized, fhir.CodeSecurity, "token endpoint")
		})
	}
}

// TestPathTricks: files are found by their rows, whatever the path says.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	base := strings.TrimPrefix(m.Output[0].URL[:strings.LastIndex(m.Output[0].URL, "/")+1], s.url)
	for _, name := range []string{
		"..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2fab2d.db", "..%5c..%5cab2d.db", "%252e%252e%252f", "%2fetc%2fpasswd", "Z0000_0001.ndjson%00.txt",
		"Z0000_0001.ndjson%0d%0aX: y", "%ff%fe", "Z0000_0001.ndjson.gz", "z0000_0001.NDJSON", "*", "%25s%25n", "'%20or%20'1'='1", strings.Repeat("a", 5000),
		"Z0000_0001.ndjson%2f", ".%2fZ0000_0001.ndjson", "file:%2f%2f%2fetc%2fpasswd",
	} {
		s.do(one, "GET", base+name).is(t, http.StatusNotFound, fhir.CodeNotFound)
	}
}

// raw sends bytes as they are, and reads what comes back.
func (s *server) raw(request string) string {
	s.Helper()
	conn, err := net.DialTimeout("tcp", s.listen.Addr().String(), 5*time.Second)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		s.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// TestHeaderInjection: nothing that is sent becomes a header of an answer, and
// no answer leads somewhere else.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	auth := "Authorization: Bearer " + s.token(one, auth.Scope) + "\r\n"
	host := s.listen.Addr().String()
	for _, head := range []string{
		"Host: evil.example\r\nX-Injected: y\r\nHost: " + host, "Host: a b", "Host: a\x00b", "Host: <script>",
	} {
		if got := s.raw("GET " + patientV2 + " HTTP/1.1\r\n" + auth + head + "\r\nConnection: close\r\n\r\n"); strings.Contains(got, "202 Accepted") || strings.Contains(got, "\nX-Injected") {
			t.Errorf("%q:\n%s", head, got)
		}
	}
	for _, target := range []string{patientV2 + "?_since=%0d%0aX-Injected:%20y", "/%0d%0aX-Injected:%20y", "/a%0d%0aX-Injected:y//b", "/api/v2/fhir/Job/%0d%0aX-Injected:%20y/$status"} {
		if got := s.raw("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + auth + "Connection: close\r\n\r\n"); strings.Contains(got, "\nX-Injected") {
			t.Errorf("%q:\n%s", target, got)
		}
	}
	// Anybody can write these; only a proxy that is trusted is believed.
	a := s.do(one, "GET", patientV2, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "Forwarded: host=evil.example")
	if location := a.header.Get("Content-Location"); a.status != http.StatusAccepted || !strings.HasPrefix(location, s.url) {
		t.Errorf("%d %q", a.status, location)
	}
	if got := s.raw("GET //evil.example/x HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); strings.Contains(got, "Location: //") {
		t.Errorf("a redirect leads elsewhere:\n%s", got)
	}
}

// TestSmuggling: a request whose length can be read in two ways is not read.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	host := "Host: " + s.listen.Addr().String() + "\r\n"
	for what, request := range map[string]string{
		"two lengths":       "POST " + tokenPath + " HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nGET /x",
		"chunked, twice":    "POST " + tokenPath + " HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"a strange coding":  "POST " + tokenPath + " HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"a negative length": "POST " + tokenPath + " HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
		"a space before :":  "GET /health HTTP/1.1\r\n" + host + "X : y\r\n\r\n",
	} {
		got := s.raw(request)
		if n := strings.Count(got, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(got, "HTTP/1.1 400") && !strings.HasPrefix(got, "HTTP/1.1 501") {
			t.Errorf("%s: %d answers:\n%s", what, n, got)
		}
	}
}

// TestTooMuch: headers and bodies have bounds, and compressed bodies are not
// inflated.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", 100<<10))
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("large headers: %s", resp.Status)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, zeros{}, 64<<20)
	z.Close()
	for path, status := range map[string]int{tokenPath: http.StatusRequestEntityTooLarge, "/admin/v1/clients": http.StatusBadRequest} {
		for what, body := range map[string]io.Reader{"large": io.LimitReader(zeros{}, 2<<20), "a bomb": bytes.NewReader(bomb.Bytes())} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if what == "a bomb" {
				r.Header.Set("Content-Encoding", "gzip")
			}
			r.Header.Set("Authorization", "Bearer "+s.adminToken("client"))
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != status && (what != "a bomb" || resp.StatusCode != http.StatusBadRequest) {
				t.Errorf("%s to %s: %s", what, path, resp.Status)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestLogInjection: whatever is sent, an entry of the log is one line, and the
// audit holds nothing of it.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	const forged = "level=ERROR msg=forged"
	s.do("", "GET", "/x%0a"+strings.ReplaceAll(forged, " ", "%20"))
	s.do(one, "GET", "/api/v2/fhir/Job/a%0d%0a"+strings.ReplaceAll(forged, " ", "%20")+"/$status")
	s.do(one, "GET", "/api/v2/fhir/Job/"+nobody+"/file/a%0a"+strings.ReplaceAll(forged, " ", "%20"))
	s.tokenRequest("a\n"+forged, "secret-of-nobody")
	s.tokenRequest(one, "b\n"+forged)
	s.idle()
	for lines := bufio.NewScanner(strings.NewReader(s.log.String())); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "time=") || strings.HasPrefix(lines.Text(), forged) {
			t.Errorf("a line of the log is forged: %q", lines.Text())
		}
	}
	for link, err := range s.db.Links(t.Context(), 0) {
		if err != nil || strings.Contains(string(link.Body), "forged") || strings.Contains(string(link.Body), "secret-of-nobody") {
			t.Errorf("on record: %s, %v", link.Body, err)
		}
	}
}

// TestNetworksAreNotSpoofed: an allow-list is not got around by a header.
func TestNetworksAreNotSpoofed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := "Authorization: Bearer " + s.token(two, auth.Scope)
	_, err := s.db.ChangeClient(t.Context(), two, audit.Entry{Event: audit.ClientChanged}, func(c *auth.Client) error {
		c.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"X-Forwarded-For: 198.51.100.7", "X-Real-IP: 198.51.100.7", "Forwarded: for=198.51.100.7"} {
		s.do("", "GET", patientV1, token, header).is(t, http.StatusForbidden, fhir.CodeForbidden, "this address")
	}
	proxied := newServer(t, func(s *server) {
		s.workers = 0
		s.config.Address.Proxies = obs.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	})
	token = "Authorization: Bearer " + proxied.token(two, auth.Scope)
	if _, err := proxied.db.ChangeClient(t.Context(), two, audit.Entry{Event: audit.ClientChanged}, func(c *auth.Client) error {
		c.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	proxied.do("", "GET", patientV1, token, "X-Forwarded-For: 198.51.100.7, 203.0.113.9").is(t, http.StatusForbidden, fhir.CodeForbidden, "this address")
	if a := proxied.do("", "GET", patientV1, token, "X-Forwarded-For: 203.0.113.9, 198.51.100.7"); a.status != http.StatusAccepted {
		t.Errorf("from its network, by a proxy: %d %s", a.status, a.body)
	}
}
