package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// What TestUnderAttack puts on a server.
const (
	attackSponsors  = 10
	attackPollers   = 500
	attackDownloads = 50
	attackReaders   = 200
	attackGuessers  = 20
	hostileRequests = 8 // at once, of one client with a token
	// Attackers send so often, each, that the two processors, which they share with the
	// server, are left to it: 500 guesses and 200 requests with a token a second.
	attackEvery = 40 * time.Millisecond
	pollEvery   = 10 * time.Second
)

// attack is a server on PostgreSQL and S3 with three workers, and what is done to it.
type attack struct {
	*testing.T
	*process
	ctx      context.Context // done when the attack ends
	workers  []*process
	database string
	honest   []attacked
	sum      string // of the file of an export
	answers  answers
	files    atomic.Int64 // downloaded and verified
	mu       sync.Mutex
	restart  [2]time.Time // when PostgreSQL was away
}

// attacked is a sponsor's program.
type attacked struct {
	id, secret string
	http       *http.Client
	sdk        *client.Client
	token      string
	status     string // of a completed job
	file       client.File
}

// answers are those that honest clients got.
type answers struct {
	mu  sync.Mutex
	all []answered
}

type answered struct {
	began time.Time
	took  time.Duration
	what  string // "" if it was right
}

// TestUnderAttack prints how long honest clients wait while others read nothing,
// guess secrets, and use a token without manners, while one worker is frozen and
// PostgreSQL is restarted. Each file that they get is verified, and the audit log.
func TestUnderAttack(t *testing.T) {
	d, err := time.ParseDuration(os.Getenv("AB2D_TORTURE_ATTACK"))
	if err != nil {
		t.Skip("only with AB2D_TORTURE_ATTACK=duration; see make torture")
	}
	a := startAttack(t)
	hostile := a.sponsor("127.0.99.1")
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	a.ctx = ctx
	var all sync.WaitGroup
	for i := range attackPollers {
		all.Go(func() { a.poll(&a.honest[i%attackSponsors], i) })
	}
	for i := range attackDownloads {
		all.Go(func() { a.download(&a.honest[i%attackSponsors]) })
	}
	for i := range attackReaders {
		all.Go(func() { a.readNothing(i) })
	}
	for i := range attackGuessers {
		all.Go(func() { a.guess(i) })
	}
	for i := range hostileRequests {
		all.Go(func() { a.flood(&hostile, i) })
	}
	all.Go(func() { a.disturb(d) })
	all.Wait()
	a.report(d)
}

// startAttack starts the processes, and lets each sponsor have an export.
func startAttack(t *testing.T) *attack {
	s3 := testserver.S3(t)
	a := &attack{T: t, ctx: t.Context(), database: testserver.Postgres(t)}
	shared := []string{"--database=" + a.database, "--files=" + s3.Address("results"), "--claims=synthetic:", "--data=" + t.TempDir(), "--lease=2s", "--log-level=error"}
	a.process = startProcess(t, s3.Env(), append([]string{"serve", "--workers=0", "--max-downloads=1000000", "--max-polls=100", "--listen=127.0.0.1:0", "--key-file=" + keyFile(t)}, shared...)...)
	for range 3 {
		a.workers = append(a.workers, startProcess(t, s3.Env(), append([]string{"worker", "--workers=1"}, shared...)...))
	}
	for i := range attackSponsors {
		a.honest = append(a.honest, a.sponsor(fmt.Sprintf("127.0.%d.1", 10+i)))
	}
	return a
}

// sponsor adds a client that comes from an address, with a completed export.
func (a *attack) sponsor(from string) attacked {
	a.Helper()
	id, secret := addClient(a.T, "Z0000", "--database="+a.database, "--data="+a.TempDir())
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c := attacked{id: id, secret: secret, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 100, DisableCompression: true}}}
	p := process{url: a.url}
	c.sdk = p.newClient(a.T, synth.Sponsor{Credentials: []synth.Credential{{ID: id, Secrets: []string{secret}}}})
	job, err := c.sdk.Start(a.Context(), client.Request{})
	if err != nil {
		a.Fatal(err)
	}
	m, err := c.sdk.Wait(a.Context(), job, nil)
	if err != nil {
		a.Fatal(err)
	}
	c.status, c.file = job.StatusURL, m.Output[0]
	a.verify(m)
	if err := a.authorize(&c); err != nil {
		a.Fatal(err)
	}
	return c
}

// verify wants every export to be the same.
func (a *attack) verify(m *client.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := fmt.Sprintf("%x", m.Output[0].SHA256)
	if a.sum == "" {
		a.sum = sum
	}
	if sum != a.sum || len(m.Output) != 1 {
		a.Errorf("an export is another: %s, want %s", sum, a.sum)
	}
}

func (a *attack) tokenRequest(ctx context.Context, id, secret string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials&scope=clientCreds", nil)
	if err == nil {
		r.SetBasicAuth(id, secret)
	}
	return r, err
}

// authorize gets a token.
func (a *attack) authorize(c *attacked) error {
	r, err := a.tokenRequest(a.Context(), c.id, c.secret)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var grant struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&grant); err != nil || grant.Token == "" {
		return fmt.Errorf("a token: %s, %w", resp.Status, err)
	}
	c.token = grant.Token
	return nil
}

// pause waits, and is false when the attack has ended.
func (a *attack) pause(d time.Duration) bool {
	select {
	case <-a.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// ask sends a request and notes how long its answer took.
func (a *attack) ask(c *http.Client, r *http.Request) {
	began := time.Now()
	what := ""
	resp, err := c.Do(r)
	if err != nil {
		what = "no answer"
	} else {
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			what = fmt.Sprintf("%s %s %.120s", r.Method, resp.Status, requestIDs.ReplaceAll(body, nil))
		}
	}
	if a.ctx.Err() != nil {
		return
	}
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	a.answers.all = append(a.answers.all, answered{began, time.Since(began), what})
}

// requestIDs are what differs between the same errors.
var requestIDs = regexp.MustCompile(`request id [0-9a-f-]+`)
