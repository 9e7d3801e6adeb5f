// Package obs is what the operator sees: logs, request ids, and where a request
// comes from.
//
//   - log.go   the logger
//   - http.go  request ids, the access log, and panics
//   - proxy.go  whose X-Forwarded headers are believed
//   - caller.go  the address that a request comes from
//   - shown.go  addresses without secrets, and texts that cannot act on a terminal
//   - trace.go  spans of traces, and the id of a trace in the log
//   - space.go, space_linux.go, space_other.go  what is free on a disk
//   - limit.go  how often something may happen
//   - metrics.go  what Prometheus reads
//   - event.go  metrics of what this process did
//   - reading.go  metrics that are read from the database
//   - resource.go, disk.go, disk_other.go  metrics of disks and database connections
//   - profile.go  where time and memory go, for pprof
//   - crash.go, crash_on.go  points at which tests let a process die
package obs
