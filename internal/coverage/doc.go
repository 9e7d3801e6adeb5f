// Package coverage decides whose claims a sponsor may have, and for which
// dates: contracts and their attestation, enrollees and their enrollment
// months, opt-outs, and the rules a claim must satisfy to be delivered.
//
// Everything here is a pure rule: no I/O, no clock, no logging. Dates are
// calendar dates and are compared as such, never as instants, so that no time
// zone can move a claim over the edge of a month.
//
//   - date.go      calendar dates and months
//   - contract.go  a contract and its attestation
//   - attestation.go  the history of an attestation: lapse and return
//   - enrollee.go  an enrollee: identifiers, enrollment months, opt-out
//   - claim.go     the facts about a claim that the rules look at
//   - select.go    the rules, as one verdict per claim
package coverage
