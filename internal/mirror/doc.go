// Package mirror copies claims and enrollment from an upstream FHIR server (BFD) into
// the store, and keeps the copy up to date. Exports read the store only. So an export
// takes seconds, and an outage of the upstream server costs it nobody's claims.
//
// The enrollment of each contract is read by month. The claims of each version are
// read person by person in a pass. The first pass reads all claims of a person; later
// passes read what changed since. The parts of a pass are leased, as those of export
// jobs are, so that several workers on several machines share a pass, and a process
// that is killed costs at most the people whom it had in hand. Exports see what a pass
// has read when it ends, all at once.
//
// The upstream server is not trusted. Each claim is checked and minimized in the same
// way as a claim of a file. A claim of another person is left out. Nothing is deleted,
// and nobody counts as read up to a time, because of an answer without claims: BFD
// gives such answers after faults of its own. A person who cannot be read keeps the
// claims that are stored, and is tried again later.
//
//   - mirror.go      configuration, one round, and the schedule
//   - enrollment.go  the enrollment of a contract
//   - number.go      the patients' numbers of version 3
//   - pass.go        a pass over all people
//   - part.go        a part of a pass: reading people in parallel, storing them in batches
//   - person.go      the claims of one person
//   - report.go      what a pass has read
//   - fault.go       which failures are those of a person, and when to try again
package mirror
