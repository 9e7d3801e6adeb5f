// Package synth is a source of synthetic people and their Medicare Part A and
// B claims. Nothing is stored: every value is computed from a seed number when
// it is asked for, the same on every machine and on every run. It implements
// export.Roster and export.Claims.
//
// A person is a function of (seed, index), and so is the person's life: joining,
// leaving and coming back, a move to another sponsor, new MBIs, opting out,
// death. A calendar month of a person has thirty-two slots. In sixteen of them
// everyday care has a claim or not, the others are for the episode that may
// begin in the month (hospital, then nursing facility, home health care,
// equipment) and for hospice care. What a slot holds is drawn from a stream of
// random numbers of its own, (seed, person, month, slot).
//
// A claim has a history: it is loaded in a weekly run some weeks after the
// service, may be changed by further versions or cancelled, and may be stamped
// anew by the one bulk reload. Everything is asked for as of a moment, which
// comes from outside (a job's snapshot and transactionTime): claims and
// versions loaded later are not there yet, and a version that is replaced later
// is still active. So the same seed and moment give the same bytes, a running
// sandbox has new claims every week, and what an earlier look saw changes only
// together with its lastUpdated.
//
// A claim is first only its facts (type, dates, lastUpdated); its details are
// drawn from another stream when the sink wants it, and written by one of two
// writers that tell the same story in STU3 and in R4, and can write both raw, as
// an upstream holds them, and reduced to what leaves. Some claims must never
// leave; those are written raw and read by package eob, as imported ones are,
// so that the sandbox really filters.
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
//   - enrolment.go  who is with which sponsor, moves between them
//   - person.go     one person: demography, conditions, providers
//   - life.go       joining, leaving, death, opt-out, new MBIs
//   - identifier.go MBI, NPI, CCN, claim and group ids
//
// Which claims:
//   - claims.go     months, slots and versions, offered to the sink
//   - facts.go      a claim's type and dates
//   - episode.go    an admission and what follows it
//   - history.go    weekly loads, versions, cancellations, the bulk reload
//   - withheld.go   claims that must never leave
//   - model.go      a claim as a struct, the same for both versions
//   - professional.go, institutional.go, drug.go  its details
//
// For those who test:
//   - truth.go      which claims an export must deliver, computed in another way
//   - dataset.go    raw claims, enrolment, contracts and opt-outs, as files
//   - statistics.go what there is, counted
//
// How they are written:
//   - buffer.go     appending text, numbers, dates and money
//   - stu3.go, stu3item.go  version 1
//   - r4.go, r4item.go      version 2
//   - raw.go, stu3raw.go, r4raw.go  what only a raw claim has
//
// From what:
//   - random.go     the mixer and streams of random numbers
//   - claimtype.go  codings of the seven claim types
//   - condition.go, diagnosis.go, service.go, stay.go, state.go,
//     specialty.go  code tables, each with its source
package synth
