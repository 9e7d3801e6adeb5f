//go:build !windows && !plan9

package main

import (
	"fmt"
	"io"
	"log/syslog"
	"net/url"

	"ab2d/internal/obs"
)

// openSyslog opens a syslog for the record: "local" is the machine's, others are
// udp://HOST:PORT and tcp://HOST:PORT.
func openSyslog(address string) (io.WriteCloser, error) {
	network, host := "", ""
	if address != "local" {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "udp" && u.Scheme != "tcp" || u.Port() == "" || u.Path != "" {
			return nil, &usageError{fmt.Errorf("%s: write local, udp://HOST:PORT or tcp://HOST:PORT", obs.HideSecrets(address))}
		}
		network, host = u.Scheme, u.Host
	}
	return syslog.Dial(network, host, syslog.LOG_AUTHPRIV|syslog.LOG_INFO, "ab2d-audit")
}
