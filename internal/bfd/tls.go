package bfd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"ab2d/internal/obs"
)

// transport sends requests with the certificate and the authorities that are in the
// files now. When these change, new connections are made with what they hold then.
// When they cannot be read, those that were read last stay. Safe for concurrent use.
type transport struct {
	config *Config

	mu      sync.Mutex
	stamp   [5]stamp
	current *http.Transport
}

// stamp tells whether a file has changed.
type stamp struct {
	modified time.Time
	size     int64
}

// newTransport reads the files, all of which must be there.
func newTransport(c *Config) (*transport, error) {
	t := &transport{config: c}
	t.stamp = t.stamps()
	var err error
	t.current, err = t.load()
	return t, err
}

// RoundTrip sends a request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.fresh().RoundTrip(r)
}

// CloseIdleConnections closes those that no request uses.
func (t *transport) CloseIdleConnections() { t.fresh().CloseIdleConnections() }

// fresh gives the transport of the files as they are now.
func (t *transport) fresh() *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.stamps()
	if now == t.stamp {
		return t.current
	}
	// A file that is half written changes once more, and is then read again.
	t.stamp = now
	next, err := t.load()
	if err != nil {
		t.config.Log.Error("the certificate for BFD has changed but cannot be read; the old one is used", slog.Any("error", err))
		return t.current
	}
	t.current.CloseIdleConnections()
	t.current = next
	return next
}

func (t *transport) stamps() (s [5]stamp) {
	c := t.config
	for i, name := range []string{c.Certificate, c.Key, c.Authorities, c.PKCS12, c.PKCS12Password} {
		if info, err := os.Stat(name); name != "" && err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// load reads the files.
func (t *transport) load() (*http.Transport, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.config.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(t.config.Certificate, t.config.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate and its key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if t.config.PKCS12 != "" {
		pair, err := readPKCS12(t.config.PKCS12, t.config.PKCS12Password)
		if err != nil {
			return nil, fmt.Errorf("read the PKCS#12 file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if t.config.Authorities != "" {
		pem, err := os.ReadFile(t.config.Authorities)
		if err != nil {
			return nil, fmt.Errorf("read the authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("read the authorities: the file has no certificate in PEM")
		}
	}
	return &http.Transport{
		Proxy:               obs.Proxy,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSClientConfig:     c,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: t.config.InFlight,
		IdleConnTimeout:     10 * time.Second, // shorter than gateways keep them
	}, nil
}
