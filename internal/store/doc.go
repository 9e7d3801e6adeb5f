// Package store keeps jobs, files, clients, keys, enrollment and imported claims in a
// SQL database: SQLite or PostgreSQL. What differs between the two is in dialect.go.
//
//   - db.go          opening, migrations, transactions
//   - dialect.go     the differences between the databases
//   - statements.go  statements of SQLite that are kept prepared
//   - attach.go      which processes lease steps, and the leases of those that have ended
//   - clock.go, clock_linux.go, clock_other.go  the database's clock
//   - job.go         export.Jobs: what the API reads and changes
//   - queue.go       export.Queue: leases, and what workers change
//   - file.go        the files of a job
//   - delivery.go    export.Deliveries: downloads, counted by delivered bytes
//   - client.go      auth.Clients and auth.Assertions
//   - key.go         auth.Keys
//   - data_key.go    encryption.Store
//   - segment_key.go  encrypting the claims of a load
//   - contract.go    contracts and their switches
//   - attestation.go  the history of attestations
//   - hpms.go        storing what HPMS says of contracts
//   - enrollment.go  export.Roster: enrollment snapshots and opt-outs
//   - load.go        imports of claims, which are published as a whole
//   - claim.go       merging claims into a load
//   - row.go         rows of stored claims
//   - state.go       which rows make up an enrollee's claims, and which of two counts
//   - stored.go      the claims that are stored, as a load sees them
//   - ahead.go       the same of many enrollees at once
//   - delta.go       what a load writes: what it changed, or all claims of an enrollee
//   - fold.go        folding what loads have written into one row
//   - prune.go       deleting rows that are replaced
//   - claim_store.go  whether every process reads what this release writes
//   - mirror.go      passes over an upstream server
//   - mirror_part.go  their parts: leases, and storing what was read
//   - mirror_enrollment.go  enrollment that is read from an upstream server
//   - arrival.go     which claims a load brought that were updated earlier
//   - withdrawal.go  which claims a load took away
//   - home.go        which enrollee has a claim
//   - patients.go    jobs that are limited to some patients
//   - patient.go     what differs between the versions of claims
//   - refresh.go     stored claims written anew: new identifiers, a new allow-list
//   - reader.go      export.Claims: reading the claims of a snapshot
//   - freshness.go   when enrollment and claims were imported
//   - reading.go     what the metrics tell of all processes
//   - audit.go       audit.Log, and reading it
//   - seal.go        chaining the entries of the audit log
//   - retention.go  removing what is over
//   - archive.go   moving audit entries to files
//   - turn.go        whose turn it is to write, where only one can
//   - backup.go      a copy of the database while it is used
//   - account.go     what clients ask operators for
//   - admin.go       what the administration reads and changes
//   - migrations     the tables
package store
