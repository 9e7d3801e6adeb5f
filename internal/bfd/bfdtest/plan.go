package bfdtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Plan makes one call in Every fail, in one of several ways. The zero value never
// fails. Skip and Times of its faults do not count.
type Plan struct {
	Every  int
	Faults []Fault
	// Seed decides the order of the faults. Each of them comes once before one comes
	// again. The same seed gives the same order.
	Seed uint64
}

// SetPlan makes one call in so many fail from now on, and ends the fault that was
// set. It is the nth call that fails, whoever makes it, so concurrent calls get the
// same faults in the same order, but not always the same calls.
func (s *Server) SetPlan(p Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p.Faults) == 0 {
		p.Every = 0
	}
	s.fault, s.plan, s.calls = Fault{}, p, 0
}

// due gives the fault of the nth call.
func (p *Plan) due(n int, r *http.Request) Fault {
	if n%p.Every != 0 {
		return Fault{}
	}
	k := n/p.Every - 1
	round, at := k/len(p.Faults), k%len(p.Faults)
	f := p.Faults[rand.New(rand.NewPCG(p.Seed, uint64(round))).Perm(len(p.Faults))[at]]
	// The real server is silently empty in searches of claims only.
	if f.Mode == Empty && !strings.Contains(r.URL.Path, "/ExplanationOfBenefit") {
		return Fault{}
	}
	return f
}

// named is a way to fail that has a name.
type named struct {
	name  string
	fault Fault
}

// catalog lists the ways to fail, by name.
func catalog() []named {
	return []named{
		{"500", Fault{Mode: Status, Status: 500, Text: "an unknown error occurred"}},
		{"502", Fault{Mode: Status, Status: 502, Text: "<html><body>Bad gateway</body></html>"}},
		{"503", Fault{Mode: Status, Status: 503, Text: "no server is available"}},
		{"504", Fault{Mode: Status, Status: 504}},
		{"429", Fault{Mode: Status, Status: 429, RetryAfter: "1"}},
		{"401", Fault{Mode: Status, Status: 401, Text: "unauthorized"}},
		{"404", Fault{Mode: Status, Status: 404, Text: `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}`}},
		{"reset", Fault{Mode: Reset}},
		{"html", Fault{Mode: Page}},
		{"redirect", Fault{Mode: Redirect}},
		{"break", Fault{Mode: Stop}},
		{"cut", Fault{Mode: Cut}},
		{"cut-last-byte", Fault{Mode: Tail}},
		{"slow", Fault{Mode: Slow, Pause: time.Second}},
		{"hang", Fault{Mode: Slow}},
		{"empty", Fault{Mode: Empty}},
		{"repeat", Fault{Mode: Repeat}},
		{"foreign-link", Fault{Mode: ForeignLink}},
		{"foreign-patient-link", Fault{Mode: ForeignPatient}},
		{"self-link", Fault{Mode: SelfLink}},
		{"first-link", Fault{Mode: FirstLink}},
		{"bare-link", Fault{Mode: Bare}},
		{"empty-pages", Fault{Mode: EmptyPages}},
		{"gzip", Fault{Mode: Gzip}},
		{"big", Fault{Mode: Big, Size: 30 << 20}},
		{"pde", Fault{Mode: Drug}},
		{"shared-system", Fault{Mode: Shared}},
		{"part2", Fault{Mode: Part2}},
		{"preauthorization", Fault{Mode: Preauthorization}},
		{"other-patient", Fault{Mode: OtherPatient}},
		{"no-last-updated", Fault{Mode: NoTime}},
		{"no-billable-period", Fault{Mode: NoPeriod}},
		{"no-certificate", Fault{Mode: Unproven}},
		{"inactive", Fault{Mode: Inactive}},
		{"blank", Fault{Mode: Blank}},
		{"outcome", Fault{Mode: Outcome}},
		{"old-year", Fault{Mode: OldYear}},
		{"merged", Fault{Mode: Merged}},
		{"double", Fault{Mode: Double}},
		{"stranger", Fault{Mode: Stranger}},
	}
}

// groups are names of several ways to fail.
func groups() map[string][]string {
	return map[string][]string{"status": {"500", "502", "503", "504", "429"}}
}

// Survivable names the ways to fail that a client must survive by itself: after some
// more calls it has all that it asked for.
func Survivable() []string {
	return []string{"500", "502", "503", "429", "reset", "break", "cut", "empty", "slow", "repeat"}
}

// FaultNames lists the names that ParseFaults knows.
func FaultNames() []string {
	list := []string{"status"}
	for _, n := range catalog() {
		list = append(list, n.name)
	}
	return list
}

// ParseFaults gives the ways to fail by their names. The error quotes a name that it
// does not know, and lists those that there are.
func ParseFaults(names ...string) (list []Fault, err error) {
	all := catalog()
	for _, name := range names {
		members := groups()[name]
		if members == nil {
			members = []string{name}
		}
		for _, m := range members {
			i := slices.IndexFunc(all, func(n named) bool { return n.name == m })
			if i < 0 {
				return nil, fmt.Errorf("%q is not the name of a failure: write some of %s", name, strings.Join(FaultNames(), ", "))
			}
			list = append(list, all[i].fault)
		}
	}
	return list, nil
}
