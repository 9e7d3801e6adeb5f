package clienttest_test

import (
	"errors"
	"testing"

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
	c, err := client.New(client.Config{BaseURL: s.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), client.Job{StatusURL: s.BaseURL() + "/status"}); err != nil || !s.Deleted() {
		t.Errorf("deleted %v, %v", s.Deleted(), err)
	}
}

// sync exports from a server into a new folder. The run is nil when the file is not
// what was promised.
func sync(t *testing.T, s *clienttest.Server) (*client.Run, *client.Folder) {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: s.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
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
