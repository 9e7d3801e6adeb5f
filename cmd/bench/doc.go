// Command bench measures what docs/performance.md states, and holds it against
// what must be reached. It makes its own data, runs the real program, checks
// every result before it prints a figure, and measures the machine's limits in
// the same run.
//
//   - main.go    the order of things
//   - table.go   rows, the table and its JSON
//   - history.go  earlier runs, and ratios that got worse
//   - ratio.go   ratios that hardly depend on the machine
//   - processor.go  processor time of a process
//   - limits.go  what the machine can do at most
//   - claims.go  generating and minimizing claims, in this process
//   - server.go  the real program: started, asked, stopped
//   - export.go  exports, imports, memory
//   - download.go  downloads, compared with net/http
//   - weekly.go  weekly loads, and the exports after them
//   - encrypted.go  imports, exports and downloads with encryption
//   - client.go  ab2d export and its memory
//   - mirror.go  copying claims from an upstream server
//   - latency.go  how long requests take
//   - scale.go   cost by number of enrollees; several workers on PostgreSQL
//   - million.go  a contract of ten million enrollees
package main
