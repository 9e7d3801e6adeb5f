package tracing

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestEndpoint: nothing is sent unless the environment says so, and what this program
// cannot do is an error that names the variable.
func TestEndpoint(t *testing.T) {
	type env map[string]string
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, c := range []struct {
		env  env
		want string // "!" and a part of the error, or the address
	}{
		{env{}, ""},
		{env{endpoint: "http://c:4318"}, "http://c:4318"},
		{env{endpoint: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, ""},
		{env{endpoint: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ""},
		{env{"OTEL_TRACES_EXPORTER": "otlp"}, defaultEndpoint},
		{env{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/v1/traces"}, "https://t/v1/traces"},
		{env{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://c:4318"},
		{env{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, "http://c:4318"},
		{env{endpoint: "http://u:p4ss@c:4318"}, "http://u:xxxxx@c:4318"},
		{env{endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "!OTEL_EXPORTER_OTLP_PROTOCOL=grpc: traces can be sent by http/protobuf only"},
		{env{"OTEL_TRACES_EXPORTER": "zipkin"}, "!OTEL_TRACES_EXPORTER=zipkin: traces can be sent by otlp only"},
		{env{endpoint: "c:4318"}, "!OTEL_EXPORTER_OTLP_ENDPOINT=c:4318: write a URL"},
	} {
		for _, name := range []string{endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
			t.Setenv(name, c.env[name])
		}
		got, err := Endpoint()
		if err != nil {
			got = "!" + err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%v: %q, want %q", c.env, got, c.want)
		}
	}
}

// TestOff: without a collector there is no Sender, and a nil one can be used.
func TestOff(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	s, err := Open(t.Context(), slog.New(slog.DiscardHandler), "1", "me")
	if s != nil || err != nil || s.Tracer() != nil {
		t.Errorf("%v, %v", s, err)
	}
	s.Close()
}

// TestCollectorThatRefuses: work goes on, and the log says once that spans are lost.
func TestCollectorThatRefuses(t *testing.T) {
	var asked atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer x" {
			t.Errorf("asked for %s with %v", r.URL.Path, r.Header)
		}
		asked.Add(1)
		http.Error(w, "no", http.StatusBadRequest)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer x")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	var log bytes.Buffer
	s, err := Open(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), "1", "me")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 3 {
		_, span := s.Tracer().Start(t.Context(), "x", "")
		span.End(nil)
	}
	s.Close()
	if took := time.Since(began); asked.Load() != 3 || took > closeTime {
		t.Errorf("asked %d times in %s", asked.Load(), took)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), collector.URL) || strings.Contains(log.String(), "Bearer") {
		t.Errorf("the log has %s", &log)
	}
}
