package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"ab2d/client"
)

// An export from the request to the files, here from a server that has but
// one claim.
func Example() {
	server := httptest.NewServer(oneClaim())
	defer server.Close()
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	c, err := client.New(client.Config{
		BaseURL:      server.URL + "/api/v2/fhir",
		TokenURL:     server.URL + "/token",
		ClientID:     "0oa2t0lsrdZw5uWRx297",
		ClientSecret: "HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw",
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

// A folder that is kept up to date. Run again, the same lines bring what changed
// since. After a crash at any moment they go on where it was.
func ExampleFolder() {
	server := httptest.NewServer(oneClaim())
	defer server.Close()
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	cfg := client.Config{BaseURL: server.URL + "/api/v2/fhir", TokenURL: server.URL + "/token", ClientID: "me", ClientSecret: "it stays in no file"}
	c, err := client.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	folder, err := c.OpenFolder(dir, client.FolderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer folder.Close()
	run, err := folder.Sync(ctx, client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range run.OutputPaths() {
		rel, _ := filepath.Rel(dir, path)
		fmt.Println(filepath.ToSlash(rel))
	}
	if err := folder.Finish(); err != nil { // the next Sync begins a new export
		log.Fatal(err)
	}
	fmt.Println("complete up to", folder.Since())
	// Output:
	// 2026-11-24T08-00-00Z/Z0000_0001.ndjson
	// complete up to 2026-11-24 08:00:00 +0000 UTC
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

// oneClaim is a Bulk Data server whose only export holds one claim.
func oneClaim() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"example"}`)
	})
	mux.HandleFunc("GET /api/v2/fhir/Patient/$export", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Location", "/api/v2/fhir/Job/1/$status")
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /api/v2/fhir/Job/1/$status", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"transactionTime":"2026-11-24T08:00:00Z","requiresAccessToken":true,"error":[],
			"output":[{"type":"ExplanationOfBenefit","url":"file/Z0000_0001.ndjson","count":1}]}`)
	})
	mux.HandleFunc("GET /api/v2/fhir/Job/1/file/Z0000_0001.ndjson", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/fhir+ndjson")
		io.WriteString(w, `{"resourceType":"ExplanationOfBenefit","id":"1"}`+"\n")
	})
	mux.HandleFunc("DELETE /api/v2/fhir/Job/1/$status", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}
