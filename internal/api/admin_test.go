package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// adminToken makes an admin token, as ab2d admin token add does.
func (s *server) adminToken(scopes ...string) string {
	s.Helper()
	b, err := json.Marshal(admin.NewToken{Name: "alice", Scopes: scopes})
	if err != nil {
		s.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.localAdmin().ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), "POST", "/admin/v1/tokens", bytes.NewReader(b)))
	var t admin.Token
	if err := json.Unmarshal(w.Body.Bytes(), &t); err != nil || w.Code != http.StatusCreated || t.Token == "" {
		s.Fatalf("%d %s", w.Code, w.Body)
	}
	return t.Token
}

// localAdmin serves the administration without a token.
func (s *server) localAdmin() http.Handler {
	return admin.LocalHandler(s.administration, admin.HandlerConfig{Responder: rest.NewResponder(s.config.Log, s.clock.Now, nil), Origin: s.config.Address.Origin}, "test")
}

// admin does an act with an admin token.
func (s *server) admin(token, method, path, body string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+"/admin/v1"+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	a := s.send(r)
	s.judgeAdmin(r, a)
	return a
}

// judgeAdmin holds an answer against the document of the administration.
func (s *server) judgeAdmin(r *http.Request, a *answer) {
	s.Helper()
	if a.status >= 400 {
		return // an OperationOutcome, which send has looked at
	}
	if s.adminDocument == nil {
		w := httptest.NewRecorder()
		s.localAdmin().ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), "GET", "/admin/v1/openapi.yaml", nil))
		var err error
		if s.adminDocument, err = openapi3.NewLoader().LoadFromData(w.Body.Bytes()); err != nil {
			s.Fatal(err)
		}
	}
	s.judgeBy(s.adminDocument, "/admin/v1", r, a)
}

// judgeBy holds an answer against a document, whose paths are below a prefix.
func (s *server) judgeBy(document *openapi3.T, prefix string, r *http.Request, a *answer) {
	s.Helper()
	paths := http.NewServeMux()
	for path := range document.Paths.Map() {
		paths.Handle(prefix+path, http.NotFoundHandler())
	}
	_, pattern := paths.Handler(r)
	o := document.Paths.Value(strings.TrimPrefix(pattern, prefix)).GetOperation(r.Method)
	if o == nil || o.Responses.Status(a.status) == nil {
		s.Errorf("the document has no %s %s with %d", r.Method, pattern, a.status)
		return
	}
	documented := o.Responses.Status(a.status).Value
	for _, m := range documented.Content {
		closed(m.Schema.Value)
	}
	for _, fault := range bodyFaults(documented, a.header, a.body) {
		s.Errorf("%s %s: %s", r.Method, pattern, fault)
	}
}

// to reads an answer.
func (a *answer) to(t *testing.T, status int, into any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("%d %s, want %d", a.status, a.body, status)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatal(err)
	}
}

// TestEveryAdminRouteWantsItsScope: without a token none answers, and with one
// only those of its scopes do.
func TestEveryAdminRouteWantsItsScope(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	read := s.adminToken("read")
	for route, readable := range map[string]bool{
		"GET /sponsors": true, "GET /contracts": true, "GET /contracts/Z0000": true, "GET /clients": true, "GET /clients/one": true, "GET /jobs": true,
		"GET /workers": true, "GET /requests": true, "POST /requests/X/approve": false, "POST /requests/X/reject": false, "GET /failures": true, "GET /downloads": true, "GET /audit": true, "GET /keys": true, "GET /maintenance": true, "GET /openapi.yaml": true,
		"POST /sponsors/x/enable": false, "POST /sponsors/x/disable": false, "PUT /contracts/Z0000": false, "POST /contracts/Z0000/attest": false,
		"POST /contracts/Z0000/unattest": false, "POST /contracts/Z0000/enable": false, "POST /contracts/Z0000/disable": false, "POST /clients": false,
		"PATCH /clients/one": false, "POST /clients/one/enable": false, "POST /clients/one/disable": false, "POST /clients/one/rotate": false,
		"DELETE /clients/one/secrets/first": false, "POST /jobs": false, "POST /files/verify": false, "POST /jobs/" + nobody + "/verify": false, "DELETE /jobs/" + nobody: false, "POST /jobs/" + nobody + "/extend": false,
		"POST /keys": false, "DELETE /keys/x": false, "PUT /maintenance": false, "DELETE /maintenance": false,
		"GET /tokens": false, "POST /tokens": false, "DELETE /tokens/x": false,
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, token := range []string{"", "x", s.token(one, auth.Scope), read[:len(read)-1], read + "A"} {
			s.admin(token, method, path, "").is(t, http.StatusUnauthorized, fhir.CodeLogin, "admin token")
		}
		if a := s.admin(read, method, path, ""); readable != (a.status == http.StatusOK) || !readable && a.status != http.StatusForbidden {
			t.Errorf("%s with the scope read: %d %s", route, a.status, a.body)
		}
	}
	s.do("", "GET", patientV1, "Authorization: Bearer "+read).is(t, http.StatusUnauthorized, fhir.CodeSecurity)
	s.clock.Add(91 * 24 * time.Hour)
	s.admin(read, "GET", "/jobs", "").is(t, http.StatusUnauthorized, fhir.CodeLogin)
}

// TestAClientsLife: made, limited to a network, disabled, its contract disabled.
func TestAClientsLife(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("client", "contract", "read")
	var c admin.Client
	s.admin(token, "POST", "/clients", `{"contract":"Z0000","name":"nightly","maxJobs":2}`).to(t, http.StatusCreated, &c)
	if c.Secret == "" || len(c.Secrets) != 1 || c.Name != "nightly" || c.MaxJobs != 2 || !c.Enabled {
		t.Fatalf("%+v", c)
	}
	try := func(want int) {
		t.Helper()
		if a := s.tokenRequest(c.ID, c.Secret); a.status != want {
			t.Errorf("%d %s, want %d", a.status, a.body, want)
		}
	}
	try(http.StatusOK)
	if a := s.admin(token, "GET", "/clients/"+c.ID, ""); strings.Contains(string(a.body), c.Secret) || strings.Contains(string(a.body), "$2a$") {
		t.Errorf("the secret is shown again: %s", a.body)
	}
	var e admin.Effect
	s.admin(token, "POST", "/clients/"+c.ID+"/disable?dryRun=true", "").to(t, http.StatusOK, &e)
	if e.Done || !strings.Contains(e.Effect, c.ID) {
		t.Errorf("%+v", e)
	}
	try(http.StatusOK)
	for _, step := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/clients/" + c.ID + "/disable", "", 401}, {"POST", "/clients/" + c.ID + "/enable", "", 200},
		{"POST", "/contracts/Z0000/disable", "", 401}, {"POST", "/contracts/Z0000/enable", "", 200},
		{"PATCH", "/clients/" + c.ID, `{"networks":["192.0.2.0/24","2001:db8::1"]}`, 401}, {"PATCH", "/clients/" + c.ID, `{"networks":["127.0.0.1"]}`, 200},
	} {
		if a := s.admin(token, step.method, step.path, step.body); a.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", step.method, step.path, a.status, a.body)
		}
		try(step.want)
	}
	for body, field := range map[string]string{
		`{"contract":"X"}`: "contract", `{"contract":"Z0000","maxJobs":0}`: "maxJobs", `{"contract":"Z0000","networks":["x"]}`: "networks",
		`{"contract":"Z0000","noSecret":true}`: "noSecret", `{"contract":"Z0000","id":"a b"}`: "id", `{"contract":"Z0000","keysUrl":"http://x/"}`: "keysUrl",
		`{"contract":"Z0000","keySet":{}}`: "keySet", `{"contract":"Z0000","name":"a\nb"}`: "name", `{"contract":"Z0000","lifetime":"1d"}`: "lifetime",
		`{"contract":"Z0000","x":1}`: "x", `[`: "body",
	} {
		s.admin(token, "POST", "/clients", body).is(t, http.StatusBadRequest, fhir.CodeInvalid, field)
	}
	s.admin(token, "POST", "/clients", `{"contract":"Z0000","id":"one"}`).is(t, http.StatusConflict, fhir.CodeConflict)
}

// tokenRequest asks for a token by HTTP Basic.
func (s *server) tokenRequest(id, secret string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+tokenPath+"?grant_type=client_credentials&scope=clientCreds", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.SetBasicAuth(id, secret)
	return s.send(r)
}

// TestRotationUnderLoad: while a client fetches tokens and asks with them, its
// secret and the signing key are replaced, over and over. No request fails.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("client", "key", "read")
	var c admin.Client
	s.admin(token, "POST", "/clients", `{"contract":"Z0000","maxJobs":9}`).to(t, http.StatusCreated, &c)
	var current atomic.Pointer[string]
	current.Store(&c.Secret)
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var turns [4]atomic.Int64
	for i := range turns {
		load.Go(func() {
			for ctx.Err() == nil {
				s.oneOfTheLoad(c.ID, *current.Load())
				turns[i].Add(1)
			}
		})
	}
	// later moves the clock when no request is under way that began before the
	// last move or rotation.
	later := func(d time.Duration) {
		for i := range turns {
			until := turns[i].Load() + 2
			s.until("the load to have gone on", func() bool { return turns[i].Load() >= until })
		}
		s.clock.Add(d)
	}
	const rotations = 2
	for range rotations {
		var next admin.Client
		s.admin(token, "POST", "/clients/"+c.ID+"/rotate", `{"overlap":"1h"}`).to(t, http.StatusOK, &next)
		current.Store(&next.Secret)
		s.admin(token, "POST", "/keys", "").to(t, http.StatusCreated, new(admin.Key))
		later(30 * time.Minute)
		later(30 * time.Minute) // the old secret has expired
		if _, _, err := s.tokenServer.Keys.Tend(t.Context(), 0, auth.DefaultLifetime); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	load.Wait()
	keys, err := s.db.Keys(t.Context())
	if err != nil || len(keys) > 3 {
		t.Errorf("%d keys are left, %v", len(keys), err)
	}
	t.Logf("%d requests, %d rotations of each", 2*(turns[0].Load()+turns[1].Load()+turns[2].Load()+turns[3].Load()), rotations)
}

// oneOfTheLoad gets a token and asks with it. Several do so at once.
func (s *server) oneOfTheLoad(id, secret string) {
	ask := func(method, path string, authorize func(*http.Request)) []byte {
		r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, nil)
		if err != nil {
			s.Error(err)
			return nil
		}
		authorize(r)
		resp, err := s.client.Do(r)
		if err != nil {
			s.Error(err)
			return nil
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode == http.StatusTooManyRequests {
			return nil // the token endpoint checks only so many secrets at once
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			s.Errorf("%s %s failed: %d %s %v", method, path, resp.StatusCode, body, err)
		}
		return body
	}
	var g struct {
		Token string `json:"access_token"`
	}
	grant := ask("POST", tokenPath+"?grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth(id, secret) })
	if json.Unmarshal(grant, &g) == nil {
		ask("GET", "/api/v2/fhir/Job", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+g.Token) })
	}
}

// TestMaintenance: no new exports, but what was started goes on, and everybody
// is told when to come back.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("maintenance")
	status := s.kickOff(one, patientV1)
	public := func(want string) {
		t.Helper()
		if a := s.do("", "GET", "/status"); a.status != http.StatusOK || !strings.Contains(string(a.body), want) || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	public(`"maintenanceMode":"false"`)
	var m admin.Maintenance
	s.admin(token, "PUT", "/maintenance", `{"for":"90s","message":"New claims are being imported."}`).to(t, http.StatusOK, &m)
	public(`"maintenanceMode":"true"`)
	for _, path := range []string{patientV1, patientV2, "/api/v1/fhir/Group/Z0001/$export"} {
		a := s.do(two, "GET", path)
		a.is(t, http.StatusServiceUnavailable, fhir.CodeTransient, "maintenance", "New claims are being imported.")
		if got := a.header.Get("Retry-After"); got != "90" {
			t.Errorf("Retry-After %q", got)
		}
	}
	s.do("", "GET", patientV1).is(t, http.StatusUnauthorized, fhir.CodeLogin) // before that
	if a := s.do(one, "GET", status); a.status != http.StatusAccepted {
		t.Errorf("the status of what was started: %d", a.status)
	}
	s.admin(token, "DELETE", "/maintenance", "").to(t, http.StatusOK, &m)
	public(`"maintenanceMode":"false"`)
	s.kickOff(two, patientV1)
}

// TestJobsByAdministrators: started for a contract, seen by its clients, kept
// longer, canceled.
func TestJobsByAdministrators(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	token := s.adminToken("job", "read")
	var j admin.Job
	s.admin(token, "POST", "/jobs", `{"contract":"Z0000","version":"v2","since":"2021-01-01T00:00:00Z"}`).to(t, http.StatusCreated, &j)
	m := s.finish(one, s.url+"/api/v2/fhir/Job/"+j.ID+"/$status")
	if len(m.Output) == 0 || !strings.HasSuffix(m.Request, "/api/v2/fhir/Patient/$export?_since=2021-01-01T00%3A00%3A00Z") {
		t.Errorf("%+v", m)
	}
	s.at(two, "GET "+s.url+"/api/v2/fhir/Job/"+j.ID+"/$status").is(t, http.StatusNotFound, fhir.CodeNotFound)
	var list []admin.Job
	s.admin(token, "GET", "/jobs?contract=Z0000&limit=50", "").to(t, http.StatusOK, &list)
	if len(list) != 1 || list[0].Client != "admin alice" || list[0].PartsDone != list[0].Parts || list[0].Bytes == 0 || list[0].Claims == 0 || list[0].Expires == nil {
		t.Fatalf("%+v", list)
	}
	before := *list[0].Expires
	if a := s.admin(token, "POST", "/jobs/"+j.ID+"/extend", `{"by":"24h"}`); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.admin(token, "GET", "/jobs", "").to(t, http.StatusOK, &list)
	if got := list[0].Expires.Sub(before); got != 24*time.Hour {
		t.Errorf("it is kept %s longer", got)
	}
	s.do(one, "GET", m.Output[0].URL)
	s.idle()
	var downloads []audit.Link
	s.admin(token, "GET", "/downloads", "").to(t, http.StatusOK, &downloads)
	var e audit.Entry
	if len(downloads) != 1 || json.Unmarshal(downloads[0].Body, &e) != nil || e.Client != one || e.From != "127.0.0.1" || e.Bytes == 0 || e.File == "" || e.Job != j.ID {
		t.Errorf("%+v", e)
	}
	var effect admin.Effect
	s.admin(token, "DELETE", "/jobs/"+j.ID+"?dryRun=true", "").to(t, http.StatusOK, &effect)
	s.admin(token, "DELETE", "/jobs/"+j.ID, "").to(t, http.StatusOK, &effect)
	s.admin(token, "DELETE", "/jobs/"+j.ID, "").is(t, http.StatusConflict, fhir.CodeConflict)
	s.admin(token, "POST", "/jobs/"+j.ID+"/extend", `{"by":"24h"}`).is(t, http.StatusConflict, fhir.CodeConflict)
	for body, field := range map[string]string{
		`{"contract":"Z0009"}`: "attestation", `{"contract":"Z0000","version":"v4"}`: "version", `{"contract":"Z0000","since":"2030-01-01T00:00:00Z"}`: "since",
		`{"contract":"Z0000","since":"yesterday"}`: "since",
	} {
		if a := s.admin(token, "POST", "/jobs", body); a.status != 400 && a.status != 409 || !strings.Contains(string(a.body), field) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}
