package main

import (
	"net/http"
	"time"

	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// limitConfig bounds what connections and clients can take of a server.
type limitConfig struct {
	MaxConnections        int           `help:"Connections that this process accepts at the same time. It is lowered to two thirds of the files that the process may open." default:"2000" placeholder:"N"`
	MaxNetworkConnections int           `help:"Connections from one network, which is a /24 of IPv4 or a /64 of IPv6. Trusted proxies are not counted." default:"500" placeholder:"N"`
	WriteTimeout          time.Duration `help:"How long a client can take for each 64 KiB of a response." default:"30s" placeholder:"DURATION"`
	ClientRateFactor      float64       `help:"Multiplies the requests per second that this process accepts from a client: 5 for tokens, 50 status requests, 5 lists, 1 kick-off or deletion, 50 requests for files. A minute's worth can come faster. 0: no limit." default:"1" placeholder:"N"`
}

// defaultLimits are those of the flags.
func defaultLimits() limitConfig {
	return limitConfig{MaxConnections: 2000, MaxNetworkConnections: 500, WriteTimeout: 30 * time.Second, ClientRateFactor: 1}
}

func (c *limitConfig) validate(f *faults) {
	f.add(c.MaxConnections < 10, "--max-connections=%d: must be 10 or more", c.MaxConnections)
	f.add(c.MaxNetworkConnections < 1, "--max-network-connections=%d: must be 1 or more", c.MaxNetworkConnections)
	f.add(!(c.ClientRateFactor >= 0 && c.ClientRateFactor <= 1e6), "--client-rate-factor=%g: must be 0 to 1000000", c.ClientRateFactor)
	f.add(c.WriteTimeout < time.Second, "--write-timeout=%s: must be a second or more, for example 30s", c.WriteTimeout)
}

// limitConnections puts the limits between the listener and HTTP.
func (s *server) limitConnections(c *config, proxies obs.Proxies) {
	total := c.MaxConnections
	if files := descriptors() * 2 / 3; files > 0 && files < total {
		s.log.Warn("--max-connections is lowered, because this process may not open enough files (ulimit -n)", "connections", files)
		total = files
	}
	limited := rest.NewListener(s.listener, c.TLSCert != "", rest.ConnLimits{
		Total: total, Network: min(c.MaxNetworkConnections, max(1, total/2)), WriteTime: c.WriteTimeout, Proxies: proxies, Refused: s.metrics.ConnectionRefused, Log: s.log,
	})
	s.listener, s.http.ConnState = limited, limited.ConnState
}

// bodyTime is how long any request's body may take, also one that nobody reads.
const bodyTime = 30 * time.Second

// timelyBodies bounds the time of all bodies, also of those that the pages ignore.
func timelyBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // the server's writer can
		}
		next.ServeHTTP(w, r)
	})
}
