package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"ab2d/client"
)

// receiver is a collector of traces.
type receiver struct {
	url string

	mu    sync.Mutex
	raw   []byte // all that was sent
	spans []sentSpan
}

// sentSpan is a span as the collector got it.
type sentSpan struct {
	*tracepb.Span
	process string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			var err error
			if body, err = gzip.NewReader(r.Body); err != nil {
				t.Error(err)
				return
			}
		}
		b, err := io.ReadAll(io.LimitReader(body, 64<<20))
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, b...)
		for _, resource := range sent.GetResourceSpans() {
			process := ""
			for _, a := range resource.GetResource().GetAttributes() {
				if a.GetKey() == "service.instance.id" {
					process = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					c.spans = append(c.spans, sentSpan{span, process})
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// trace gives the spans of a trace.
func (c *receiver) trace(id string) (spans []sentSpan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) == id {
			spans = append(spans, s)
		}
	}
	return spans
}

// TestTraces: an export is one trace across the processes that work on it, from the
// request to the store and the files; its id is in their logs, and a request's in its
// error. Nothing that is sent names a person or is a secret.
func TestTraces(t *testing.T) {
	c := newReceiver(t)
	a := arrangements["API and two workers"](t)
	a.program, a.since = program, time.Now().AddDate(0, -6, 0).Truncate(time.Second)
	a.env = append(a.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_BSP_SCHEDULE_DELAY=100")
	a.start()
	job := a.startExport()
	m := a.finish(job)
	secrets := append(persons(t, a, m), a.sponsor.Credentials[0].Secrets[0], job.StatusURL, a.database)
	failed := a.askBadly(secrets[0])
	for _, p := range a.processes {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
	c.check(t, a, jobID(job), failed)
	for _, secret := range secrets {
		if bytes.Contains(c.raw, []byte(secret)) {
			t.Errorf("the spans have %q", secret)
		}
	}
}

// persons are the ids of those whose claims an export has.
func persons(t *testing.T, a *arrangement, m *client.Manifest) (ids []string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := a.processes[0].newClient(t, a.sponsor).Download(t.Context(), m.Output[0], dir, nil); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Patient/(-?\d+)"|us-mbi","value":"([^"]+)"`).FindAllStringSubmatch(string(b), -1)
	for _, f := range found {
		if id := f[1] + f[2]; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) < 10 {
		t.Fatalf("the export has %v", ids)
	}
	return ids
}

// askBadly sends requests that name somebody where nobody should be named. It returns
// the trace that the error of one of them tells.
func (a *arrangement) askBadly(person string) (trace string) {
	a.Helper()
	for _, path := range []string{"/api/v2/fhir/Group/%s/$export?_id=%[1]s", "/api/v2/fhir/Job/%s/$status", "/nobody/%s?x=%[1]s", "/%s"} {
		r, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.url+fmt.Sprintf(path, person), http.NoBody)
		if err != nil {
			a.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+person)
		r.Header.Set("Tracestate", "x="+person)
		r.Header.Set("Baggage", "x="+person)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			a.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		found := regexp.MustCompile(`"diagnostics":"request id [0-9a-f-]{36}, trace id ([0-9a-f]{32})"`).FindSubmatch(b)
		if err != nil || found == nil {
			a.Fatalf("%s: %s, %v", path, b, err)
		}
		trace = string(found[1])
	}
	return trace
}

// check: the trace of the job has all that belongs to it, and no span tells what it must not.
func (c *receiver) check(t *testing.T, a *arrangement, job, failed string) {
	t.Helper()
	traces := map[string]bool{}
	for i, p := range a.processes {
		id := traceInLog(t, p, job)
		if id == "" && i == 0 {
			continue // an API has no line about a job that it only accepted
		}
		traces[id] = true
	}
	delete(traces, "") // a worker may have found nothing to do
	if len(traces) != 1 || len(c.trace(failed)) == 0 {
		t.Fatalf("the logs have the traces %v; the failed request's has %d spans", traces, len(c.trace(failed)))
	}
	var id string
	for id = range traces {
	}
	names, processes, spans := map[string]int{}, map[string]bool{}, map[string]bool{"": true}
	for _, s := range c.trace(id) {
		names[s.GetName()]++
		processes[s.process] = true
		spans[string(s.GetSpanId())] = true
	}
	for _, want := range []string{"GET /api/v1/fhir/Patient/$export", "store: accept a job", "job: plan", "store: save a plan", "job: part", "claims: select and write",
		"files: write a file", "store: commit a part", "job: finish", "store: complete a job"} {
		if names[want] == 0 {
			t.Errorf("the trace has no %q: %v", want, names)
		}
	}
	if names["GET /api/v1/fhir/Patient/$export"] != 1 || len(processes) < 2 {
		t.Errorf("the trace is of %v: %v", processes, names)
	}
	t.Logf("the trace of an export, by %d processes: %v", len(processes), names)
	for _, s := range c.trace(id) {
		if !spans[string(s.GetParentSpanId())] {
			t.Errorf("%q has a parent that is not there", s.GetName())
		}
	}
	c.checkAttributes(t)
}

// spanValues are the attributes that spans have, and what each of them may say.
var spanValues = map[string]*regexp.Regexp{
	"ab2d.job": regexp.MustCompile(`^[0-9a-f-]{36}$`), "ab2d.request": regexp.MustCompile(`^[0-9a-f-]{36}$`), "ab2d.part": regexp.MustCompile(`^\d+$`), "ab2d.try": regexp.MustCompile(`^\d+$`),
	"ab2d.worker": regexp.MustCompile(`^[\w.-]+/\d+/\d+$`), "ab2d.outcome": regexp.MustCompile(`^(done|failed|lease_lost|handed_back)$`), "ab2d.enrollees": regexp.MustCompile(`^\d+$`), "ab2d.bytes": regexp.MustCompile(`^\d+$`),
	"http.request.method": regexp.MustCompile(`^(GET|HEAD|POST|PUT|DELETE|OPTIONS|other)$`), "http.route": regexp.MustCompile(`^[a-zA-Z0-9/$.{}-]*$`), "http.response.status_code": regexp.MustCompile(`^\d+$`),
}

func (c *receiver) checkAttributes(t *testing.T) {
	t.Helper()
	links := 0
	for _, s := range c.spans {
		links += len(s.GetLinks())
		for _, a := range s.GetAttributes() {
			value := a.GetValue().GetStringValue()
			if value == "" {
				value = fmt.Sprint(a.GetValue().GetIntValue())
			}
			if pattern := spanValues[a.GetKey()]; pattern == nil || !pattern.MatchString(value) {
				t.Errorf("%q has the attribute %s=%s", s.GetName(), a.GetKey(), value)
			}
		}
		if len(s.GetEvents()) > 0 || s.GetStatus().GetMessage() != "" || s.GetTraceState() != "" {
			t.Errorf("%q has events, a text or a state: %v", s.GetName(), s)
		}
	}
	if links == 0 {
		t.Error("no request is linked with the trace of its job")
	}
}

// traceInLog is the trace of the first line about a job in a process's log.
func traceInLog(t *testing.T, p *process, job string) string {
	t.Helper()
	f, err := os.Open(p.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if found := regexp.MustCompile(`job=` + job + ` .*trace=([0-9a-f]{32})`).FindStringSubmatch(lines.Text()); found != nil && !strings.Contains(lines.Text(), "msg=request") {
			return found[1]
		}
	}
	return ""
}
