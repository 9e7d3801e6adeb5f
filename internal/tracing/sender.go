package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"ab2d/internal/obs"
)

const (
	// closeTime bounds how long a process that ends waits for the collector.
	closeTime = 5 * time.Second
	// warnEvery is between two warnings that the collector takes nothing.
	warnEvery = time.Minute
)

// Sender sends spans in the background. A collector that does not answer costs spans,
// and nothing else. A nil Sender sends none. Safe for concurrent use.
type Sender struct{ provider *trace.TracerProvider }

// Open makes a Sender, or nil if the environment names no collector. instance names the
// process. What OpenTelemetry's library has to say goes to the log, also that of other
// Senders of the process.
func Open(ctx context.Context, log *slog.Logger, version, instance string) (*Sender, error) {
	endpoint, err := Endpoint()
	if err != nil || endpoint == "" {
		return nil, err
	}
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("send traces to %s: %w", endpoint, err)
	}
	described, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "ab2d"), attribute.String("service.version", version), attribute.String("service.instance.id", instance)),
		resource.WithFromEnv()) // the last one wins
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return &Sender{trace.NewTracerProvider(trace.WithBatcher(&patient{SpanExporter: exporter, log: log, to: endpoint}), trace.WithResource(described))}, nil
}

// Tracer is what starts traces; nil for a nil Sender.
func (s *Sender) Tracer() *obs.Tracer {
	if s == nil {
		return nil
	}
	return obs.NewTracer(s.provider)
}

// Close sends what is left, within some seconds.
func (s *Sender) Close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = s.provider.Shutdown(ctx) // what was not sent was logged
}

// patient logs now and then that spans were not taken, and goes on.
type patient struct {
	trace.SpanExporter
	log *slog.Logger
	to  string

	mu     sync.Mutex
	warned time.Time
	lost   int // since the last warning
}

// ExportSpans sends spans. That they were not taken is no error of this process.
func (p *patient) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := p.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost += len(spans); time.Since(p.warned) >= warnEvery {
		p.log.Warn("the collector of traces takes nothing; work goes on without", "collector", p.to, "spans lost", p.lost, "error", err)
		p.warned, p.lost = time.Now(), 0
	}
	return nil
}
