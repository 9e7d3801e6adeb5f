package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const emptyManifest = `{"transactionTime":"2026-11-24T08:00:00.000Z","request":"r","requiresAccessToken":true,"output":[],"error":[]}`

func TestWaitTellsProgress(t *testing.T) {
	s := newServer(t)
	s.status = []http.HandlerFunc{
		answer(202, "", "X-Progress", "queued, 3 jobs ahead", "Retry-After", "1"),
		answer(202, "", "X-Progress", "20% complete", "Retry-After", "7"),
		answer(202, "", "X-Progress", "99.5 % complete", "Retry-After", aDay.Add(time.Hour+9*time.Second).Format(http.TimeFormat), "Date", aDay.Add(time.Hour).Format(http.TimeFormat)), // the server's clock is an hour ahead
		answer(202, "", "X-Progress", "120%", "Retry-After", "7200"),
		answer(202, "", "Retry-After", "0"),
		answer(202, ""),
		answer(200, emptyManifest, "Expires", "Fri, 27 Nov 2026 08:00:00 GMT"),
	}
	var slept []time.Duration
	var got []Progress
	m, err := s.client(&slept).Wait(t.Context(), s.job(), func(p Progress) { got = append(got, p) })
	if err != nil {
		t.Fatal(err)
	}
	want := []Progress{
		{Percent: -1, Text: "queued, 3 jobs ahead", Wait: time.Second},
		{Percent: 20, Text: "20% complete", Wait: 7 * time.Second},
		{Percent: 99, Text: "99.5 % complete", Wait: 9 * time.Second},
		{Percent: 100, Text: "120%", Wait: time.Hour},
		{Percent: -1, Wait: time.Second},
		{Percent: -1, Wait: 5 * time.Second},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var waits []time.Duration
	for _, p := range want {
		waits = append(waits, p.Wait)
	}
	if d := cmp.Diff(waits, slept); d != "" {
		t.Error(d)
	}
	if !m.TransactionTime.Equal(aDay) || !m.Expires.Equal(aDay.Add(72*time.Hour)) {
		t.Errorf("got %+v", m)
	}
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutShort promises more than it sends.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"transactionTime":`)
}

func TestWaitOutlastsFaults(t *testing.T) {
	s := newServer(t)
	s.status = []http.HandlerFunc{
		answer(202, "", "X-Progress", "20% complete"),
		answer(503, ""), answer(502, ""), answer(429, "", "Retry-After", "11"), answer(504, "", "Retry-After", "999"), hangUp,
		answer(500, `{"resourceType":"OperationOutcome","issue":[{"code":"transient","severity":"error"}]}`),
		answer(202, "", "X-Progress", "30% complete"),
		cutShort, // a new row of faults
		answer(200, emptyManifest),
	}
	var slept []time.Duration
	var got []Progress
	if _, err := s.client(&slept).Wait(t.Context(), s.job(), func(p Progress) { got = append(got, p) }); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{
		5 * time.Second,
		5 * time.Second, 10 * time.Second, 11 * time.Second, 999 * time.Second, 80 * time.Second, 2 * time.Minute,
		5 * time.Second, 5 * time.Second,
	}
	if d := cmp.Diff(want, slept); d != "" {
		t.Error(d)
	}
	for i, p := range got {
		wantPercent := 20
		if i > 6 {
			wantPercent = 30
		}
		fault := i != 0 && i != 7
		if (p.Err != nil) != fault || p.Percent != wantPercent || p.Wait != slept[i] {
			t.Errorf("progress %d: %+v", i, p)
		}
	}
}

func TestWaitGivesUp(t *testing.T) {
	s := newServer(t)
	for range pollTries {
		s.status = append(s.status, answer(503, ""))
	}
	var slept []time.Duration
	_, err := s.client(&slept).Wait(t.Context(), s.job(), nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != 503 {
		t.Errorf("got %v", err)
	}
	if len(slept) != pollTries-1 {
		t.Errorf("slept %d times", len(slept))
	}
}

func TestWaitEndsWithTheJob(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"failed", answer(500, `{"resourceType":"OperationOutcome","issue":[{"code":"exception","details":{"text":"The claims cannot be read."}}]}`),
			"500 Internal Server Error: The claims cannot be read."},
		{"canceled", answer(404, `{"issue":[{"code":"deleted"}]}`), "404 Not Found: deleted"},
		{"expired", answer(410, ""), "410 Gone: it has expired"},
		{"no manifest", answer(200, `<html>`), "not a Bulk Data manifest"},
		{"another JSON", answer(200, `{"resourceType":"Bundle"}`), "not a Bulk Data manifest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.status = []http.HandlerFunc{tt.answer}
			_, err := s.client(nil).Wait(t.Context(), s.job(), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestWaitRenewsTheToken(t *testing.T) {
	s := newServer(t)
	s.status = []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) { answer(202, "")(w, r); s.expire() },
		answer(200, emptyManifest),
	}
	if _, err := s.client(nil).Wait(t.Context(), s.job(), nil); err != nil {
		t.Error(err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.status = []http.HandlerFunc{answer(202, "")}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.client(nil).Wait(ctx, s.job(), func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep: %v", err)
	}
	if err := sleep(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("sleep: %v", err)
	}
}

func TestManifest(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	from, err := c.statusURL(s.job())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.parseManifest([]byte(`{
		"transactionTime": "Jan 29, 2020, 10:28:27 AM", "request": "http://h/$export?_type=ExplanationOfBenefit", "requiresAccessToken": true,
		"output": [
			{"type": "ExplanationOfBenefit", "url": "http://h/Job/1/file/Z0000_0001.ndjson", "count": 3, "extension": [
				{"url": "https://ab2d.cms.gov/checksum", "valueString": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
				{"url": "https://ab2d.cms.gov/file_length", "valueDecimal": 1.25E7}]},
			{"type": "ExplanationOfBenefit", "url": "../../file/bare", "extension": {"any": "thing"}}],
		"deleted": [{"type": "Bundle", "url": "https://h/d.ndjson", "count": 0}],
		"error": [{"type": "OperationOutcome", "url": "https://h/e.ndjson", "count": null}],
		"extension": {"https://ab2d.cms.gov/totals": {"delivered": 100}}}`), from)
	if err != nil {
		t.Fatal(err)
	}
	want := &Manifest{
		TransactionTimeText: "Jan 29, 2020, 10:28:27 AM", Request: "http://h/$export?_type=ExplanationOfBenefit",
		Output: []File{
			{Type: "ExplanationOfBenefit", URL: "http://h/Job/1/file/Z0000_0001.ndjson", Count: 3, Length: 12_500_000, RequiresAccessToken: true, SHA256: []byte{
				0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
				0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}},
			{Type: "ExplanationOfBenefit", URL: s.url + "/api/v1/fhir/file/bare", Count: -1, Length: -1, RequiresAccessToken: true},
		},
		Deleted: []File{{Type: "Bundle", URL: "https://h/d.ndjson", Count: 0, Length: -1, RequiresAccessToken: true}},
		Error:   []File{{Type: "OperationOutcome", URL: "https://h/e.ndjson", Count: -1, Length: -1, RequiresAccessToken: true}},
		Totals:  []byte(`{"delivered": 100}`),
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Manifest{})); d != "" {
		t.Error(d)
	}
}

// TestManifestFaults: what is told but cannot be read must not pass for "not
// told".
func TestManifestFaults(t *testing.T) {
	c := newServer(t).client(nil)
	for _, f := range []string{
		`{"type":"X"}`, `{"type":"X","url":"ftp://h/a"}`,
		`{"url":"a","count":-1}`, `{"url":"a","count":1.5}`, `{"url":"a","count":"three"}`, `{"url":"a","count":1e300}`,
		`{"url":"a","extension":[{"url":"https://ab2d.cms.gov/checksum","valueString":"md5:00"}]}`,
		`{"url":"a","extension":[{"url":"https://ab2d.cms.gov/checksum","valueString":"sha256:00"}]}`,
		`{"url":"a","extension":[{"url":"https://ab2d.cms.gov/checksum","valueString":7}]}`,
		`{"url":"a","extension":[{"url":"https://ab2d.cms.gov/file_length","valueDecimal":"x"}]}`,
	} {
		if m, err := c.parseManifest([]byte(`{"transactionTime":"t","output":[`+f+`]}`), c.base); err == nil {
			t.Errorf("%s became %+v", f, m.Output)
		}
	}
}

func TestFileName(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"https://h/Job/1/file/Z0000_0001.ndjson", "Z0000_0001.ndjson"},
		{"https://h/file/a%2Endjson?X-Amz-Signature=b/c#d/e", "a.ndjson"},
		{"https://h/file/..%2f..%2fetc%2fpasswd", ""},
		{"https://h/file/..%5c..%5cautoexec.bat", ""},
		{"https://h/file/%2e%2e", ""}, {"https://h/file/..", ""}, {"https://h/file/.bashrc", ""}, {"https://h/file/", ""}, {"https://h", ""},
		{"https://h/file/a%00b", ""}, {"https://h/file/a%0ab", ""}, {"https://h/file/a b", ""}, {"https://h/file/%zz", ""},
		{"https://h/file/C:a", ""}, {"https://h/file/%C3%A9", ""}, {"https://h/" + strings.Repeat("a", 201), ""},
	} {
		got, err := File{URL: tt.url}.Name()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.url, got, err, tt.want)
		}
	}
}

// FuzzManifest: whatever a server sends, what is made of it is safe to use.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(emptyManifest))
	f.Add([]byte(`{"output":[{"type":"X","url":"http://h/file/..%2fa","count":1e3,"extension":[{"url":"https://ab2d.cms.gov/file_length","valueDecimal":1.0}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := New(Config{BaseURL: "https://h/fhir"})
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.parseManifest(body, c.base)
		if err != nil {
			return
		}
		for _, list := range [][]File{m.Output, m.Deleted, m.Error} {
			for _, file := range list {
				if !strings.HasPrefix(file.URL, "http://") && !strings.HasPrefix(file.URL, "https://") {
					t.Errorf("URL %q", file.URL)
				}
				if file.Count < -1 || file.Length < -1 || (file.SHA256 != nil && len(file.SHA256) != 32) {
					t.Errorf("%+v", file)
				}
				if name, err := file.Name(); err == nil && !fileName.MatchString(name) {
					t.Errorf("name %q", name)
				}
			}
		}
	})
}

// FuzzRefusal: whatever a server refuses with, the error is short, printable
// and free of the secret.
func FuzzRefusal(f *testing.F) {
	f.Add("text/plain", []byte("no "+testSecret))
	f.Add("application/fhir+json", []byte(`{"issue":[{"code":"invalid","details":{"text":"HHdu+W G6/logIv"}}]}`))
	f.Add("teXt/plAin", []byte("HHdu\xf8+W G6/logIv"))
	f.Add("application/json", []byte(`{"error":{"code":7},"message":"a\u001b[0m"}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		c, err := New(Config{BaseURL: "https://h/fhir", TokenURL: "https://h/token", ClientID: testID, ClientSecret: testSecret})
		if err != nil {
			t.Fatal(err)
		}
		e := c.refusal(&http.Response{StatusCode: 400, Header: http.Header{"Content-Type": {kind}},
			Body: io.NopCloser(strings.NewReader(string(body))), Request: &http.Request{Header: http.Header{"Authorization": {"Bearer token-1"}}}})
		text := e.Error()
		if strings.Contains(text, testSecret) || strings.Contains(text, "token-1") {
			t.Errorf("%q tells a secret", text)
		}
		if strings.ContainsAny(text, "\n\r\x1b") || len(text) > 4*(maxText+3)*(maxIssues+1) {
			t.Errorf("%q", text)
		}
	})
}
