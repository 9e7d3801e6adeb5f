// Package tracing sends the spans of package obs to a collector, by OTLP over HTTP. It is
// off unless the environment names a collector, by OpenTelemetry's own variables.
//
//   - sender.go       what sends spans: made, and closed
//   - environment.go  what the environment asks for
package tracing
