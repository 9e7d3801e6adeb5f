package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// errCut is what both sides of a connection see that broke off.
var errCut = errors.New("the connection broke off")

// network carries the requests of a sponsor to one of the servers.
type network struct{ caller }

// requests are what can happen to a request on its way.
var requests = of(failBefore, loseAfter, slowBefore, slowAfter, killBefore, killAfter, freezeBefore, freezeAfter)

// RoundTrip sends a request to a server that is chosen as a load balancer does.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	body := []byte(nil)
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = b
	}
	var x *exchange
	lost := false
	_, err := do(req.Context(), n.caller, request(req), requests&^of(loseAfter), func(ctx context.Context) (struct{}, error) {
		v, err := n.w.ask(ctx, n.caller, "Route", of(loseAfter))
		if err != nil {
			return struct{}{}, err
		}
		lost = v.kind == loseAfter
		server := n.w.route(v.choice)
		if server == nil {
			return struct{}{}, errCut
		}
		x = newExchange(n, server, req)
		server.serve(x, req, body)
		return struct{}{}, x.await(ctx)
	})
	if err == nil && lost {
		err = errCut
	}
	if err != nil {
		if x != nil {
			x.hangUp(lost)
		}
		return nil, err
	}
	return x.response(req), nil
}

// request names a request without what differs from run to run.
func request(req *http.Request) string {
	path := req.URL.Path
	switch {
	case strings.Contains(path, "/file/"):
		return req.Method + " file"
	case strings.Contains(path, "$status"):
		return req.Method + " status"
	case strings.Contains(path, "$export"):
		return req.Method + " export"
	case strings.Contains(path, "token"):
		return req.Method + " token"
	}
	return req.Method + " other"
}

// route chooses a live server; nil when there is none.
func (w *world) route(choice uint32) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var live []*process
	for _, p := range w.processes {
		if p.api != nil && !p.dead {
			live = append(live, p)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[int(choice)%len(live)]
}

// exchange is a request and its response. Bytes count as sent when the client has
// read them.
type exchange struct {
	net    *network
	server *process
	path   string
	files  *sentFile // nil if it is not about a file

	mu       sync.Mutex
	header   http.Header
	status   int
	started  bool
	ready    chan struct{} // closed when the response begins
	pieces   chan []byte
	taken    chan struct{}
	ended    chan struct{} // closed when the handler has returned
	broken   bool          // the handler broke the response off
	gone     chan struct{} // closed when the client went away
	goneOnce sync.Once
	cutOff   chan struct{} // closed when the server lets no more be written
	cutOnce  sync.Once
	cancel   context.CancelFunc
	left     []byte
	offset   int64
	gzip     bool
}

func newExchange(n *network, server *process, req *http.Request) *exchange {
	x := &exchange{net: n, server: server, path: req.URL.Path, header: http.Header{}, ready: make(chan struct{}), pieces: make(chan []byte), taken: make(chan struct{}),
		ended: make(chan struct{}), gone: make(chan struct{}), cutOff: make(chan struct{})}
	return x
}

// serve answers a request in the server's process.
func (p *process) serve(x *exchange, req *http.Request, body []byte) {
	ctx, cancel := context.WithCancel(p.ctx)
	x.cancel = cancel
	actor := p.w.number(x.net.actor + " at " + p.name)
	r := req.Clone(context.WithValue(ctx, actorKey{}, strings.ReplaceAll(actor, " ", "-")))
	r.Body, r.RequestURI, r.RemoteAddr, r.Host = io.NopCloser(bytes.NewReader(body)), req.URL.RequestURI(), "192.0.2.1:1", req.URL.Host
	handler := p.api.handler
	p.goes(func() {
		defer close(x.ended)
		defer cancel()
		defer func() {
			if e := recover(); e != nil {
				x.broken = true
				if err, ok := e.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					p.w.judge.fail("a handler panicked: %v", e)
				}
			}
		}()
		handler.ServeHTTP(x, r)
		x.begin(http.StatusOK)
	})
}

type actorKey struct{}

// Header, WriteHeader and Write are the server's side.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader begins the response.
func (x *exchange) WriteHeader(status int) { x.begin(status) }

func (x *exchange) begin(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.started {
		return
	}
	x.started, x.status = true, status
	x.header.Set("Date", x.server.now().UTC().Format(http.TimeFormat))
	close(x.ready)
}

func (x *exchange) Write(b []byte) (int, error) {
	x.begin(http.StatusOK)
	written := 0
	for piece := range pieces(b) {
		select {
		case x.pieces <- piece:
		case <-x.gone:
			return written, errCut
		case <-x.cutOff:
			return written, errCut
		case <-x.net.w.over:
			return written, errOver
		}
		select {
		case <-x.taken:
		case <-x.gone:
			return written, errCut
		case <-x.net.w.over:
			return written, errOver
		}
		written += len(piece)
	}
	return written, nil
}

// pieceBytes is how much goes at a time.
const pieceBytes = 700

func pieces(b []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), pieceBytes)
			if !yield(bytes.Clone(b[:n])) {
				return
			}
			b = b[n:]
		}
	}
}

// FlushError does nothing: all that is written is taken.
func (x *exchange) FlushError() error { return nil }

// SetReadDeadline does nothing: the request has arrived.
func (x *exchange) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline with a time that is past ends the response.
func (x *exchange) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(x.net.w.now()) {
		x.cutOnce.Do(func() { close(x.cutOff) })
	}
	return nil
}

// await waits until the response begins.
func (x *exchange) await(ctx context.Context) error {
	select {
	case <-x.ready:
		return nil
	case <-x.ended:
		return errCut
	case <-x.server.died:
		return errCut
	case <-x.net.w.over:
		return errOver
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hangUp is the end of the client's side. Where only the answer was lost, the server
// goes on with what was asked.
func (x *exchange) hangUp(lost bool) {
	x.goneOnce.Do(func() { close(x.gone) })
	if !lost {
		x.cancel()
	}
}

// response is the client's side.
func (x *exchange) response(req *http.Request) *http.Response {
	x.mu.Lock()
	defer x.mu.Unlock()
	resp := &http.Response{StatusCode: x.status, Status: http.StatusText(x.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: x.header.Clone(),
		Body: &body{x: x, ctx: req.Context()}, ContentLength: -1, Request: req}
	if strings.Contains(x.path, "/file/") && (x.status == http.StatusOK || x.status == http.StatusPartialContent) {
		x.files = x.net.w.judge.sending(x)
	}
	return resp
}

// body is the body of a response as the client reads it.
type body struct {
	x   *exchange
	ctx context.Context
}

func (b *body) Read(p []byte) (int, error) {
	x := b.x
	if len(x.left) == 0 {
		if x.server.isDead() {
			return 0, errCut
		}
		select {
		case <-x.gone:
			return 0, errCut
		case <-x.server.died:
			return 0, errCut
		case <-x.net.w.over:
			return 0, errOver
		case <-b.ctx.Done():
			return 0, context.Cause(b.ctx)
		case <-x.cutOff:
			return 0, errCut
		case piece := <-x.pieces:
			if err := b.take(piece); err != nil {
				return 0, err
			}
		case <-x.ended:
			if x.broken {
				return 0, io.ErrUnexpectedEOF
			}
			return 0, io.EOF
		}
	}
	if x.net.isDead() {
		<-x.net.w.over
		return 0, errOver
	}
	n := copy(p, x.left)
	x.left = x.left[n:]
	return n, nil
}

// take takes a piece of the body, unless the connection breaks off before.
func (b *body) take(piece []byte) error {
	x := b.x
	can := kinds(0)
	if x.files != nil {
		can = of(cut, killBefore, slowBefore, freezeBefore)
	}
	v, err := x.net.w.ask(b.ctx, x.net.caller, "Read", can)
	switch {
	case err != nil:
		x.hangUp(false)
		return err
	case v.kind == killBefore:
		x.hangUp(false)
		return x.net.die()
	case v.kind == cut:
		x.hangUp(false)
		return errCut
	}
	x.left = piece
	if x.files != nil {
		x.net.w.judge.delivered(x, int64(len(piece)))
	}
	select {
	case x.taken <- struct{}{}:
	case <-x.server.died:
	case <-x.net.w.over:
	}
	return nil
}

// Close breaks off what has not been read.
func (b *body) Close() error {
	select {
	case <-b.x.ended:
	default:
		b.x.hangUp(false)
	}
	return nil
}
