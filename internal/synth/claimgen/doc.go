// Package claimgen makes the claims of synthetic people.
//
// A calendar month of a person has thirty-two slots. Sixteen of them hold everyday
// care, each a claim or nothing. The others hold the steps of an episode that
// begins in the month (hospital, nursing facility, home health care, equipment)
// and hospice care. Each slot has a random stream of its own, which depends on the
// seed, the person, the month and the slot.
//
// A claim has a history. It is loaded in a weekly run some weeks after the service.
// Later it may be changed by further versions, canceled, or stamped again by the
// one bulk reload. Callers ask for claims as of a moment. Claims and versions that
// are loaded later are not there yet, and a version that is replaced later is still
// active. So the same seed and moment always give the same claims. Version 3 of the API
// sees the same history: of each claim the newest version, from the Monday before the
// weekly run on, and nothing of a claim that is canceled without a replacement.
//
// A claim first has only its facts: type, dates and lastUpdated. [Claim.Detail]
// draws the rest from another stream, when the claim is wanted.
//
// Some claims must never be delivered. Their [Nature] says why. They exist so that
// every filter of an export has something to reject.
package claimgen
