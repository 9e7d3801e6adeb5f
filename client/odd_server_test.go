package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/client/clienttest"
)

// odd is a server that a test makes misbehave, and how the client is configured.
type odd struct {
	*clienttest.Server
	t     *testing.T
	hosts []string      // Config.AllowHosts
	idle  time.Duration // Config.IdleTimeout
	most  int64         // Config.MaxFileBytes
}

func newOdd(t *testing.T) *odd { return &odd{Server: clienttest.NewServer(t), t: t} }

// sync exports into a new folder.
func (o *odd) sync() (*Folder, *Run, error) {
	o.t.Helper()
	c, err := New(Config{BaseURL: o.BaseURL(), AllowHosts: o.hosts, IdleTimeout: o.idle, MaxFileBytes: o.most,
		Now: func() time.Time { return aDay }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		o.t.Fatal(err)
	}
	f, err := c.OpenFolder(filepath.Join(o.t.TempDir(), "claims"), FolderOptions{})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { f.Close() })
	run, err := f.Sync(o.t.Context(), SyncOptions{})
	return f, run, err
}

var oneClaim, twoClaims = clienttest.Claims("1"), clienttest.Claims("1", "2")

// TestFilesThatWereNotPromised: what comes with status 200 and is not the file does
// not count as one, and the folder's end stays where it is.
func TestFilesThatWereNotPromised(t *testing.T) {
	for name, content := range map[string]string{
		"an error":           `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}`,
		"errors over lines":  "{\n  \"resourceType\": \"OperationOutcome\"\n}\n",
		"XML":                `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`,
		"another type":       `{"resourceType":"Patient","id":"1"}` + "\n",
		"a Binary":           `{"resourceType":"Binary","contentType":"application/fhir+ndjson","data":"e30="}`,
		"cut in a claim":     oneClaim + `{"resourceType":"ExplanationOfBenefit","id`,
		"cut before the end": strings.TrimSuffix(oneClaim, "\n") + "\n" + `{"resourceType":"ExplanationOfBenefit","item":[{}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t)
			o.Add("a.ndjson", clienttest.Content(content))
			f, run, err := o.sync()
			if !errors.Is(err, ErrNotPromised) || run != nil || !f.Since().IsZero() || len(f.Runs()) != 0 {
				t.Errorf("got %+v, %v, since %s", run, err, f.Since())
			}
		})
	}
}

// TestLinesThatCannotBeRead: one bad line does not keep the others back.
func TestLinesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		count         int64
		rejected      []int64
	}{
		{"not JSON", oneClaim + "{\"resourceType\":\"ExplanationOfBenefit\",]}\n" + oneClaim, 3, []int64{2}},
		{"not UTF-8", "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"\xe9\"}\n" + twoClaims, 3, []int64{1}},
		{"a byte order mark", "\xef\xbb\xbf" + twoClaims, 2, nil},
		{"blank lines", "\n" + oneClaim + " \r\n\n" + oneClaim + "\n", 2, nil},
		{"no end of line", strings.TrimSuffix(twoClaims, "\n"), 2, nil},
		{"gzip without a header", string(deflated(twoClaims)), 2, nil},
		{"empty", "", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOdd(t)
			o.Add("a.ndjson", clienttest.Content(tt.content, "Content-Type", "application/octet-stream"))
			_, run, err := o.sync()
			if err != nil {
				t.Fatal(err)
			}
			var lines []int64
			for _, r := range run.Files[0].Rejected {
				lines = append(lines, r.Line)
			}
			if run.Files[0].Count != tt.count || !slices.Equal(lines, tt.rejected) {
				t.Errorf("got %+v, want %d resources and rejected %v", run.Files[0], tt.count, tt.rejected)
			}
		})
	}
}

// TestCountOfErrors: some servers write there how many resources are missing, not how
// many errors are in the file. What was exported is kept.
func TestCountOfErrors(t *testing.T) {
	o := newOdd(t)
	o.Add("a.ndjson", clienttest.Content(twoClaims), clienttest.Count(2))
	o.Add("b.ndjson", clienttest.Content(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":"not exported"}]}`),
		clienttest.In("error", "OperationOutcome"), clienttest.Count(1000))
	_, run, err := o.sync()
	if err != nil || len(run.OutputPaths()) != 1 || len(run.ErrorPaths()) != 1 || run.Files[1].Count != 1 {
		t.Fatalf("got %+v, %v", run, err)
	}
	issues, err := ReadIssues(t.Context(), run.ErrorPaths())
	if err != nil || len(issues) != 1 || issues[0].Text != "not exported" || !issues[0].Serious() {
		t.Errorf("got %+v, %v", issues, err)
	}
}

// TestPagesOfAManifest: an export is complete with all of them.
func TestPagesOfAManifest(t *testing.T) {
	for name, tt := range map[string]struct {
		next  string
		files int // 0: an error
	}{
		"two pages":    {"$URL/fhir/page2", 2},
		"relative":     {"page2", 2},
		"a loop":       {"$URL/fhir/loop", 0},
		"another host": {"http://elsewhere.example/page2", 0},
		"not there":    {"$URL/fhir/none", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o, rest := newOdd(t), newOdd(t)
			o.Add("a.ndjson", clienttest.Content(oneClaim))
			rest.Add("b.ndjson", clienttest.Content(twoClaims))
			link := func(url string) map[string]any {
				return map[string]any{"link": []any{map[string]string{"relation": "next", "url": strings.ReplaceAll(url, "$URL", o.URL)}}}
			}
			o.Manifest = func(int) string { return o.Standard(link(tt.next)) }
			o.Handle("GET /fhir/page2", clienttest.Content(rest.Standard(nil)))
			o.Handle("GET /fhir/loop", clienttest.Content(rest.Standard(link("loop"))))
			f, run, err := o.sync()
			switch {
			case tt.files == 0:
				if err == nil || !f.Since().IsZero() {
					t.Errorf("got %+v, since %s", run, f.Since())
				}
			case err != nil || len(run.Files) != tt.files:
				t.Errorf("got %+v, %v", run, err)
			}
		})
	}
}

// TestTransactionTimeAfterTheStart: a server that writes when its job ended may
// lack what changed while the job ran.
func TestTransactionTimeAfterTheStart(t *testing.T) {
	for name, date := range map[string]string{"of the server's clock": aDay.Format(http.TimeFormat), "of this machine's clock": ""} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t)
			o.TransactionTime = aDay.Add(90 * time.Minute)
			o.KickOff = func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = nil // net/http sets it otherwise
				if date != "" {
					w.Header().Set("Date", date)
				}
				w.Header().Set("Content-Location", o.BaseURL()+"/status")
				w.WriteHeader(http.StatusAccepted)
			}
			o.Add("a.ndjson", clienttest.Content(oneClaim))
			f, _, err := o.sync()
			if want := aDay.Add(-dateMargin); err != nil || !f.Since().Equal(want) {
				t.Errorf("since %s, want %s, %v", f.Since(), want, err)
			}
		})
	}
}

// TestOddTransport: what servers of the world do to a file on its way.
func TestOddTransport(t *testing.T) {
	for name, send := range map[string]http.HandlerFunc{
		"aws-chunked":   clienttest.Content(twoClaims, "Content-Encoding", "aws-chunked"),
		"206 for all":   clienttest.WholeRange(twoClaims),
		"another range": clienttest.OtherRange(twoClaims),
		"416":           clienttest.NoRange(twoClaims),
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t)
			o.Add("a.ndjson", send)
			_, run, err := o.sync()
			if err != nil || run.Files[0].Count != 2 || run.Files[0].Length != int64(len(twoClaims)) {
				t.Errorf("got %+v, %v", run, err)
			}
		})
	}
}

// TestSignedLinksExpire: the status is asked again, which signs them anew. A link
// that stays refused does not make the client ask without end.
func TestSignedLinksExpire(t *testing.T) {
	for valid, works := range map[string]bool{"signed=2": true, "signed=never": false} {
		t.Run(valid, func(t *testing.T) {
			o := newOdd(t)
			o.Add("a.ndjson", clienttest.SignedUntil(valid, oneClaim))
			o.Manifest = func(poll int) string {
				return strings.ReplaceAll(o.Standard(nil), "/a.ndjson", fmt.Sprintf("/a.ndjson?signed=%d", poll))
			}
			_, _, err := o.sync()
			if (err == nil) != works || o.Polled() != 2 {
				t.Errorf("%v, asked %d times", err, o.Polled())
			}
		})
	}
}

// TestAllowHosts: a file on another host gets the token only where that was
// allowed.
func TestAllowHosts(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		o, other := newOdd(t), newOdd(t)
		other.Add("a.ndjson", clienttest.Content(oneClaim))
		o.Manifest = func(int) string { return other.Standard(map[string]any{"requiresAccessToken": "true"}) }
		if allowed {
			o.hosts = []string{strings.TrimPrefix(other.URL, "http://")}
		}
		if _, _, err := o.sync(); (err == nil) != allowed {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
}

// TestHostileBodies: time and space are bounded by what was promised.
func TestHostileBodies(t *testing.T) {
	var sent atomic.Int64
	count := func(n int) { sent.Add(int64(n)) }
	for name, send := range map[string]http.HandlerFunc{
		"stalls":                  clienttest.Stall(oneClaim),
		"does not end":            clienttest.Endless(oneClaim, count),
		"is one line without end": clienttest.Endless("\x00", count),
	} {
		t.Run(name, func(t *testing.T) {
			sent.Store(0)
			o := newOdd(t)
			o.idle = 50 * time.Millisecond
			o.Add("a.ndjson", send, clienttest.Length(5000))
			f, run, err := o.sync()
			if err == nil || !f.Since().IsZero() {
				t.Errorf("got %+v", run)
			}
			if sent.Load() > 64<<20 { // what is on its way in the system's buffers
				t.Errorf("it sent %d bytes of 5000", sent.Load())
			}
		})
	}
}

// TestFilesOfNoToldLength: a file is bounded by the count, too, and by the
// configuration where the manifest tells no length.
func TestFilesOfNoToldLength(t *testing.T) {
	var sent atomic.Int64
	endless := clienttest.Endless(oneClaim, func(n int) { sent.Add(int64(n)) })
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		more   []clienttest.Promise
		most   int64
		want   string
	}{
		{"more resources", endless, []clienttest.Promise{clienttest.Count(2)}, 0, "more than the manifest's 2 resources"},
		{"too long", endless, nil, 1 << 20, "longer than 1048576 bytes"},
		{"too long when inflated", compressed(strings.Repeat(oneClaim, 1<<15)), nil, 1 << 20, "longer than 1048576 bytes"},
		{"too long by one byte", clienttest.Content(twoClaims), nil, int64(len(twoClaims)) - 1, "longer than"},
		{"as long as allowed", clienttest.Content(twoClaims), []clienttest.Promise{clienttest.Count(2)}, int64(len(twoClaims)), ""},
		{"the length is told", clienttest.Content(twoClaims), []clienttest.Promise{clienttest.Length(int64(len(twoClaims)))}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent.Store(0)
			o := newOdd(t)
			o.most = tt.most
			o.Add("a.ndjson", tt.answer, tt.more...)
			f, run, err := o.sync()
			switch {
			case tt.want == "":
				if err != nil || len(run.OutputPaths()) != 1 {
					t.Errorf("got %+v, %v", run, err)
				}
			case !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.want) || !f.Since().IsZero():
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if sent.Load() > 64<<20 { // what is on its way in the system's buffers
				t.Errorf("it sent %d bytes", sent.Load())
			}
		})
	}
}

// compressed sends a content with gzip.
func compressed(content string) http.HandlerFunc {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, content)
	z.Close()
	return clienttest.Content(b.String(), "Content-Encoding", "gzip")
}

// TestReach: a server that is not there is told at once; one that refuses is there.
func TestReach(t *testing.T) {
	o := newOdd(t)
	if err := Reach(t.Context(), o.BaseURL(), nil); err != nil {
		t.Error(err)
	}
	h := httptest.NewServer(nil)
	h.Close()
	if err := Reach(t.Context(), h.URL+"/fhir", nil); !errors.Is(err, ErrNotThere) || !strings.Contains(err.Error(), "Is it running?") {
		t.Errorf("got %v", err)
	}
}
