// Package store keeps jobs, parts, files, clients and signing keys in a SQL
// database. One Go code serves SQLite and, later, PostgreSQL; what differs
// stands in dialect.go.
//
//   - db.go       opening, migrations, transactions
//   - dialect.go  the differences between the databases
//   - job.go      export.Jobs: what the API asks
//   - queue.go    export.Queue: leases and what workers change
//   - file.go     the files of a job and their deliveries
//   - client.go   auth.Clients and auth.Assertions
//   - key.go      auth.Keys
//   - contract.go contracts, their attestations, and which are disabled
//   - audit.go    audit.Log, and reading it
//   - admin.go    what the administration sees and changes: maintenance, admin tokens, leases
//   - migrations  the tables
package store
