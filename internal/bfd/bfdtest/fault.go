package bfdtest

import (
	"net/http"
	"time"
)

// Mode is a kind of failure.
type Mode uint8

// The kinds of failure.
const (
	None             Mode = iota
	Status                // answers with Fault.Status and a text, and Retry-After if set
	Reset                 // breaks the connection before an answer
	Page                  // 200 with a page of HTML, as gateways answer
	Redirect              // 307 to another host
	Stop                  // half a body, then the connection breaks
	Cut                   // half a body, which ends as if it were whole
	Tail                  // all of a body but its last byte, as if it were whole
	Slow                  // half a body, and then nothing until the client gives up
	Empty                 // 200 with an empty Bundle: what BFD answers after a fault of its own
	ForeignLink           // the next link names another host
	ForeignPatient        // the next link names another patient
	SelfLink              // the next link leads to the same page
	FirstLink             // the next link leads to the first page
	EmptyPages            // pages without entries, each with a link to another one
	Bare                  // the next link has none of the parameters but the offset
	Repeat                // the last entry of a page is the first of the next, too
	Gzip                  // gzipped whether asked or not
	Big                   // a text of Fault.Size bytes in the Bundle
	Outcome               // an OperationOutcome among the entries
	OldYear               // people have a reference year before the one that was asked for
	Merged                // a person's record replaces another one, which is in the answer too
	Double                // two records have the MBI, and nothing tells which of them counts
	Stranger              // the record found by MBI is that of somebody else
	Drug                  // Part D events in the answer, although the query excludes them
	Shared                // claims of the shared systems in the answer of version 3, in spite of the query
	Part2                 // claims of substance use treatment in the answer, in spite of the query
	Preauthorization      // a prior authorization in the answer, in spite of the query
	OtherPatient          // a claim of somebody else in the answer
	NoTime                // the first claim of a page has no meta.lastUpdated
	NoPeriod              // the first claim of a page has no billablePeriod
	Unproven              // who shows no client certificate gets no answer, or 401 in version 3
	Inactive              // the metadata say that the server is retired
	Blank                 // a "+" in _lastUpdated arrives as a blank
)

// Fault says which calls fail, and how. The zero value never fails.
type Fault struct {
	Mode  Mode
	Skip  int // calls that succeed before the first failure
	Times int // failures; 0 for all calls
	// Status and RetryAfter are of the mode Status. Text is its body.
	Status     int
	RetryAfter string
	// Size is of the mode Big, in bytes. 0 is 1 MiB.
	Size int
	// Pause is of the mode Slow: after it the rest of the body comes. 0 waits for the
	// client to give up.
	Pause time.Duration
	Text  string
}

// Set makes the calls from now on fail in one way, and ends a plan. Fault{} heals the
// stand-in.
func (s *Server) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.plan, s.calls = f, Plan{}, 0
}

// due gives the fault of a call. s.mu must be held.
func (s *Server) due(r *http.Request) Fault {
	s.calls++
	if s.plan.Every > 0 {
		return s.plan.due(s.calls, r)
	}
	n := s.calls - s.fault.Skip
	if n < 1 || s.fault.Times > 0 && n > s.fault.Times {
		return Fault{}
	}
	return s.fault
}
