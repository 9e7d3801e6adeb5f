package rest

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"ab2d/internal/obs"
)

// ConnLimits bound the connections of a server.
type ConnLimits struct {
	Total   int // connections, 1 or more
	Network int // of them from one network (/24 for IPv4, /64 for IPv6), 1 or more
	// WriteTime is how long a client may take for each 64 KiB of a response.
	WriteTime time.Duration
	// Proxies are trusted, and not counted as a network: they come for many.
	Proxies obs.Proxies
	// Refused is told of each connection that is refused or closed for another.
	// Optional.
	Refused func()
	Log     *slog.Logger
}

// Listener accepts connections within limits. When there are as many as may be, the
// connection makes room whose client has kept it waiting for longest: one that does
// not read its response, sends no request, or is idle. If all are at work, the new
// connection gets 503 with Retry-After. Safe for concurrent use.
type Listener struct {
	net.Listener
	limits ConnLimits
	tls    bool // so that a refusal in plain text would not be read

	mu       sync.Mutex
	conns    map[*conn]struct{}
	networks map[string]int
	warned   time.Time
	refused  int           // since the last warning
	refusing chan struct{} // full while as many refusals are written as may be
}

// NewListener limits the connections of l. With isTLS, a TLS listener is put around
// the result.
func NewListener(l net.Listener, isTLS bool, limits ConnLimits) *Listener {
	return &Listener{Listener: l, tls: isTLS, limits: limits, conns: map[*conn]struct{}{}, networks: map[string]int{}, refusing: make(chan struct{}, refusalsAtOnce)}
}

const (
	// waitForRoom is how long a client must have kept a connection waiting before
	// that is closed for another one.
	waitForRoom = 500 * time.Millisecond
	// warnEvery is between two warnings about refused connections.
	warnEvery = 10 * time.Second
	// refusalsAtOnce bounds the refusals that are written at the same time; others
	// are closed without one.
	refusalsAtOnce = 16
	// refusalTime bounds writing one.
	refusalTime = time.Second
)

// Accept waits for the next connection within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.admit(inner); c != nil {
			return c, nil
		}
		l.refuse(inner)
	}
}

// admit counts a connection; nil if there is no room.
func (l *Listener) admit(inner net.Conn) *conn {
	c := &conn{Conn: inner, listener: l, network: l.network(inner)}
	c.idle(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	full := len(l.conns) >= l.limits.Total
	crowded := c.network != "" && l.networks[c.network] >= l.limits.Network
	if (full || crowded) && !l.makeRoom(c.network, crowded) {
		return nil
	}
	l.conns[c] = struct{}{}
	l.networks[c.network]++
	return c
}

// network names the network of a connection; "" for a trusted proxy.
func (l *Listener) network(c net.Conn) string {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || l.limits.Proxies.Trusts(at.Addr().Unmap()) {
		return ""
	}
	return obs.Network(at.Addr())
}

// makeRoom closes the connection whose client has kept it waiting for longest: of
// the network that has too many, or else of the one that has the most.
func (l *Listener) makeRoom(network string, crowded bool) bool {
	if !crowded {
		for n, count := range l.networks {
			if count > l.networks[network] {
				network = n
			}
		}
	}
	var worst *conn
	longest := waitForRoom
	now := time.Now()
	for c := range l.conns {
		if waits := c.waits(now); c.network == network && waits >= longest {
			worst, longest = c, waits
		}
	}
	if worst == nil {
		return false
	}
	l.forget(worst)
	l.note()
	_ = worst.Conn.Close()
	return true
}

func (l *Listener) forget(c *conn) {
	if _, there := l.conns[c]; !there {
		return
	}
	delete(l.conns, c)
	if l.networks[c.network]--; l.networks[c.network] == 0 {
		delete(l.networks, c.network)
	}
}

// note counts what was refused, and warns of it now and then.
func (l *Listener) note() {
	if l.limits.Refused != nil {
		l.limits.Refused()
	}
	l.refused++
	if now := time.Now(); now.Sub(l.warned) >= warnEvery {
		l.limits.Log.Warn("connections were refused or closed, because there are too many", "refused", l.refused, "connections", len(l.conns), "networks", len(l.networks))
		l.warned, l.refused = now, 0
	}
}

// refusal is the response to a connection for which there is no room.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: text/plain\r\nContent-Length: 75\r\nConnection: close\r\n\r\n" +
	"Too many connections to this server are open. Try again in a few seconds.\r\n"

func (l *Listener) refuse(c net.Conn) {
	l.mu.Lock()
	l.note()
	l.mu.Unlock()
	select {
	case l.refusing <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	go func() {
		defer func() { <-l.refusing }()
		defer c.Close()
		if l.tls {
			return
		}
		_ = c.SetDeadline(time.Now().Add(refusalTime))
		if _, err := c.Write([]byte(refusal)); err != nil {
			return
		}
		if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = c.Read(make([]byte, 4<<10)) // its request; to close with bytes unread would destroy the refusal
		}
	}()
}

// ConnState is for http.Server: it tells which connections wait for a request.
func (l *Listener) ConnState(c net.Conn, state http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*conn); ok {
		c.idle(state == http.StateNew || state == http.StateIdle)
	}
}
