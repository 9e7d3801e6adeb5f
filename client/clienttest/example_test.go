package clienttest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"ab2d/client"
	"ab2d/client/clienttest"
)

// A server that answers the file with an error and status 200. In a test, take
// NewServer(t), which needs no Close.
func Example() {
	s := clienttest.Start()
	defer s.Close()
	s.ClientID, s.ClientSecret = "me", "secret"
	s.Add("a.ndjson", clienttest.Answer(http.StatusOK, `{"resourceType":"OperationOutcome"}`), clienttest.Count(1))

	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c, err := client.New(client.Config{BaseURL: s.BaseURL(), TokenURL: s.TokenURL(), ClientID: "me", ClientSecret: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Download(context.Background(), client.File{URL: s.URL + "/a.ndjson", Type: "ExplanationOfBenefit", Count: 1, Length: -1, RequiresAccessToken: true}, dir, nil)
	fmt.Println(err)
	for _, r := range s.Requests() {
		fmt.Println(r.Method, r.Path)
	}
	// Output:
	// downloading a.ndjson: the file is not what the manifest promised: it has a OperationOutcome, and the manifest says ExplanationOfBenefit
	// POST /token
	// GET /a.ndjson
}
