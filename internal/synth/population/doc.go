// Package population computes synthetic people: demographics, chronic conditions,
// providers, enrollment, identifiers, opt-outs and deaths.
//
// A person is a function of the seed and an index. So is everything that happens
// to the person: joining, leaving and coming back, a move to another sponsor, new
// MBIs, opting out and death. Nothing is stored, and nothing depends on the time
// at which it is asked for. A later time only shows more of the same life.
//
// Identifiers are recognizably synthetic. Ids are negative, an MBI has the letter
// S in its second position, and an NPI begins with 8 (organizations) or 9 (people).
package population
