package obs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// recorded is a Tracer whose spans stay here.
func recorded(options ...sdk.TracerProviderOption) (*Tracer, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	return NewTracer(sdk.NewTracerProvider(append(options, sdk.WithSyncer(spans))...)), spans
}

// work is what a step does as far as traces are concerned.
func work(ctx context.Context, t *Tracer) {
	ctx, span := t.Start(ctx, "job: part", "")
	span.Text(SpanJob, "7d11d0c8")
	_, inner := StartSpan(ctx, "store", "commit a part")
	inner.Number(SpanBytes, 5)
	inner.End(nil)
	LinkSpan(ctx, "")
	_, _ = TraceID(ctx), TraceParent(WithoutSpan(ctx))
	span.Failed(true)
	span.End(nil)
}

// TestTracesCostNothingWhenOff: then nothing is allocated, and requests pass through.
func TestTracesCostNothingWhenOff(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { work(ctx, nil) }); n > 0 {
		t.Errorf("%g allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		ctx, span := StartSpan(ctx, "store", "commit a part")
		span.Number(SpanBytes, 5)
		_, _ = TraceID(ctx), WithoutSpan(ctx)
		span.End(nil)
	}); n > 0 {
		t.Errorf("a span: %g allocations", n)
	}
	next := http.NewServeMux()
	if TraceRequests(nil, next) != http.Handler(next) {
		t.Error("requests do not pass through")
	}
}

// BenchmarkSpanOff is what one place costs that could be traced, when nothing is.
func BenchmarkSpanOff(b *testing.B) {
	ctx := WithRequest(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		_, span := StartSpan(ctx, "store", "commit a part")
		span.Number(SpanBytes, 5)
		span.End(nil)
	}
}

// TestTraceContinues: a process continues what another has begun, also if that one has
// decided that the trace is not sent.
func TestTraceContinues(t *testing.T) {
	for name, c := range map[string]struct {
		sampler sdk.Sampler
		sent    int
	}{"sent": {sdk.ParentBased(sdk.AlwaysSample()), 1}, "not sent": {sdk.ParentBased(sdk.NeverSample()), 0}} {
		first, _ := recorded(sdk.WithSampler(c.sampler))
		ctx, span := first.Start(t.Context(), "request", "")
		parent, id := TraceParent(ctx), TraceID(ctx)
		span.End(nil)
		if len(parent) != 55 || (id != "") != (c.sent > 0) {
			t.Fatalf("%s: parent %q, id %q", name, parent, id)
		}
		second, spans := recorded()
		ctx, span = second.Start(t.Context(), "job: plan", parent)
		if TraceID(ctx) != id {
			t.Errorf("%s: the trace is %q, not %q", name, TraceID(ctx), id)
		}
		span.End(nil)
		if got := spans.GetSpans(); len(got) != c.sent || c.sent > 0 && (got[0].Parent.SpanID().String() != parent[36:52] || !got[0].Parent.IsRemote()) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, bad := range []string{"", "x", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("0", 1<<16)} {
		second, spans := recorded()
		_, span := second.Start(t.Context(), "job: plan", bad)
		span.End(nil)
		if got := spans.GetSpans(); len(got) != 1 || got[0].Parent.IsValid() {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestTraceOfARequest: route and status are told, and nothing that callers wrote. They
// cannot choose the trace either. The log has its id.
func TestTraceOfARequest(t *testing.T) {
	tracer, spans := recorded()
	var log bytes.Buffer
	logger, err := NewLogger(&log, "text", "debug")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /Job/{job}", func(w http.ResponseWriter, r *http.Request) {
		SetRoute(r.Context(), r.Pattern)
		_, span := StartSpan(r.Context(), "store", "read a job")
		span.End(errors.New("1EG4TE5MK73 is not there"))
		http.Error(w, "no", http.StatusInternalServerError)
	})
	h := TraceRequests(tracer, Handler(logger, NewMetrics(), mux, nil))
	for _, path := range []string{"/Job/1EG4TE5MK73?_id=1EG4TE5MK73", "/health", "/metrics"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	got := spans.GetSpans()
	if len(got) != 2 || got[1].Name != "GET GET /Job/{job}" && got[1].Name != "GET /Job/{job}" || got[0].Parent.SpanID() != got[1].SpanContext.SpanID() || got[1].Parent.IsValid() {
		t.Fatalf("%+v", got)
	}
	if id := got[1].SpanContext.TraceID().String(); id == "0af7651916cd43dd8448eb211c80319c" || !strings.Contains(log.String(), "trace="+id) {
		t.Errorf("the trace is %s, and the log has %s", id, &log)
	}
	if !slices.Contains(got[1].Attributes, attribute.Int(spanStatus, 500)) || got[1].Status.Code != codes.Error || got[0].Status.Code != codes.Error || got[0].Status.Description != "" {
		t.Errorf("%+v", got)
	}
	for _, s := range got {
		for _, a := range s.Attributes {
			if strings.Contains(a.Value.String(), "1EG4") {
				t.Errorf("an attribute has %v", a)
			}
		}
	}
}

// TestLogHasTheTrace: also with attributes and groups; and none outside of a trace.
func TestLogHasTheTrace(t *testing.T) {
	tracer, _ := recorded()
	ctx, span := tracer.Start(t.Context(), "request", "")
	defer span.End(nil)
	var log bytes.Buffer
	logger, err := NewLogger(&log, "json", "info")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*slog.Logger{logger, logger.With("a", 1), logger.WithGroup("g")} {
		log.Reset()
		if l.InfoContext(ctx, "x"); !strings.Contains(log.String(), `"trace":"`+TraceID(ctx)+`"`) {
			t.Error(log.String())
		}
		log.Reset()
		if l.InfoContext(t.Context(), "x"); strings.Contains(log.String(), "trace") {
			t.Error(log.String())
		}
	}
}
