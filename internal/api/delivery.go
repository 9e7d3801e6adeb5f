package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
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
	// begin is called before the first byte is sent. If it fails, none is.
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
	d.To = d.Size
	if status == http.StatusPartialContent {
		var last int64
		if _, err := fmt.Sscanf(d.header.Get("Content-Range"), "bytes %d-%d/", &d.From, &last); err != nil {
			d.status, d.failed = http.StatusInternalServerError, fmt.Errorf("parse our own Content-Range: %w", err)
		}
		d.To = last + 1
	}
	if d.sends() {
		if err := d.begin(); err != nil {
			d.status, d.failed = http.StatusInternalServerError, err
		}
	}
	if d.status >= 400 {
		return
	}
	if d.sends() {
		d.header.Set("Content-Length", strconv.FormatInt(d.To-d.From, 10))
	}
	d.To = d.From // nothing was sent yet
	maps.Copy(d.ResponseWriter.Header(), d.header)
	d.ResponseWriter.WriteHeader(status)
}

// sends tells whether the answer is the file or a range of it.
func (d *delivery) sends() bool {
	return d.status == http.StatusOK || d.status == http.StatusPartialContent
}

// rejection is the error where ServeContent would write one of its own; nil
// when it did not.
func (d *delivery) rejection() error {
	switch {
	case d.status < 400:
		return nil
	case d.status == http.StatusInternalServerError && d.failed != nil:
		return d.failed
	case d.status == http.StatusRequestedRangeNotSatisfiable:
		e := rest.Errorf(d.status, fhir.CodeInvalid, "The Range cannot be sent: the file has %d bytes. Write Range: bytes=FIRST-, or leave it out.", d.Size)
		e.Header = map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", d.Size)} // RFC 9110 §15.5.17
		return e
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

// ReadFrom copies what ServeContent reads. A failure to read is kept, which
// ServeContent would ignore.
func (d *delivery) ReadFrom(from io.Reader) (int64, error) {
	if d.status >= 400 {
		return 0, d.failed
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{d.ResponseWriter}, from, make([]byte, copyBuffer))
	return n, d.sent(n, err)
}

// copyBuffer is how much is read and sent at a time.
const copyBuffer = 256 << 10

func (d *delivery) sent(n int64, err error) error {
	d.To += n
	if err != nil {
		d.failed = err
	}
	return err
}

// ended says how a download ended. What went wrong after the first byte was
// sent breaks the connection off, so that nobody takes a part for the whole.
func (a *API) ended(r *http.Request, c call, f *export.File, d *delivery) error {
	if errors.Is(d.failed, export.ErrDamaged) || errors.Is(d.failed, export.ErrNoFile) {
		err := a.unread(r, c, f, d.failed)
		if d.status >= 400 {
			return err // nothing was sent
		}
		panic(http.ErrAbortHandler)
	}
	return d.rejection()
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
