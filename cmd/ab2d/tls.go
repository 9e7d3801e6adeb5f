package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// serveTLS puts TLS between the listener and HTTP. HTTP/2 is not offered: that a
// file was delivered is judged by what its connection acknowledged, and in HTTP/2
// several share one.
func (s *server) serveTLS(c *tlsConfig) error {
	settings, err := c.settings(s.log)
	if err != nil {
		return err
	}
	settings.NextProtos = []string{"http/1.1"}
	s.http.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	s.listener = tls.NewListener(s.listener, settings)
	return nil
}

// settings reads the files.
func (c *tlsConfig) settings(log *slog.Logger) (*tls.Config, error) {
	certificate := &certificate{cert: c.TLSCert, key: c.TLSKey, log: log}
	if err := certificate.load(); err != nil {
		return nil, fmt.Errorf("--tls-cert=%s, --tls-key=%s: %w", c.TLSCert, c.TLSKey, err)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
	if c.TLSClientCA != "" {
		pem, err := os.ReadFile(c.TLSClientCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-client-ca: %w", err)
		}
		settings.ClientCAs, settings.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !settings.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-client-ca=%s: it contains no PEM certificate", c.TLSClientCA)
		}
	}
	return settings, nil
}

// certificate is a certificate and its key in files, read again when they
// change. Safe for concurrent use.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	as     [2]time.Time // when the files were changed
}

// get gives the certificate for a handshake. While new files cannot be read, as
// when only one of them is there yet, the one that was stays good.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if err := c.load(); err != nil {
		c.log.Error("the certificate cannot be read again", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loaded, nil
}

func (c *certificate) load() error {
	var as [2]time.Time
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		as[i] = info.ModTime()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if as == c.as {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return errors.Join(errors.New("the certificate and its key do not match, or are not PEM"), err)
	}
	c.loaded, c.as = &pair, as
	return nil
}
