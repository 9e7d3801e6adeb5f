package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"ab2d/internal/audit"
)

// The sandbox's published credentials of PDP-100.
const (
	sandboxID     = "0oa2t0lsrdZw5uWRx297"
	sandboxSecret = "HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw"
	sandboxBasic  = "Basic MG9hMnQwbHNyZFp3NXVXUngyOTc6SEhkdVdHNkxvZ0l2RElRdVdncDNabG85T1lNVmFsVHRINU9CY3VIdw=="
)

// memory keeps clients and keys.
type memory struct {
	mu      sync.Mutex
	clients map[string]Client
	keys    []Key
	loads   int // how often the keys were read
	used    map[string]time.Time
	record  []audit.Entry
	fault   error // of every call, if not nil
}

func (m *memory) Client(_ context.Context, id string) (*Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return nil, m.fault
	}
	c, ok := m.clients[id]
	if !ok {
		return nil, ErrNoClient
	}
	return &c, nil
}

// seal is that of every test.
func seal() *Seal {
	s, err := NewSeal(make([]byte, sealBytes))
	if err != nil {
		panic(err)
	}
	return s
}

func (m *memory) Keys(context.Context) ([]StoredKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads++
	var stored []StoredKey
	for _, k := range m.keys {
		s, err := k.Store(seal())
		if err != nil {
			return nil, err
		}
		stored = append(stored, s)
	}
	return stored, m.fault
}

func (m *memory) AddKey(_ context.Context, s StoredKey, newest time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Created.After(newest) {
			return false, m.fault
		}
	}
	k, err := s.open(seal())
	if err != nil {
		return false, err
	}
	m.keys = slices.Insert(m.keys, 0, k)
	return true, m.fault
}

func (m *memory) RemoveKeys(_ context.Context, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = slices.DeleteFunc(m.keys, func(k Key) bool { return slices.Contains(ids, k.ID) })
	return m.fault
}

func (m *memory) SealKeys(context.Context, []StoredKey, []StoredKey) error { return m.fault }

func (m *memory) UseAssertion(_ context.Context, client, digest string, expires time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil {
		m.used = map[string]time.Time{}
	}
	_, again := m.used[client+digest]
	m.used[client+digest] = expires
	return !again, m.fault
}

func (m *memory) Record(ctx context.Context, e audit.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record = append(m.record, audit.FactsOf(ctx).Complete(e))
	return m.fault
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

func (m *memory) put(c Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients[c.ID] = c
}

// add stores a key as the newest.
func (m *memory) add(k Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = slices.Insert(m.keys, 0, k)
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is an authorization server on HTTP, with the sandbox's client and one
// that is disabled, and a checker of its tokens.
type world struct {
	store   *memory
	clock   *clock
	server  *Server
	checker *Checker
	url     string
	faults  chan error
}

const issuer = "https://sandbox.example/oauth2/aus2r7y3gdaFMKBol297"

func newWorld(t testing.TB) *world {
	t.Helper()
	// bcrypt's least cost keeps the tests fast; CheckSecret goes by the hash.
	hash, err := bcrypt.GenerateFromPassword([]byte(sandboxSecret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		store:  &memory{clients: map[string]Client{}},
		clock:  &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)},
		faults: make(chan error, 10),
	}
	w.store.put(Client{ID: sandboxID, Contract: "Z0000", Secrets: []Secret{{ID: "first", Hash: string(hash)}}, Enabled: true, MaxJobs: 3})
	w.store.put(Client{ID: "disabled", Contract: "Z0001", Secrets: []Secret{{ID: "first", Hash: string(hash)}}})
	ring, err := OpenKeyRing(t.Context(), w.store, seal(), w.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	w.server = &Server{
		Issuer: issuer, Realm: `the "sandbox"`, Clients: w.store, Keys: ring, Now: w.clock.now,
		Guard: NewGuard(w.clock.now), Assertions: w.store, Fetch: NewFetcher(true, w.clock.now), Audit: w.store,
		Fault: func(_ *http.Request, err error) { w.faults <- err },
		Warn:  func(message string, _ ...any) { t.Log(message) },
	}
	w.checker = &Checker{Issuer: issuer, Clients: w.store, Keys: ring, Now: w.clock.now}

	mux := http.NewServeMux()
	mux.HandleFunc(TokenPath, w.server.ServeToken)
	mux.HandleFunc(KeysPath, w.server.ServeKeys)
	mux.HandleFunc("/.well-known/oauth-authorization-server", w.server.ServeMetadata)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// token signs what a genuine token says, changed as the test wishes.
func (w *world) token(t testing.TB, change func(*claims)) string {
	t.Helper()
	key, err := w.server.Keys.Signing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := newClaims(issuer, sandboxID, []string{Scope}, w.clock.now(), DefaultLifetime)
	change(&c)
	token, err := key.sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func asTheyAre(*claims) {}

// shown tells whether a text that goes out shows the secret, or enough of it.
func shown(text string) bool { return strings.Contains(text, sandboxSecret[5:15]) }
