package obs

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The attributes of spans. There are no others: what a span says must be harmless to
// everybody who may see traces, so that neither texts of errors nor addresses are told.
const (
	SpanJob     = "ab2d.job"       // its id
	SpanPart    = "ab2d.part"      // the number of a part
	SpanTry     = "ab2d.try"       // 1: the first time that a step is done
	SpanWorker  = "ab2d.worker"    // who does it: host, process, number
	SpanOutcome = "ab2d.outcome"   // of a step
	SpanCount   = "ab2d.enrollees" // of a part
	SpanBytes   = "ab2d.bytes"     // of a file, as readers of the store get them

	spanRequest = "ab2d.request" // the id of a request
	spanMethod  = "http.request.method"
	spanRoute   = "http.route"
	spanStatus  = "http.response.status_code"
)

// spansOf names this program to who collects spans.
const spansOf = "ab2d"

// Tracer starts the first span that a process has of a trace. A nil Tracer starts none,
// and then nothing below it is traced. Safe for concurrent use.
type Tracer struct{ provider trace.TracerProvider }

// NewTracer returns a Tracer of what sends spans.
func NewTracer(p trace.TracerProvider) *Tracer { return &Tracer{p} }

// Start starts a span of the trace that continues from a parent, as TraceParent gives
// it; of a new trace if there is none.
func (t *Tracer) Start(ctx context.Context, name, parent string) (context.Context, Span) {
	return t.start(ctx, name, parent, trace.SpanKindConsumer)
}

func (t *Tracer) start(ctx context.Context, name, parent string, kind trace.SpanKind) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	if from := parsed(parent); from.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, from)
	}
	ctx, span := t.provider.Tracer(spansOf).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Span is one piece of work in a trace. The zero Span does nothing. Safe for concurrent
// use.
type Span struct{ span trace.Span }

// StartSpan starts a span below that of ctx. Without one it starts none, and costs
// nothing. The name is that of a layer and of what it does.
func StartSpan(ctx context.Context, layer, name string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(spansOf).Start(ctx, layer+": "+name)
	return ctx, Span{span}
}

// WithoutSpan has nothing traced that is done with the context it returns.
func WithoutSpan(ctx context.Context) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return trace.ContextWithSpan(ctx, nil)
}

// On tells whether the span does anything.
func (s Span) On() bool { return s.span != nil }

// Failed marks the work as failed, if it has. The log says why.
func (s Span) Failed(failed bool) {
	if s.span != nil && failed {
		s.span.SetStatus(codes.Error, "")
	}
}

// Text sets an attribute, one of the Span constants.
func (s Span) Text(attr, value string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(attr, value))
	}
}

// Number sets an attribute, one of the Span constants.
func (s Span) Number(attr string, value int64) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int64(attr, value))
	}
}

// End ends the span, and marks it as failed if err is not nil. To end it again does
// nothing.
func (s Span) End(err error) {
	s.Failed(err != nil)
	if s.span != nil {
		s.span.End()
	}
}

// TraceID is the id of the trace that ctx belongs to, in hexadecimal; "" if there is
// none, or if it is not sent anywhere.
func TraceID(ctx context.Context) string {
	c := trace.SpanContextFromContext(ctx)
	if !c.IsValid() || !c.IsSampled() {
		return ""
	}
	return c.TraceID().String()
}

// parentHeader is how W3C's Trace Context writes a span down.
const parentHeader = "traceparent"

// TraceParent is the span of ctx as W3C's traceparent, for another process to go on from;
// "" if there is none.
func TraceParent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[parentHeader]
}

// parsed is the reverse of TraceParent; what is not valid is no span.
func parsed(parent string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{parentHeader: parent})
	return trace.SpanContextFromContext(ctx)
}

// LinkSpan notes that the span of ctx concerns another trace, as TraceParent gives it.
func LinkSpan(ctx context.Context, parent string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		if to := parsed(parent); to.IsValid() {
			span.AddLink(trace.Link{SpanContext: to})
		}
	}
}

// TraceRequests starts a trace for each request, except for those that come all the time
// from other programs. What callers say of traces is not believed: they are not ours.
// It belongs before Handler.
func TraceRequests(t *Tracer, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if levelOf(r, http.StatusOK) == slog.LevelDebug {
			next.ServeHTTP(w, r)
			return
		}
		ctx, span := t.start(WithRequest(r.Context()), "request", "", trace.SpanKindServer)
		info, _ := ctx.Value(requestKey{}).(*request)
		span.Text(spanRequest, info.id)
		span.Text(spanMethod, knownMethod(r.Method))
		defer func() {
			span.Text(spanRoute, info.route)
			span.Number(spanStatus, int64(info.status))
			span.span.SetName(knownMethod(r.Method) + " " + info.route)
			span.Failed(info.status >= http.StatusInternalServerError)
			span.End(nil)
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// traced adds the id of the trace to the lines of a log.
type traced struct{ slog.Handler }

// Handle writes a line.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if id := TraceID(ctx); id != "" {
		r.AddAttrs(slog.String("trace", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the lines traced.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the lines traced.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
