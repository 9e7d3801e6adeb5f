package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/crypto/bcrypt"

	"ab2d/internal/account"
	"ab2d/internal/admin"
	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/files"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

const (
	secret     = "HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw"
	mbi        = "1S00E00AA00" // of every enrollee in exporttest.Source
	authServer = "aus2r7y3gdaFMKBol297"
	tokenPath  = "/oauth2/" + authServer + "/v1/token"
	patientV1  = "/api/v1/fhir/Patient/$export"
	patientV2  = "/api/v2/fhir/Patient/$export"
)

// The clients. Each has the same secret.
const (
	one        = "one"        // of Z0000
	two        = "two"        // of Z0001
	off        = "off"        // of Z0000, for tests that disable it
	unattested = "unattested" // of Z0009, which has not attested
	unknown    = "unknown"    // of a contract that does not exist
)

// noV3 is the contract without version 3 of the API.
const noV3 = "Z0001"

func (s *server) v3Enabled(_ context.Context, number string) (bool, error) {
	return number != noV3, nil
}

// secretHash is at bcrypt's least cost, to keep the tests fast.
var secretHash = sync.OnceValues(func() ([]byte, error) { return bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost) })

// emptyDatabase is a database file with all tables and nothing in them. To copy it
// takes a fraction of what the migrations take.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ab2d-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ab2d.db")
	db, err := store.Open(context.Background(), "sqlite:"+path, exporttest.NewClock().Now)
	if err != nil {
		return nil, err
	}
	db.Close() // writes what is in the log beside the file into the file
	return os.ReadFile(path)
})

// server is a whole server on a loopback port: database, directory, workers,
// authorization server and API. When the test ends, its log is searched for
// what must not be in it.
type server struct {
	testing.TB
	source *exporttest.Source
	clock  *exporttest.Clock
	db     *store.DB
	files  export.Files

	filesDir string // where files are
	config   api.Config
	handler  http.Handler

	tokenServer    *auth.Server
	administration *admin.Service

	worker  export.Worker // a pattern; each that runs is a copy
	workers int

	startWorker func() // starts one more

	listen  net.Listener
	url     string
	client  *http.Client
	log     logBuffer
	tokens  map[string]string // by client, scope and time
	queries []string          // that were sent
	serving atomic.Int64      // requests that are being answered

	keys        account.Fetcher // reads the keys that clients register by address
	accountRate func(client string, change bool) (time.Duration, bool)

	adminDocument *openapi3.T // read when it is first needed

	database string // the file of db
	partial  bool   // manyFiles makes a job whose client allows partial manifests
}

// newServer makes a server and starts it. Before that, changes are applied.
func newServer(t testing.TB, changes ...func(*server)) *server {
	t.Helper()
	s := &server{TB: t, clock: exporttest.NewClock(), source: exporttest.NewSource("Z0000", 25), workers: 2, tokens: map[string]string{},
		client: &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(s.searchLog)
	s.source.Add("Z0001", 101, 5)
	s.source.Contracts["Z0009"] = coverage.Contract{Number: "Z0009"}
	s.open()
	s.addClients()
	s.assemble()
	for _, change := range changes {
		change(s)
	}
	s.start()
	return s
}

// open opens what keeps the state.
func (s *server) open() {
	s.Helper()
	empty, err := emptyDatabase()
	if err != nil {
		s.Fatal(err)
	}
	s.database = filepath.Join(s.TempDir(), "ab2d.db")
	if err := os.WriteFile(s.database, empty, 0o600); err != nil {
		s.Fatal(err)
	}
	if s.db, err = store.Open(s.Context(), "sqlite:"+s.database, s.clock.Now); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { s.db.Close() })
	s.filesDir = s.TempDir()
	if s.files, err = files.Open("dir:" + s.filesDir); err != nil {
		s.Fatal(err)
	}
	if s.listen, err = new(net.ListenConfig).Listen(s.Context(), "tcp", "127.0.0.1:0"); err != nil {
		s.Fatal(err)
	}
	s.url = "http://" + s.listen.Addr().String()
}

func (s *server) addClients() {
	s.Helper()
	hash, err := secretHash()
	if err != nil {
		s.Fatal(err)
	}
	for id, contract := range map[string]string{one: "Z0000", two: "Z0001", off: "Z0000", unattested: "Z0009", unknown: "Z0008"} {
		c := auth.Client{ID: id, Contract: contract, Secrets: []auth.Secret{{ID: "first", Hash: string(hash)}}, Enabled: true, MaxJobs: 1}
		if err := s.db.AddClient(s.Context(), c); err != nil {
			s.Fatal(err)
		}
	}
}

// assemble puts the parts together as the command does.
func (s *server) assemble() {
	s.Helper()
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	seal, err := auth.NewSeal(make([]byte, 32))
	if err != nil {
		s.Fatal(err)
	}
	keys, err := auth.OpenKeyRing(s.Context(), s.db, seal, s.clock.Now)
	if err != nil {
		s.Fatal(err)
	}
	notifier, issuer := export.NewNotifier(), s.url+"/oauth2/"+authServer
	responder := rest.NewResponder(log, s.clock.Now, s.db)
	s.config = api.Config{
		Intake: &export.Intake{Jobs: s.db, Roster: s.source.Roster(), Notifier: notifier, Now: s.clock.Now}, Jobs: s.db, Deliveries: s.db, Files: s.files,
		AuthServer: authServer, MaxDownloads: 1, MaxPolls: 1, Software: api.Software{Version: "1.2.3", Date: "2026-01-15"}, Now: s.clock.Now, Log: log,
		List: s.db, Fresh: s.source, Metrics: obs.NewMetrics(), Checks: []api.Check{{Name: "database", Ping: s.db.Ping}},
		Maintenance: s.db, Audit: s.db, Responder: responder,
		V3:     api.V3{Contract: s.v3Enabled},
		Bearer: &auth.Checker{Issuer: issuer, Clients: s.db, Keys: keys, Now: s.clock.Now},
	}
	s.tokenServer = &auth.Server{Issuer: issuer, Realm: "ab2d", Clients: s.db, Keys: keys, Now: s.clock.Now,
		Guard: auth.NewGuard(s.clock.Now), Assertions: s.db, Fetch: auth.NewFetcher(true, s.clock.Now), Audit: s.db, Warn: log.Warn, Transient: rest.IsTransient,
		Refused: func(r *http.Request, e *auth.Error) { responder.AuditRejection(r, e.Status, e.Code) },
		Fault:   func(r *http.Request, err error) { log.Error("token endpoint", "error", err) }}
	s.config.Tokens = s.tokenServer
	s.keys = s.tokenServer.Fetch
	if s.administration, err = admin.New(admin.Config{Store: s.db, Intake: s.config.Intake, Files: s.files, Now: s.clock.Now,
		KeyRing: func(context.Context) (*auth.KeyRing, error) { return keys, nil }}); err != nil {
		s.Fatal(err)
	}
	settings := export.DefaultSettings()
	settings.PartEnrollees, settings.Idle = 10, 200*time.Millisecond
	s.worker = export.Worker{Name: "test", Queue: s.db, Jobs: s.db, Roster: s.source.Roster(), Claims: s.source, Files: s.files,
		Notifier: notifier, Now: s.clock.Now, Log: log, Settings: settings}
}

// start starts the workers and serves.
func (s *server) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	s.startWorker = func() {
		w := s.worker
		workers.Go(func() { w.Run(ctx) })
	}
	for range s.workers {
		s.startWorker()
	}
	s.config.Admin = admin.Handler(s.administration, admin.HandlerConfig{Responder: s.config.Responder, Origin: s.config.Address.Origin})
	var err error
	if s.config.Account, err = account.Handler(account.Config{Admin: s.administration, Store: s.db, Intake: s.config.Intake, Bearer: s.config.Bearer, Proofs: s.tokenServer,
		Fetch: s.keys, Rate: s.accountRate, Now: s.clock.Now, Warn: s.config.Log.Warn, Responder: s.config.Responder, Origin: s.config.Address.Origin}); err != nil {
		s.Fatal(err)
	}
	handler, err := api.New(s.config)
	if err != nil {
		s.Fatal(err)
	}
	s.handler = handler
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serving.Add(1)
		defer s.serving.Add(-1)
		s.handler.ServeHTTP(w, r)
	})
	srv := &http.Server{Handler: counted, ConnContext: smallBuffer, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn)}
	served := make(chan struct{})
	go func() { srv.Serve(s.listen); close(served) }()
	s.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop, stopped := context.WithTimeout(context.Background(), 5*time.Second)
		defer stopped()
		if err := srv.Shutdown(stop); err != nil {
			s.Errorf("requests are still being answered: %v", err)
		}
		<-served
		cancel()
		workers.Wait()
	})
}

// sendBuffer is how many bytes a connection takes beyond what its client reads,
// about. The system may double it.
const sendBuffer = 200 << 10

// smallBuffer bounds a connection's buffer, so that a download that breaks off
// need not be a large one.
func smallBuffer(ctx context.Context, c net.Conn) context.Context {
	if err := c.(*net.TCPConn).SetWriteBuffer(sendBuffer); err != nil {
		panic(err)
	}
	return api.ConnContext(ctx, c)
}

// searchLog searches the log for credentials, persons and queries.
func (s *server) searchLog() {
	log := s.log.String()
	forbidden := append([]string{secret, mbi, "Bearer ", "Basic ", "Authorization"}, s.queries...)
	for _, token := range s.tokens {
		forbidden = append(forbidden, token, token[len(token)-20:])
	}
	for _, f := range forbidden {
		if strings.Contains(log, f) {
			s.Errorf("the log holds %q", f)
		}
	}
	if s.Failed() {
		s.Logf("log:\n%s", log)
	}
}

// until waits for something that the server brings about.
func (s *server) until(what string, done func() bool) {
	s.Helper()
	look, patience := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-patience:
			s.Fatalf("waited in vain for %s", what)
		}
	}
}

// idle waits until every request is answered and accounted for: a client has
// all bytes of a file before the server has noted it.
func (s *server) idle() {
	s.Helper()
	s.until("the requests' end", func() bool { return s.serving.Load() == 0 })
}

// token gets an access token for a client, and keeps it for half an hour.
func (s *server) token(client, scope string) string {
	s.Helper()
	kept := fmt.Sprint(client, scope, s.clock.Now().Truncate(30*time.Minute))
	if t, ok := s.tokens[kept]; ok {
		return t
	}
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+tokenPath+"?grant_type=client_credentials&scope="+url.QueryEscape(scope), nil)
	if err != nil {
		s.Fatal(err)
	}
	r.SetBasicAuth(client, secret)
	a := s.send(r)
	var grant struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if err := json.Unmarshal(a.body, &grant); err != nil || a.status != http.StatusOK || grant.Expires != 3600 {
		s.Fatalf("no token for %s: %d %s", client, a.status, a.body)
	}
	s.tokens[kept] = grant.Token
	return grant.Token
}

// kickOff starts an export and returns the address of its status.
func (s *server) kickOff(client, target string, headers ...string) string {
	s.Helper()
	a := s.do(client, "GET", target, headers...)
	if a.status != http.StatusAccepted {
		s.Fatalf("the kick-off was answered %d %s", a.status, a.body)
	}
	return a.header.Get("Content-Location")
}

// finish waits until a job is completed and reads its manifest.
func (s *server) finish(client, status string) fhir.Manifest {
	s.Helper()
	var m fhir.Manifest
	s.ended(status)
	a := s.do(client, "GET", status)
	if err := json.Unmarshal(a.body, &m); err != nil || a.status != http.StatusOK {
		s.Fatalf("the status is %d %s", a.status, a.body)
	}
	return m
}
