package mirror

import (
	"github.com/dustin/go-humanize/english"

	"fmt"
	"log/slog"
	"slices"

	"ab2d/internal/feed"
	"ab2d/internal/store"
)

// Report counts what a pass has read. It is stored with the pass.
type Report struct {
	feed.Report
	Merged  store.Merged `json:"merged"`
	People  int64        `json:"people"`  // read
	Empty   int64        `json:"empty"`   // of them, without claims in the answer
	Failed  int64        `json:"failed"`  // could not be read; their stored claims stay
	Foreign int64        `json:"foreign"` // claims of another person, left out
	Retries int64        `json:"retries"` // calls that failed and were tried again
}

// add adds a person.
func (r *Report) add(p *person) {
	r.People++
	if !p.answered {
		r.Empty++
	}
	r.Foreign += p.foreign
	r.Retries += p.retries
	r.addFeed(&p.report)
}

// addFeed adds what became of claims. Of the faults, each reason is kept once.
func (r *Report) addFeed(o *feed.Report) {
	first := r.First
	for _, f := range o.First {
		if !slices.ContainsFunc(first, func(known *feed.LineError) bool { return known.Reason == f.Reason }) {
			first = append(first, f)
		}
	}
	sum := *o
	sum.First = nil
	r.Add(&sum)
	r.First = first[:min(len(first), reasonsKept)]
}

// reasonsKept is how many reasons a report has.
const reasonsKept = 10

// sum adds a report, and what became of its claims in the store.
func (r *Report) sum(o *Report, merged store.Merged) {
	r.addFeed(&o.Report)
	r.Merged.Add(merged)
	r.People += o.People
	r.Empty += o.Empty
	r.Failed += o.Failed
	r.Foreign += o.Foreign
	r.Retries += o.Retries
}

// auditText is the report for the audit log.
func (r *Report) auditText() string {
	return fmt.Sprintf("%s read, %d without claims, %d failed; %s read, %d kept, %d Part D, %d substance use, %d of other types, "+
		"%d of other sources, %d of other people, %d invalid; %d new, %d replaced, %d removed",
		english.Plural(int(r.People), "person", "people"), r.Empty, r.Failed, english.Plural(int(r.Read), "claim", ""), r.Kept, r.PartD, r.SubstanceUse, r.OtherType, r.OtherSource, r.Foreign, r.Invalid,
		r.Merged.New, r.Merged.Replaced, r.Merged.Withdrawn+r.Merged.Removed)
}

// attributes are the report for the log.
func (r *Report) attributes() []any {
	return []any{slog.Int64("read", r.People), slog.Int64("without_claims", r.Empty), slog.Int64("failed", r.Failed), slog.Int64("retries", r.Retries),
		slog.Int64("claims", r.Read), slog.Int64("kept", r.Kept), slog.Int64("invalid", r.Invalid), slog.Int64("of_other_people", r.Foreign),
		slog.Int64("new", r.Merged.New), slog.Int64("replaced", r.Merged.Replaced), slog.Int64("removed", r.Merged.Withdrawn+r.Merged.Removed)}
}
