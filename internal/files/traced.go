package files

import (
	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// tracedWriter has a span from the start of a file to its end.
type tracedWriter struct {
	export.FileWriter
	span  obs.Span
	bytes int64
}

// Write writes on.
func (w *tracedWriter) Write(b []byte) (int, error) {
	n, err := w.FileWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Commit makes the file visible.
func (w *tracedWriter) Commit() error {
	err := w.FileWriter.Commit()
	w.span.Number(obs.SpanBytes, w.bytes)
	w.span.End(err)
	return err
}

// Abort throws the file away.
func (w *tracedWriter) Abort() {
	w.FileWriter.Abort()
	w.span.End(nil)
}
