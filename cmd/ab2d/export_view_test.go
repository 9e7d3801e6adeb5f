package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"ab2d/client"
)

// TestJSONView: what a machine reads has numbers also where they are zero, and
// does not repeat what happens many times a second.
func TestJSONView(t *testing.T) {
	var out strings.Builder
	v := newJSONView(&out)
	v.event(client.Event{Kind: client.EventProgress, Percent: 0, Text: "0% & queued", Wait: 1500 * time.Millisecond})
	for n := range 100 {
		v.event(client.Event{Kind: client.EventFetching, File: "a.ndjson", Bytes: int64(n), Of: 100})
	}
	v.event(client.Event{Kind: client.EventFetched, File: "a.ndjson", Bytes: 100})
	v.failed(errors.New("it failed"))
	want := []string{
		`"event":"progress","text":"0% & queued","percent":0,"wait":1.5}`,
		`"event":"fetching","file":"a.ndjson","of":100}`,
		`"event":"fetched","file":"a.ndjson","bytes":100}`,
		`"event":"failed","text":"it failed"}`,
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, `{"time":"`) || !strings.HasSuffix(line, want[i]) || !json.Valid([]byte(line)) {
			t.Errorf("got %s, want the end %s", line, want[i])
		}
	}
}
