package rest

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/obs"
)

// limitedServer answers /long with many bytes, /wait when release is closed, and
// anything else with "ok".
func limitedServer(t *testing.T, limits ConnLimits, release <-chan struct{}) string {
	t.Helper()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limits.Log = slog.New(slog.DiscardHandler)
	l := NewListener(inner, false, limits)
	s := &http.Server{ConnState: l.ConnState, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = w.Write(make([]byte, 32<<20))
		case "/wait":
			<-release
		}
		_, _ = io.WriteString(w, "ok")
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// dial connects from an address of this machine, and asks for a path.
func dial(t *testing.T, address, from, path string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if path != "" {
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// status is that of the response on a connection; 0 if there is none.
func status(t *testing.T, c net.Conn) (int, http.Header) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// TestListener_RefusesWhenAllAreAtWork: the connection beyond the limit of its
// network gets 503, one of another network is served, and one more when another has
// ended.
func TestListener_RefusesWhenAllAreAtWork(t *testing.T) {
	release := make(chan struct{})
	var refused atomic.Int32
	at := limitedServer(t, ConnLimits{Total: 5, Network: 3, WriteTime: time.Minute, Refused: func() { refused.Add(1) }}, release)
	var busy []net.Conn
	for range 3 {
		busy = append(busy, dial(t, at, "127.0.1.1", "/wait"))
	}
	untilServed(t, at, "127.0.1.2", http.StatusServiceUnavailable)
	got, header := status(t, dial(t, at, "127.0.1.3", "/"))
	if got != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || refused.Load() == 0 {
		t.Errorf("%d %v, %d refused", got, header, refused.Load())
	}
	if got, _ := status(t, dial(t, at, "127.0.2.1", "/")); got != http.StatusOK {
		t.Errorf("of another network: %d", got)
	}
	close(release)
	for _, c := range busy {
		if got, _ := status(t, c); got != http.StatusOK {
			t.Errorf("at work: %d", got)
		}
		c.Close()
	}
	untilServed(t, at, "127.0.1.1", http.StatusOK)
}

// untilServed asks until the status is as wanted.
func untilServed(t *testing.T, at, from string, want int) {
	t.Helper()
	got := 0
	for deadline := time.Now().Add(10 * time.Second); got != want; {
		c := dial(t, at, from, "/")
		got, _ = status(t, c)
		c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("%d, want %d", got, want)
		}
	}
}

// TestListener_SlowOnesMakeRoom: clients that do not read, send nothing or are idle
// do not keep others out.
func TestListener_SlowOnesMakeRoom(t *testing.T) {
	for name, path := range map[string]string{"do not read": "/long", "send nothing": "", "are idle": "/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := limitedServer(t, ConnLimits{Total: 8, Network: 8, WriteTime: time.Minute}, nil)
			for range 8 {
				dial(t, at, "127.0.1.1", path)
			}
			untilServed(t, at, "127.0.2.1", http.StatusOK)
			untilServed(t, at, "127.0.1.1", http.StatusOK)
		})
	}
}

// TestListener_WriteTime: a client that reads nothing is cut off, one that reads
// slowly is not.
func TestListener_WriteTime(t *testing.T) {
	at := limitedServer(t, ConnLimits{Total: 8, Network: 8, WriteTime: 300 * time.Millisecond}, nil)
	deaf, slow := dial(t, at, "127.0.1.1", "/long"), dial(t, at, "127.0.1.1", "/long")
	began := time.Now()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, pausing{slow}, make([]byte, 256<<10))
	if n < 32<<20 {
		t.Errorf("a slow reader got %d bytes, %v", n, err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Skipf("it was not slow: %s", took)
	}
	if n, _ := io.Copy(io.Discard, deaf); n >= 32<<20 {
		t.Error("one that read nothing for longer than it may got everything")
	}
}

// pausing reads with pauses.
type pausing struct{ net.Conn }

func (p pausing) Read(b []byte) (int, error) {
	<-time.After(5 * time.Millisecond)
	if err := p.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// TestListener_Cut: a deadline in the past ends a write at once, whatever rolls.
func TestListener_Cut(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	l := NewListener(nil, false, ConnLimits{Total: 1, Network: 1, WriteTime: time.Minute})
	c := &conn{Conn: server, listener: l}
	done := make(chan error)
	go func() {
		_, err := c.Write(make([]byte, 1<<20))
		done <- err
	}()
	if _, err := client.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetWriteDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("it writes on")
	}
}

// TestListener_Proxies: a trusted proxy may have as many connections as there are in
// all.
func TestListener_Proxies(t *testing.T) {
	proxies, err := obs.ParseProxies([]string{"127.0.3.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	defer close(release)
	at := limitedServer(t, ConnLimits{Total: 20, Network: 2, WriteTime: time.Minute, Proxies: proxies}, release)
	for i := range 10 {
		dial(t, at, "127.0.3."+strconv.Itoa(i+1), "/wait")
	}
	if got, _ := status(t, dial(t, at, "127.0.3.1", "/")); got != http.StatusOK {
		t.Errorf("%d", got)
	}
}
