// Package random makes random numbers that depend on a key alone. A key can be
// derived from another key and a label, so that each person, month and claim has
// streams of its own. Drawing more numbers from one stream changes nothing in
// another.
//
// The sequences must never change with a new version of a library. That is why
// this package does not use math/rand.
package random
