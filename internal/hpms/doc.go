// Package hpms brings contracts and their attestations from CMS's Health Plan Management
// System (HPMS) into the store, as CMS's AB2D does. [Sync] does all of it, and a scheduler
// can call it.
//
//   - sync.go     reading, storing, and the report
//   - answer.go   what the two answers of HPMS say together
//   - record.go   the records of the answers: organizations and statuses
//   - file.go     answers from files
//   - client.go   configuration, and the calls of a run
//   - call.go     one call: its deadline and its bounds
//   - token.go    the token of the calls
//   - retry.go    which failures are tried again, and when
//   - error.go    what failed, and how
//
// HPMS has no change feed: each run reads all organizations, and then the status of each
// contract. What HPMS does not say is not known, and changes nothing. AB2D takes it for a
// lapse, and so loses attestations when HPMS answers with nothing.
//
// The secret of the key and the token get into no error and no log, and neither does text
// that HPMS wrote, but for values of records that are rejected.
package hpms
