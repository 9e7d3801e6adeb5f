package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
)

// TestEverythingIsOnRecord: an export from the token to the download, and what
// was refused on the way, in order, and the chain holds.
func TestEverythingIsOnRecord(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	s.do(one, "GET", m.Output[0].URL)
	s.idle()
	s.do(one, "GET", m.Output[0].URL).is(t, http.StatusGone, fhir.CodeDeleted)
	s.tokenRequest(one, "wrong-secret")
	var got []string
	for link, err := range s.db.Links(t.Context(), 0) {
		var e audit.Entry
		if err != nil || json.Unmarshal(link.Body, &e) != nil {
			t.Fatal(err)
		}
		if e.Event != audit.ClientAdded && e.Event != audit.KeyAdded {
			got = append(got, fmt.Sprintf("%s %s %s %d", e.Event, e.Actor, e.Client, e.Status))
		}
		if strings.Contains(string(link.Body), mbi) || e.Event == audit.DownloadEnded && (e.Bytes == 0 || e.From != "127.0.0.1" || e.Request == "") {
			t.Errorf("%s", link.Body)
		}
	}
	want := []string{
		"token.granted client one one 0", "job.accepted client one one 0", "job.completed worker one 0", "download.began client one one 0",
		"download.ended client one one 0", "refused client one one 410", "refused  one 401",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	head, err := s.db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(s.db.Links(t.Context(), 0), head); err != nil {
		t.Error(err)
	}
}

// TestAFloodOfRefusalsDoesNotFillTheRecord, and says how much is missing.
func TestAFloodOfRefusalsDoesNotFillTheRecord(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for range 300 {
		s.do("", "GET", patientV1)
	}
	s.clock.Add(time.Minute)
	s.do("", "GET", patientV1)
	entries, omitted := 0, int64(0)
	for link, err := range s.db.Links(t.Context(), 0) {
		var e audit.Entry
		if err != nil || json.Unmarshal(link.Body, &e) != nil {
			t.Fatal(err)
		}
		if e.Event == audit.Refused {
			entries++
			omitted += e.Omitted
		}
	}
	if entries != 101 || omitted != 200 {
		t.Errorf("%d entries, %d omitted", entries, omitted)
	}
}
