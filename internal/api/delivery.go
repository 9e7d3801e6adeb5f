package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// delivery counts what is sent of a file. Its headers are sent with the file
// only, not with an error.
type delivery struct {
	http.ResponseWriter
	export.Delivery
	header http.Header
	status int
	failed error
	// begin takes down that bytes of the file are about to be sent. Without
	// that none are.
	begin func() error
}

func newDelivery(w http.ResponseWriter, gzipped bool, size int64) *delivery {
	return &delivery{ResponseWriter: w, Delivery: export.Delivery{Gzip: gzipped, Size: size}, header: w.Header().Clone()}
}

// Unwrap is for http.ResponseController.
func (d *delivery) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// Header is that of the file.
func (d *delivery) Header() http.Header { return d.header }

// WriteHeader notes where a range begins. ServeContent leaves the length of an
// encoded answer out, but without it a download cannot show its progress nor
// be resumed. An error is not sent: see refusal.
func (d *delivery) WriteHeader(status int) {
	d.status = status
	if d.sends() {
		if err := d.begin(); err != nil {
			d.status, d.failed = http.StatusInternalServerError, err
		}
	}
	if d.status >= 400 {
		return
	}
	length := d.Size
	if status == http.StatusPartialContent {
		var end int64
		if _, err := fmt.Sscanf(d.header.Get("Content-Range"), "bytes %d-%d/", &d.From, &end); err != nil {
			d.failed = fmt.Errorf("read our own Content-Range: %w", err)
		}
		length = end + 1 - d.From
	}
	d.To = d.From
	if d.sends() {
		d.header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	maps.Copy(d.ResponseWriter.Header(), d.header)
	d.ResponseWriter.WriteHeader(status)
}

// sends tells whether the answer is the file or a range of it.
func (d *delivery) sends() bool {
	return d.status == http.StatusOK || d.status == http.StatusPartialContent
}

// refusal is what the client is told where ServeContent would write an error
// of its own; nil when it did not.
func (d *delivery) refusal() error {
	switch {
	case d.status < 400:
		return nil
	case d.status == http.StatusInternalServerError && d.failed != nil:
		return d.failed
	case d.status == http.StatusRequestedRangeNotSatisfiable:
		f := rest.Errorf(d.status, fhir.CodeInvalid, "The Range cannot be sent: the file has %d bytes. Write Range: bytes=FIRST-, or leave it out.", d.Size)
		f.Header = map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", d.Size)} // RFC 9110 §15.5.17
		return f
	case d.status == http.StatusPreconditionFailed:
		return rest.Errorf(d.status, fhir.CodeInvalid, "The file is not the one that If-Match names: its ETag is %s.", d.header.Get("ETag"))
	}
	return fmt.Errorf("send a file: ServeContent answered %d", d.status)
}

func (d *delivery) Write(b []byte) (int, error) {
	if d.status >= 400 {
		return len(b), nil
	}
	n, err := d.ResponseWriter.Write(b)
	return n, d.sent(int64(n), err)
}

// ReadFrom lets the kernel send a stored file.
func (d *delivery) ReadFrom(from io.Reader) (int64, error) {
	if d.status >= 400 {
		return 0, d.failed
	}
	n, err := io.Copy(d.ResponseWriter, from)
	return n, d.sent(n, err)
}

func (d *delivery) sent(n int64, err error) error {
	d.To += n
	if err != nil {
		d.failed = err
	}
	return err
}

// began takes down that a client is about to get a file, or a range of it. HEAD
// gets none.
func (a *API) began(r *http.Request, f *export.File) error {
	if r.Method == http.MethodHead {
		return nil
	}
	obs.CrashPoint("download begins")
	err := a.Audit.Record(r.Context(), audit.Entry{Event: audit.DownloadBegan, Job: f.Job, File: f.Name})
	obs.CrashPoint("download recorded")
	return err
}

// delivered notes what was sent, so that the file counts as downloaded once
// all of it was, in one request or in several. What a client broke off never
// completes a download, but it may be resumed.
func (a *API) delivered(r *http.Request, f *export.File, d *delivery) {
	if !d.sends() || r.Method == http.MethodHead {
		return
	}
	if d.To == d.From { // nothing went out
		a.endedEmpty(r, f)
		return
	}
	if !d.arrived(r.Context()) {
		d.To = min(d.To, d.Size-1)
	}
	// The answer is out; the count must not depend on the client's patience.
	if err := a.Jobs.Delivered(context.WithoutCancel(r.Context()), f, d.Delivery); err != nil {
		a.Log.Error("a download was not counted", "job", f.Job, "file", f.Name, "error", err)
	}
}

// endedEmpty takes down that a download ended before its first byte.
func (a *API) endedEmpty(r *http.Request, f *export.File) {
	e := audit.Entry{Event: audit.DownloadEnded, Job: f.Job, File: f.Name}
	if err := a.Audit.Record(context.WithoutCancel(r.Context()), e); err != nil {
		a.Log.Error("the end of a download is not on record", "job", f.Job, "file", f.Name, "error", err)
	}
}

// arrived tells whether the client has taken all that was sent.
func (d *delivery) arrived(ctx context.Context) bool {
	return d.failed == nil && http.NewResponseController(d.ResponseWriter).Flush() == nil && taken(ctx)
}

type connKey struct{}

// ConnContext is for http.Server: it lets the API see the connection of a
// request, to tell what the client has taken from what still waits to be sent.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

const (
	// takenPatience is how long a client may take for the last bytes, a few
	// hundred kilobytes at most.
	takenPatience = 2 * time.Minute
	takenLook     = 2 * time.Millisecond
)

// taken waits until the client's machine has acknowledged all that was sent.
// It is false when the client goes away before that, or breaks the connection
// off with bytes unread. Where this cannot be seen, on other systems than Linux
// or behind a proxy, what was sent counts as taken.
func taken(ctx context.Context) bool {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	deadline := time.Now().Add(takenPatience)
	for pause := takenLook; time.Now().Before(deadline); pause = min(2*pause, 100*time.Millisecond) {
		switch s := look(conn); {
		case s.broken:
			return false
		case s.unacknowledged == 0:
			return true
		}
		time.Sleep(pause)
	}
	return false
}

// sending is the state of a connection on which we have sent something.
type sending struct {
	unacknowledged int  // bytes
	broken         bool // by either side
}

// socket finds the system's connection below TLS.
func socket(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}
