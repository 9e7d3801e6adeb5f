// Package obs is what the operator sees: logs and request ids.
//
//   - log.go   the logger
//   - http.go  request ids, the access log, and panics
//   - crash.go, crash_on.go  points at which tests let a process die
package obs
