package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"ab2d/internal/api"
	"ab2d/internal/obs"
	"ab2d/internal/tracing"
)

// monitorTime bounds a check of a worker's health.
const monitorTime = 5 * time.Second

// monitor tells of a process without an API how it is.
type monitor struct {
	listener net.Listener
	http     *http.Server
}

// openMonitor listens at an address, but does not answer yet.
func openMonitor(ctx context.Context, address string, w *workers) (*monitor, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--monitor=%s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, r *http.Request) { writeHealth(rw, r, w.checks, w.log) })
	mux.HandleFunc("GET /health/live", func(rw http.ResponseWriter, _ *http.Request) { writeStatus(rw, http.StatusOK, "ok", nil) })
	mux.Handle("GET /metrics", w.metrics)
	return &monitor{listener: l, http: &http.Server{
		Handler: mux, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}}, nil
}

// start answers until stop is called. It answers while the workers stop, so that it can
// be seen that they do.
func (m *monitor) start(log *slog.Logger) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := m.http.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the address of --monitor is not served any more", "error", err)
		}
	}()
	return func() {
		m.http.Close()
		<-done
	}
}

// writeHealth answers as an API process does: 503 when a check fails.
func writeHealth(w http.ResponseWriter, r *http.Request, list []api.Check, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(r.Context(), monitorTime)
	defer cancel()
	status, state, checks := http.StatusOK, "ok", map[string]string{}
	for _, c := range list {
		checks[c.Name] = "ok"
		if err := c.Ping(ctx); err != nil {
			log.Error("health", "check", c.Name, "error", err)
			status, state, checks[c.Name] = http.StatusServiceUnavailable, "failing", "failing"
		}
	}
	writeStatus(w, status, state, checks)
}

func writeStatus(w http.ResponseWriter, status int, state string, checks map[string]string) {
	answer := map[string]any{"status": state}
	if checks != nil {
		answer["checks"] = checks
	}
	b, err := json.Marshal(answer)
	if err != nil { // these types always encode
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // fails only if the caller has gone
}

// startLine logs which release runs, with its settings. Those have no secrets: of
// addresses the passwords are left out.
func startLine(log *slog.Logger, command string, c *workConfig, more ...any) {
	traces, _ := tracing.Endpoint() // that it is wrong was told before
	log.Info("started", append([]any{"command", command, "version", versionText(), "data", c.Data, "database", c.shown(), "files", obs.HideSecrets(c.Files),
		"claims", c.Claims, "workers", c.Workers, "lease", c.Lease.String(), "retention", c.Retention.String(),
		"jobRetention", c.JobRetention.String(), "ledgerRetention", c.LedgerRetention.String(), "importRetention", c.ImportRetention.String(),
		"auditArchive", c.AuditArchive, "auditRetention", c.AuditRetention.String(),
		"mirrors", c.mirrors(), "encryptionKeyFile", c.EncryptionKeyFile, "encryptionKMS", c.EncryptionKMS, "traces", traces, "logLevel", c.LogLevel}, more...)...)
}

// stopLine logs that a process has ended as it should. That it did not is logged by run.
func stopLine(log *slog.Logger, began time.Time, err error) {
	if err == nil {
		log.Info("stopped", "ran", time.Since(began).Round(time.Millisecond).String())
	}
}

// formatJSON is the value of --log-format for JSON.
const formatJSON = "json"

// announce prints a line for the person who started the process. Who wants JSON reads
// the same in the log.
func (c *logConfig) announce(s streams, format string, args ...any) {
	if c.LogFormat != formatJSON {
		fmt.Fprintf(s.out, format, args...)
	}
}

// complain writes why a command has ended: as a line of the log if that is JSON.
func complain(w io.Writer, command *kong.Context, err error) {
	if command != nil {
		for _, f := range command.Flags() {
			if f.Name == "log-format" && f.Target.String() == formatJSON {
				slog.New(slog.NewJSONHandler(w, nil)).Error("stopped", "error", shownError(err))
				return
			}
		}
	}
	fmt.Fprintf(w, "ab2d: %s\n", shownError(err))
}

// asksForJSON tells whether the arguments of a command with a log ask for JSON, before
// they are parsed: what is wrong with them is then told as JSON, too.
func asksForJSON(args []string) bool {
	if len(args) == 0 || !slices.Contains([]string{"serve", "worker", "sandbox", "mirror"}, args[0]) {
		return false
	}
	asked := os.Getenv("AB2D_LOG_FORMAT") == formatJSON
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--log-format="); ok {
			asked = value == formatJSON
		} else if a == "--log-format" && i+1 < len(args) {
			asked = args[i+1] == formatJSON
		}
	}
	return asked
}

// jsonLines turns lines of text into lines of a JSON log, and lets those of a log pass.
// It takes whole lines. Safe for concurrent use if w is.
type jsonLines struct{ w io.Writer }

// Write writes one or more lines.
func (j *jsonLines) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("{")) {
		return j.w.Write(b)
	}
	log := slog.New(slog.NewJSONHandler(j.w, nil))
	for line := range strings.Lines(string(b)) {
		log.Warn(strings.TrimPrefix(strings.TrimSpace(line), "ab2d: "))
	}
	return len(b), nil
}
