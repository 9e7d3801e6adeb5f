// Package synth is a source of synthetic people and their Medicare Part A and
// B claims. Nothing is stored: every value is computed from a seed number when
// it is asked for, the same on every machine and on every run. It implements
// export.Roster and export.Claims.
//
// A person is a function of (seed, index). A calendar month of a person has
// sixteen slots, and each slot holds a claim or not by a stream of random
// numbers of its own, (seed, person, month, slot); so a later month, or a
// later time of asking, never changes an earlier claim. A claim is first only
// its facts (type, dates, lastUpdated); its details are drawn from another
// stream when the sink wants it, and written by one of two writers that tell
// the same story in STU3 and in R4.
//
// People, providers and identifiers are recognisably synthetic: ids are
// negative, an MBI has the letter S in its second place, an NPI begins with 8
// (organizations) or 9 (people). Code tables hold only code systems that are
// free to use; there is no CPT.
//
// Who:
//   - sponsor.go    the sandbox's sponsors and their published credentials
//   - source.go     Source, and the numbers that name people
//   - roster.go     contracts, snapshots and pages of enrollees
//   - person.go     one person: demography, conditions, providers
//   - enrolment.go  enrolment months and opt-out
//   - identifier.go MBI, NPI, CCN, claim and group ids
//
// Which claims:
//   - claims.go     months and slots, offered to the sink
//   - facts.go      a claim's type, dates and weekly load
//   - model.go      a claim as a struct, the same for both versions
//   - professional.go, institutional.go  its details
//
// How they are written:
//   - buffer.go     appending text, numbers, dates and money
//   - stu3.go, stu3item.go  version 1
//   - r4.go, r4item.go      version 2
//
// From what:
//   - random.go     the mixer and streams of random numbers
//   - claimtype.go  codings of the seven claim types
//   - condition.go, diagnosis.go, service.go, stay.go, state.go,
//     specialty.go  code tables, each with its source
package synth
