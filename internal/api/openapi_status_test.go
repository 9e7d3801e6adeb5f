package api_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// TestEveryDocumentedStatusIsReal: every answer of all these requests is as
// documented, and every documented status was among them.
func TestEveryDocumentedStatusIsReal(t *testing.T) {
	t.Parallel()
	c := newContract(newServer(t, func(s *server) { s.workers = 0 }))
	start := func(t *testing.T, changes ...func(*server)) *server {
		s := newServer(t, changes...)
		c.judge(s)
		return s
	}
	idle := func(s *server) { s.workers = 0 }
	t.Run("in public", func(t *testing.T) { askInPublic(c, start(t, idle)) })
	t.Run("token", func(t *testing.T) { askForToken(start(t, idle)) })
	t.Run("refused", func(t *testing.T) { askWithoutRight(c, start(t, idle)) })
	t.Run("without v3", func(t *testing.T) {
		askWithoutV3(c, start(t, idle, func(s *server) { s.config.V3 = api.V3{Disabled: true} }), one)
		askWithoutV3(c, start(t, idle), two)
	})
	t.Run("down", func(t *testing.T) {
		s := start(t, idle, func(s *server) {
			s.config.Checks = append(s.config.Checks, api.Check{Name: "files", Ping: unreachable})
		})
		askWhenDown(c, s)
	})
	t.Run("too fast", func(t *testing.T) {
		askTooFast(c, start(t, idle, func(s *server) { s.config.RateFactor = 0.001 }))
	})
	t.Run("under way", func(t *testing.T) { askUnderWay(c, start(t, idle, earlySince)) })
	for _, version := range []string{"v1", "v2", "v3"} {
		t.Run("completed "+version, func(t *testing.T) { askCompleted(c, start(t), version) })
	}
	t.Run("failed", func(t *testing.T) { askFailed(start(t, func(s *server) { s.worker.Attempts = 1 })) })
	for _, status := range c.unseen() {
		t.Errorf("no server has answered %s", status)
	}
	for _, text := range c.untold() {
		t.Errorf("no server has said what is the example of %s", text)
	}
}

// earlySince accepts in version 3 what the other versions accept.
func earlySince(s *server) { s.config.V3.EarliestSince = export.EarliestSince }

// askWithoutV3 asks as a client whose contract cannot use version 3.
func askWithoutV3(c *contract, s *server, client string) {
	for _, o := range c.operations("/api/v3/") {
		if !o.public {
			s.wants(http.StatusForbidden, client, o)
		}
	}
}

func unreachable(context.Context) error { return errors.New("unreachable") }

// ask sends a request of the operation's, as a client or without a token.
func (s *server) ask(client string, o operation, headers ...string) *answer {
	s.Helper()
	return s.do(client, o.method, o.path, headers...)
}

// wants asks and wants a status.
func (s *server) wants(status int, client string, o operation, headers ...string) *answer {
	s.Helper()
	a := s.ask(client, o, headers...)
	if a.status != status {
		s.Errorf("%s: %d %s, want %d", o, a.status, a.body, status)
	}
	return a
}

func basicAuth(id, secret string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(id, secret)
	return r.Header.Get("Authorization")
}

func askInPublic(c *contract, s *server) {
	for _, o := range c.operations() {
		if o.public && o.method != "POST" {
			s.wants(http.StatusOK, "", o)
			if strings.Contains(o.path, "/oauth2/") {
				s.wants(http.StatusNotFound, "", operation{method: o.method, path: strings.Replace(o.path, authServer, "other", 1)})
			}
		}
	}
}

func askForToken(s *server) {
	grant := "grant_type=client_credentials&scope=clientCreds"
	for _, ask := range []struct {
		status                      int
		path, body, id, credentials string
	}{
		{http.StatusOK, tokenPath + "?" + grant, "", one, secret},
		{http.StatusOK, tokenPath, grant, one, secret},
		{http.StatusOK, tokenPath, grant + "&client_id=" + one + "&client_secret=" + secret, "", ""},
		{http.StatusBadRequest, tokenPath, "grant_type=password", one, secret},
		{http.StatusBadRequest, tokenPath, grant + "all", one, secret},
		{http.StatusBadRequest, tokenPath + "?client_secret=x", grant, one, secret},
		{http.StatusUnauthorized, tokenPath, grant, one, "wrong"},
		{http.StatusUnauthorized, tokenPath, grant, one, ""},
		{http.StatusRequestEntityTooLarge, tokenPath, strings.Repeat("x", 70_000), one, secret},
		{http.StatusNotFound, "/oauth2/other/v1/token", grant, one, secret},
	} {
		r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+ask.path, strings.NewReader(ask.body))
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		switch {
		case ask.id != "" && ask.credentials != "":
			r.SetBasicAuth(ask.id, ask.credentials)
		case ask.id != "":
			r.Header.Set("Authorization", "Basic damaged")
		}
		if a := s.send(r); a.status != ask.status {
			s.Errorf("POST %s %.80s: %d %s, want %d", ask.path, ask.body, a.status, a.body, ask.status)
		}
	}
	for range 11 { // guesses
		if a := s.tokenRequest("nobody", "wrong"); a.status == http.StatusTooManyRequests {
			return
		}
	}
	s.Error("eleven guesses were answered")
}

// askWithoutRight asks everywhere without a token, and with an expired one.
func askWithoutRight(c *contract, s *server) {
	token := s.token(one, auth.Scope)
	for _, o := range c.operations() {
		if !o.public {
			s.wants(http.StatusUnauthorized, "", o)
			s.wants(http.StatusUnauthorized, "", o, "Authorization: Bearer x")
		}
	}
	for _, o := range c.operations("GET", "export") {
		s.wants(http.StatusForbidden, unattested, operation{method: o.method, path: strings.Replace(o.path, "Z0000", "Z0009", 1)})
		if strings.Contains(o.path, "Group") {
			s.wants(http.StatusForbidden, two, o)
		}
	}
	s.clock.Add(2 * time.Hour)
	for _, o := range c.operations() {
		if !o.public {
			s.wants(http.StatusForbidden, "", o, "Authorization: Bearer "+token)
		}
	}
}

// away is a store of clients whose connection breaks.
type away struct{ auth.Clients }

func (away) Client(context.Context, string) (*auth.Client, error) { return nil, driver.ErrBadConn }

// askWhenDown asks when the database does not answer, and when it is broken.
func askWhenDown(c *contract, s *server) {
	token := "Authorization: Bearer " + s.token(one, auth.Scope)
	s.config.Bearer.Clients = away{}
	for _, o := range c.operations() {
		if !o.public {
			s.wants(http.StatusServiceUnavailable, "", o, token)
		}
	}
	for _, o := range c.operations(" /health") {
		if !strings.HasSuffix(o.path, "/live") {
			s.wants(http.StatusServiceUnavailable, "", o)
		}
	}
	s.tokenServer.Clients = away{}
	if a := s.tokenRequest(one, secret); a.status != http.StatusServiceUnavailable {
		s.Errorf("a token: %d %s", a.status, a.body)
	}
	s.config.Bearer.Clients, s.tokenServer.Clients = s.db, s.db
	s.clock.Add(30 * time.Minute) // after which keys are read anew
	s.db.Close()
	for _, o := range append(c.operations("/oauth2/", "/keys"), c.operations("POST /oauth2/")...) {
		s.wants(http.StatusInternalServerError, "", operation{method: o.method, path: o.path + "?grant_type=client_credentials"},
			"Authorization: "+basicAuth(one, secret))
	}
	for _, o := range c.operations() {
		if !o.public {
			s.wants(http.StatusInternalServerError, "", o, token)
		}
	}
}

// askTooFast asks for everything more often than a client may.
func askTooFast(c *contract, s *server) {
	token := "Authorization: Bearer " + s.token(one, auth.Scope)
	for range 2 {
		for _, o := range c.operations() {
			if !o.public {
				s.ask("", o, token)
			}
		}
	}
	for _, o := range c.operations() {
		if !o.public {
			if a := s.wants(http.StatusTooManyRequests, "", o, token); a.header.Get("Retry-After") == "" {
				s.Errorf("%s: no Retry-After", o)
			}
		}
	}
	s.clock.Add(time.Hour)
	for _, o := range c.operations("/api/v1/", "data-status") {
		if o.method == http.MethodGet {
			s.wants(http.StatusOK, "", o, "Authorization: Bearer "+s.token(one, auth.Scope))
		}
	}
}

// askUnderWay starts an export in each way, and asks for what is not ready.
func askUnderWay(c *contract, s *server) {
	for _, o := range c.operations("export") {
		version := strings.Split(o.path, "/")[2]
		askToStart(s, o)
		a := s.startBy(o, `{"name":"_type","valueString":"ExplanationOfBenefit"}`, "?_type=ExplanationOfBenefit", "Idempotency-Key: k")
		if a.status != http.StatusAccepted {
			s.Fatalf("%s: %d %s", o, a.status, a.body)
		}
		if a := s.startBy(o, `{"name":"_since","valueInstant":"2023-01-01T00:00:00Z"}`, "?_since=2023-01-01T00:00:00Z", "Idempotency-Key: k"); a.status != http.StatusUnprocessableEntity {
			s.Errorf("%s: %d %s, want 422", o, a.status, a.body)
		}
		if a := s.startBy(o, "", ""); a.status != http.StatusTooManyRequests {
			s.Errorf("%s: %d %s, want 429", o, a.status, a.body)
		}
		location := a.header.Get("Content-Location")
		s.pollUntilRefused(c, version, location)
		for _, o := range c.operations("/api/"+version+"/", "/file/") {
			s.wants(http.StatusNotFound, one, ofJob(o, jobID(location)))
		}
		s.wants(http.StatusAccepted, one, operation{method: "DELETE", path: strings.TrimPrefix(location, s.url)})
		for _, o := range c.operations("/api/"+version+"/", "/Job/") {
			s.wants(http.StatusNotFound, one, ofJob(o, jobID(location)))
			s.wants(http.StatusNotFound, one, ofJob(o, nobody))
		}
	}
}

// startBy starts an export by GET or POST, with a parameter as either has it.
func (s *server) startBy(o operation, parameter, query string, headers ...string) *answer {
	s.Helper()
	if o.method == http.MethodPost {
		return s.post(one, o.path, fhir.TypeFHIR, resource(parameter), headers...)
	}
	return s.do(one, o.method, o.path+query, headers...)
}

// askToStart asks for exports that cannot be.
func askToStart(s *server, o operation) {
	s.Helper()
	for parameters, query := range map[string]string{
		`{"name":"_type","valueString":"Patient"},{"name":"_since","valueInstant":"2023-04-05"}`: "?_type=Patient&_since=2023-04-05",
		`{"name":"since","valueString":"2023-04-05"}`:                                            "?since=2023-04-05",
	} {
		if a := s.startBy(o, parameters, query); a.status != http.StatusBadRequest {
			s.Errorf("%s%s: %d %s, want 400", o, query, a.status, a.body)
		}
	}
	if o.method != http.MethodPost {
		return
	}
	if a := s.post(one, o.path, "text/plain", resource()); a.status != http.StatusUnsupportedMediaType {
		s.Errorf("%s: %d %s, want 415", o, a.status, a.body)
	}
	if a := s.post(one, o.path, fhir.TypeFHIR, strings.Repeat(" ", 1<<20+1)); a.status != http.StatusRequestEntityTooLarge {
		s.Errorf("%s: %d %s, want 413", o, a.status, a.body)
	}
}

// askFailed asks for an export that fails.
func askFailed(s *server) {
	for id := range 26 {
		s.source.Fail(coverage.EnrolleeID(id), errors.New("unreachable"))
	}
	location := s.kickOff(one, patientV2)
	o := operation{method: "GET", path: strings.TrimPrefix(location, s.url)}
	s.until("the job's end", func() bool { s.clock.Add(time.Second); return s.ask(one, o).status != http.StatusAccepted })
	s.wants(http.StatusInternalServerError, one, o)
}

// ofJob puts a job's id into the path.
func ofJob(o operation, id string) operation {
	o.path = strings.Replace(o.path, "c40e30e6-0913-4803-9b05-bb0563f0cac6", id, 1)
	return o
}

// pollUntilRefused asks for the status of a job until that is too often.
func (s *server) pollUntilRefused(c *contract, version, location string) {
	s.Helper()
	for _, o := range c.operations("/api/"+version+"/", "$status") {
		if o.method == "DELETE" {
			continue
		}
		o, refused := ofJob(o, jobID(location)), false
		s.wants(http.StatusAccepted, one, o)
		for range 100 {
			if refused = s.ask(one, o).status == http.StatusTooManyRequests; refused {
				break
			}
		}
		if !refused {
			s.Errorf("%s: a hundred in a row were answered", o)
		}
		s.clock.Add(time.Minute)
	}
}

// askCompleted exports, and asks for what is there, and for what is there no more.
func askCompleted(c *contract, s *server, version string) {
	published := endingWith(c, version, "/$bulk-publish")
	for _, o := range published {
		s.wants(http.StatusNotFound, one, o)
	}
	m := s.finish(one, s.kickOff(one, "/api/"+version+"/fhir/Patient/$export"))
	for _, o := range published {
		s.wants(http.StatusOK, one, o)
	}
	file := strings.TrimPrefix(m.Output[0].URL, s.url)
	head, get := operation{method: "HEAD", path: file}, operation{method: "GET", path: file}
	etag := s.wants(http.StatusOK, one, head).header.Get("ETag")
	for _, o := range []operation{head, get} {
		s.wants(http.StatusNotModified, one, o, "If-None-Match: "+etag)
		s.wants(http.StatusPreconditionFailed, one, o, `If-Match: "other"`)
		s.wants(http.StatusRequestedRangeNotSatisfiable, one, o, "Range: bytes=999999999-")
		s.wants(http.StatusPartialContent, one, o, "Range: bytes=0-9")
	}
	if version != "v1" {
		paged := s.kickOff(one, "/api/"+version+"/fhir/Patient/$export?allowPartialManifests=true")
		s.finish(one, paged)
		s.wants(http.StatusNotFound, one, operation{method: "GET", path: strings.TrimPrefix(paged, s.url) + "?page=9"})
	}
	s.wantsBusy(get)
	s.wants(http.StatusOK, one, get, "Accept-Encoding: gzip")
	s.idle()
	s.wants(http.StatusGone, one, head)
	s.wants(http.StatusGone, one, get)
	jobs := c.operations("/api/"+version+"/", "$status")
	for _, o := range jobs {
		if o.method != "DELETE" {
			s.wants(http.StatusOK, one, ofJob(o, jobID(file)))
		}
	}
	for _, o := range append(c.operations("/api/"+version+"/fhir/$data-status"), listOf(c, version)...) {
		s.wants(http.StatusOK, one, o)
	}
	for _, o := range endingWith(c, version, "/fhir/Patient") {
		s.wants(http.StatusOK, one, o)
		s.wants(http.StatusBadRequest, one, operation{method: o.method, path: o.path + "?_count=0"})
		s.wants(http.StatusBadRequest, one, operation{method: o.method, path: o.path + "?_from=x"})
	}
	for _, o := range listOf(c, version) {
		o.path += "?_count=1000"
		s.wants(http.StatusBadRequest, one, o)
	}
	s.clock.Add(73 * time.Hour)
	for _, o := range jobs {
		s.wants(http.StatusGone, one, ofJob(o, jobID(file)))
	}
}

// wantsBusy asks for a file while another request downloads it.
func (s *server) wantsBusy(get operation) {
	s.Helper()
	f, err := s.db.File(s.Context(), jobID(get.path), filepath.Base(get.path))
	if err != nil {
		s.Fatal(err)
	}
	d := export.Delivery{To: f.Length, Size: f.Length}
	id, err := s.db.BeginDelivery(s.Context(), f, d, 1, time.Minute)
	if err != nil {
		s.Fatal(err)
	}
	s.wants(http.StatusTooManyRequests, one, get)
	d.To = 0
	if err := s.db.EndDelivery(s.Context(), id, f, d); err != nil {
		s.Fatal(err)
	}
}
