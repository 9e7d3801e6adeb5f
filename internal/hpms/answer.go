package hpms

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/store"
)

// mostFaults is how many faults a report has; all are counted.
const mostFaults = 100

// Answer is what HPMS says of all contracts.
type Answer struct {
	Source    string                   // where it is from, for people
	Digest    string                   // SHA-256 of the answers, in the order in which they were read
	Contracts []store.UpstreamContract // in the order of their numbers
	// SetAside are contracts of which a record was rejected, so that what HPMS says of
	// them is not known. They are not among Contracts.
	SetAside []string
	Ended    []string // are attested, and have an end that has passed
	Rejected int      // records
	Faults   []Fault  // the first of them
}

// builder puts an answer together.
type builder struct {
	answer   Answer
	digest   hash.Hash
	names    map[string]string // of the organizations, by contract
	statuses map[string]Status
	doubtful map[string]bool // contracts that are set aside
}

func newBuilder(source string) *builder {
	return &builder{answer: Answer{Source: source}, digest: sha256.New(), names: map[string]string{}, statuses: map[string]Status{}, doubtful: map[string]bool{}}
}

// reject counts faults, and sets the contracts of the records aside.
func (b *builder) reject(faults ...Fault) {
	for _, f := range faults {
		if f.Contract != "" {
			b.doubtful[f.Contract] = true
		}
	}
	b.answer.Rejected += len(faults)
	b.answer.Faults = append(b.answer.Faults, faults[:min(len(faults), mostFaults-len(b.answer.Faults))]...)
}

// organizations adds those of an answer. Of two names for a contract the first counts.
func (b *builder) organizations(body []byte, list []Organization, faults []Fault) {
	b.digest.Write(body)
	b.reject(faults...)
	for _, o := range list {
		name, had := b.names[o.Contract]
		if had && name != o.Name {
			b.reject(Fault{Place: "contract " + o.Contract, Reason: "it has two organizations in the answer; the first one is taken"})
			continue
		}
		b.names[o.Contract] = o.Name
	}
}

// add adds the statuses of an answer. A contract with two statuses that differ is set
// aside: nobody can tell which one holds.
func (b *builder) add(body []byte, list []Status, faults []Fault) {
	b.digest.Write(body)
	b.reject(faults...)
	for _, s := range list {
		had, twice := b.statuses[s.Contract]
		switch _, known := b.names[s.Contract]; {
		case !known:
			b.reject(Fault{Place: "contract " + s.Contract, Reason: "it has a status, but no organization"})
		case twice && had != s:
			b.setAside(s.Contract, "it has two statuses that differ")
		default:
			b.statuses[s.Contract] = s
		}
	}
}

// setAside leaves a contract as it is.
func (b *builder) setAside(contract, reason string) {
	b.reject(Fault{Place: "contract " + contract, Contract: contract, Reason: reason})
}

// finish gives the answer as of a day.
func (b *builder) finish(today coverage.Date) Answer {
	a := &b.answer
	for _, number := range slices.Sorted(maps.Keys(b.names)) {
		s, known := b.statuses[number]
		if known && s.Attested && s.Day > today {
			b.setAside(number, fmt.Sprintf("attestationDate %s is in the future", s.Day))
		}
		if b.doubtful[number] {
			continue
		}
		u := store.UpstreamContract{Number: number, Sponsor: b.names[number], Statement: coverage.Statement{Known: known, Attested: s.Attested, Day: s.Day}}
		ended := s.HasEnd && s.End <= today
		switch {
		case known && !s.Attested:
			if u.Statement.Day = today; ended {
				u.Statement.Day = s.End
			}
		case ended:
			a.Ended = append(a.Ended, number)
		}
		a.Contracts = append(a.Contracts, u)
	}
	a.SetAside = slices.Sorted(maps.Keys(b.doubtful))
	a.Digest = hex.EncodeToString(b.digest.Sum(nil))
	return *a
}
