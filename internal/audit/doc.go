// Package audit is the record of who asked for what and what was done: every
// token, export, download, refusal and act of an administrator. Each entry is
// chained to the one before it by a hash, so that a change or a removal shows.
//
// An entry is durable before what it tells of leaves the process: a change in
// the database and its entry are one transaction, a token is not answered and
// the first byte of a file not sent before their entries are stored. An entry
// holds no claim, no identifier of a person and no secret.
//
//   - entry.go  what an entry says, and the chain
//   - archive.go  files of entries that left the database
//   - facts.go  who asks, from where: known once a request, told to all entries about it
package audit
