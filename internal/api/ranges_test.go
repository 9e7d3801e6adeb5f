package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"ab2d/internal/audit"
)

// TestRangesDoNotFillTheAuditLog: who asks for a file byte by byte is in the audit
// log, with all that was sent, in some entries.
func TestRangesDoNotFillTheAuditLog(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	file := s.do(one, "HEAD", m.Output[0].URL)
	if file.status != http.StatusOK {
		t.Fatalf("%d", file.status)
	}
	const asked = 60
	for i := range asked {
		if i == asked-1 {
			s.clock.Add(time.Minute)
		}
		if a := s.do(one, "GET", m.Output[0].URL, fmt.Sprintf("Range: bytes=%d-%d", i, i)); a.status != http.StatusPartialContent {
			t.Fatalf("%d: %d %s", i, a.status, a.body)
		}
	}
	want := rangeEntries{began: 21, ended: 21, omitted: asked - 21, bytes: asked}
	s.idle() // the last one ends behind its response
	if got := s.rangeEntries(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// rangeEntries are what the audit log has of downloads.
type rangeEntries struct{ began, ended, omitted, bytes int64 }

func (s *server) rangeEntries() (n rangeEntries) {
	s.Helper()
	for link, err := range s.db.Links(s.Context(), 0) {
		var e audit.Entry
		if err != nil || json.Unmarshal(link.Body, &e) != nil {
			s.Fatal(err)
		}
		switch e.Event {
		case audit.DownloadBegan:
			n.began++
		case audit.DownloadEnded:
			n.ended++
			n.omitted += e.Omitted
			n.bytes += e.Bytes
		}
	}
	return n
}
