package obs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// NewLogger makes a logger that writes lines of "text" or "json" from a level
// on: debug, info, warn or error.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("log level %q is none of debug, info, warn, error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(traced{slog.NewTextHandler(w, o)}), nil
	case "json":
		return slog.New(traced{slog.NewJSONHandler(escaped{w}, o)}), nil
	}
	return nil, fmt.Errorf("log format %q is neither text nor json", format)
}

// escaped writes lines of JSON without characters that could act on the terminal of
// who reads them. The text format quotes those itself.
type escaped struct{ io.Writer }

// Write writes whole lines, as slog's handlers do.
func (e escaped) Write(line []byte) (int, error) {
	if _, err := io.WriteString(e.Writer, EscapeJSON(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
