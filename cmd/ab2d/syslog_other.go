//go:build windows || plan9

package main

import (
	"errors"
	"io"
)

// openSyslog is for systems that have one.
func openSyslog(string) (io.WriteCloser, error) {
	return nil, errors.New("syslog is not available on this system")
}
