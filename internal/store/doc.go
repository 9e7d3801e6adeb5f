// Package store keeps jobs, files, clients, keys, enrollment and imported claims in a
// SQL database: SQLite or PostgreSQL. What differs between the two is in dialect.go.
//
//   - db.go          opening, migrations, transactions
//   - dialect.go     the differences between the databases
//   - clock.go, clock_linux.go, clock_other.go  the database's clock
//   - job.go         export.Jobs: what the API reads and changes
//   - queue.go       export.Queue: leases, and what workers change
//   - file.go        the files of a job
//   - delivery.go    export.Deliveries: downloads, counted by delivered bytes
//   - client.go      auth.Clients and auth.Assertions
//   - key.go         auth.Keys
//   - contract.go    contracts, their attestations, and their switches
//   - enrollment.go  export.Roster: enrollment snapshots and opt-outs
//   - load.go        imports of claims, which are published as a whole
//   - claim.go       merging claims into a load
//   - home.go        which enrollee has a claim
//   - patients.go    jobs that are limited to some patients
//   - patient.go     what differs between the versions of claims
//   - refresh.go     stored claims written anew: new identifiers, a new allow-list
//   - reader.go      export.Claims: reading the claims of a snapshot
//   - freshness.go   when enrollment and claims were imported
//   - audit.go       audit.Log, and reading it
//   - admin.go       what the administration reads and changes
//   - migrations     the tables
package store
