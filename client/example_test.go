package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"ab2d/client"
	"ab2d/client/clienttest"
)

// An export from the request to the files, in calls of one's own.
func Example() {
	server := exampleServer()
	defer server.Close()
	server.Add("Z0000_0001.ndjson", clienttest.Content(clienttest.Claims("a")), clienttest.Count(1))
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	c, err := client.New(client.Config{
		BaseURL:      server.BaseURL(),
		TokenURL:     server.TokenURL(),
		ClientID:     "me",
		ClientSecret: "it stays in no file",
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err := c.Start(ctx, client.Request{Type: "ExplanationOfBenefit"})
	if err != nil {
		log.Fatal(err)
	}
	manifest, err := c.Wait(ctx, job, func(p client.Progress) { fmt.Println(p.Text) })
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range manifest.Output {
		path, err := c.Download(ctx, f, dir, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(filepath.Base(path), f.Count)
	}
	if err := c.Delete(ctx, job); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Z0000_0001.ndjson 1
}

// An export of everything into a folder. After a crash at any moment the same lines
// go on where it was.
func ExampleFolder() {
	server := exampleServer()
	defer server.Close()
	server.Add("Z0000_0001.ndjson", clienttest.Content(clienttest.Claims("a", "b")), clienttest.Count(2))
	folder, done := exampleFolder(server)
	defer done()

	run, err := folder.Sync(context.Background(), client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}, Full: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range run.Files {
		fmt.Println(run.Name, f.Name, f.Count)
	}
	if err := folder.Finish(); err != nil { // the next Sync begins a new export
		log.Fatal(err)
	}
	fmt.Println("complete up to", folder.Since())
	// Output:
	// 2026-11-24T08-00-00Z Z0000_0001.ndjson 2
	// complete up to 2026-11-24 08:00:00 +0000 UTC
}

// What a weekly run does: it brings what changed since the last one, into a folder
// of its own.
func ExampleFolder_Sync() {
	server := exampleServer()
	defer server.Close()
	server.Add("first.ndjson", clienttest.Content(clienttest.Claims("a", "b")))
	folder, done := exampleFolder(server)
	defer done()

	weekly := func() {
		run, err := folder.Sync(context.Background(), client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}})
		if err != nil {
			log.Fatal(err) // the same again later goes on with it
		}
		fmt.Printf("%s: %d claims\n", run.Name, run.Files[0].Count)
		if err := folder.Finish(); err != nil {
			log.Fatal(err)
		}
	}
	weekly()
	server.Next(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)) // a week later the server has this
	server.Add("second.ndjson", clienttest.Content(clienttest.Claims("c")))
	weekly()

	fmt.Println(folder.Runs())
	for _, r := range server.Requests() {
		if q, err := url.ParseQuery(r.Query); err == nil && q.Has("_since") {
			fmt.Println("asked for what changed since", q.Get("_since"))
		}
	}
	// Output:
	// 2026-11-24T08-00-00Z: 2 claims
	// 2026-12-01T08-00-00Z: 1 claims
	// [2026-11-24T08-00-00Z 2026-12-01T08-00-00Z]
	// asked for what changed since 2026-11-24T08:00:00.000Z
}

// The claims of a run are lines of JSON. Files are complete and checked, so that
// only lines that no program could read need a thought: they are in Rejected.
func ExampleRun_OutputPaths() {
	server := exampleServer()
	defer server.Close()
	server.Add("first.ndjson", clienttest.Content(clienttest.Claims("a", "b")))
	server.Add("second.ndjson", clienttest.Content(clienttest.Claims("c")))
	folder, done := exampleFolder(server)
	defer done()
	run, err := folder.Sync(context.Background(), client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}})
	if err != nil {
		log.Fatal(err)
	}

	for _, path := range run.OutputPaths() {
		f, err := os.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		for in := json.NewDecoder(f); ; {
			var claim struct{ ID string }
			if err := in.Decode(&claim); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				log.Fatal(err)
			}
			fmt.Println(filepath.Base(path), claim.ID)
		}
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// first.ndjson a
	// first.ndjson b
	// second.ndjson c
}

// What a server refused can be told from other faults, and acted on.
func ExampleError() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient","details":{"text":"Down for maintenance."}}]}`)
	}))
	defer server.Close()
	c, err := client.New(client.Config{BaseURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Start(context.Background(), client.Request{})
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Status, refused.Retry, refused.Issues)
	}
	fmt.Println(err)
	// Output:
	// 503 30s [Down for maintenance.]
	// starting the export: the server answered 503 Service Unavailable: Down for maintenance. (try again in 30s)
}

// exampleServer is a server with the client me.
func exampleServer() *clienttest.Server {
	s := clienttest.Start()
	s.ClientID, s.ClientSecret = "me", "it stays in no file"
	return s
}

// exampleFolder opens a new folder for the exports of a server. done removes it.
func exampleFolder(s *clienttest.Server) (_ *client.Folder, done func()) {
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(client.Config{BaseURL: s.BaseURL(), TokenURL: s.TokenURL(), ClientID: "me", ClientSecret: "it stays in no file"})
	if err != nil {
		log.Fatal(err)
	}
	folder, err := c.OpenFolder(dir, client.FolderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	return folder, func() { folder.Close(); os.RemoveAll(dir) }
}
