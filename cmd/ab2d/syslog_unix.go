//go:build !windows && !plan9

package main

import (
	"io"
	"log/syslog"
)

// openSyslog opens the machine's syslog for the record.
func openSyslog() (io.WriteCloser, error) {
	return syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_INFO, "ab2d-audit")
}
