package clienttest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/client/clienttest"
)

// TestServer: the server follows the standard until it is told not to.
func TestServer(t *testing.T) {
	s := clienttest.NewServer(t)
	s.Add("a.ndjson", clienttest.Content(clienttest.Claims("1", "2")), clienttest.Count(2), clienttest.Length(98))
	s.Add("gone.ndjson", clienttest.Content(`{"resourceType":"Bundle"}`), clienttest.In("deleted", "Bundle"))
	run, folder := sync(t, s)
	if run == nil || len(run.OutputPaths()) != 1 || len(run.DeletedPaths()) != 1 || run.Files[0].Count != 2 {
		t.Fatalf("got %+v", run)
	}
	if err := folder.Finish(); err != nil || s.Polled() != 1 {
		t.Errorf("polled %d times, %v", s.Polled(), err)
	}
	c := newClient(t, s)
	if err := c.Delete(t.Context(), client.Job{StatusURL: s.BaseURL() + "/status"}); err != nil || !s.Deleted() {
		t.Errorf("deleted %v, %v", s.Deleted(), err)
	}
}

// newClient is a client of a server.
func newClient(t *testing.T, s *clienttest.Server) *client.Client {
	t.Helper()
	cfg := client.Config{BaseURL: s.BaseURL(), ClientID: s.ClientID, ClientSecret: s.ClientSecret,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if s.ClientID != "" {
		var err error
		if cfg.TokenURL, err = client.Discover(t.Context(), s.BaseURL(), nil); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sync exports from a server into a new folder. The run is nil when the file is not
// what was promised.
func sync(t *testing.T, s *clienttest.Server) (*client.Run, *client.Folder) {
	t.Helper()
	c := newClient(t, s)
	folder, err := c.OpenFolder(t.TempDir(), client.FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	run, err := folder.Sync(t.Context(), client.SyncOptions{})
	if err != nil && !errors.Is(err, client.ErrNotPromised) {
		t.Fatal(err)
	}
	return run, folder
}

// TestServerMisbehaves: an error that comes with status 200.
func TestServerMisbehaves(t *testing.T) {
	s := clienttest.NewServer(t)
	s.Add("a.ndjson", clienttest.Content(`{"resourceType":"OperationOutcome"}`))
	if run, folder := sync(t, s); run != nil || !folder.Since().IsZero() {
		t.Errorf("got %+v", run)
	}
}

// TestServerWantsToken: export and files are given with a good token only, and what
// was asked for is recorded.
func TestServerWantsToken(t *testing.T) {
	s := clienttest.NewServer(t)
	s.ClientID, s.ClientSecret = "me: here", "it's & secret"
	s.Polls = []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
		s.Revoke() // while the export is prepared
		w.WriteHeader(http.StatusAccepted)
	}}
	s.Add("a.ndjson", clienttest.Content(clienttest.Claims("1")))
	run, _ := sync(t, s)
	if run == nil || len(run.OutputPaths()) != 1 {
		t.Fatalf("got %+v", run)
	}
	var tokens []string
	for _, r := range s.Requests() {
		switch token := r.Header.Get("Authorization"); {
		case r.Path == "/token" && r.Method != "POST", r.Path == "/a.ndjson" && r.Header.Get("Accept-Encoding") == "":
			t.Errorf("got %+v", r)
		case strings.HasPrefix(token, "Bearer ") && !slices.Contains(tokens, token):
			tokens = append(tokens, token)
		}
	}
	if !slices.Equal(tokens, []string{"Bearer token-1", "Bearer token-2"}) {
		t.Errorf("got %q", tokens)
	}
}

// TestServerRefusesToken: another secret gets no token, and no token no export.
func TestServerRefusesToken(t *testing.T) {
	s := clienttest.NewServer(t)
	s.ClientID, s.ClientSecret = "me", "secret"
	s.Add("a.ndjson", clienttest.Content(""))
	for _, cfg := range []client.Config{{}, {TokenURL: s.TokenURL(), ClientID: "me", ClientSecret: "other"}} {
		cfg.BaseURL = s.BaseURL()
		c, err := client.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Start(t.Context(), client.Request{})
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusUnauthorized {
			t.Errorf("got %v", err)
		}
	}
	resp, err := http.Get(s.URL + "/a.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", resp.Status)
	}
}
