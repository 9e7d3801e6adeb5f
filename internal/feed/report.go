package feed

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"ab2d/internal/coverage"
)

// faultsKept is how many faults a report shows; a rejects file has more.
const faultsKept = 10

// Report counts what became of a source's claims. Kept and the numbers of those
// that were not add up to Read.
type Report struct {
	Read         int64        `json:"read"`
	Bytes        int64        `json:"bytes"`
	Kept         int64        `json:"kept"`
	PartD        int64        `json:"partD"`
	SubstanceUse int64        `json:"substanceUse"`
	OtherType    int64        `json:"otherType"`
	OtherSource  int64        `json:"otherSource"` // of version 3, but not of the National Claims History
	Invalid      int64        `json:"invalid"`
	WithoutDates int64        `json:"withoutDates"`       // kept, but can never be delivered
	Unlisted     int64        `json:"unlisted,omitempty"` // rejected, and left out of a full rejects file
	First        []*LineError `json:"faults,omitempty"`
}

// Add adds up. Of the faults the first ones are kept.
func (r *Report) Add(o *Report) {
	r.Read += o.Read
	r.Bytes += o.Bytes
	r.Kept += o.Kept
	r.PartD += o.PartD
	r.SubstanceUse += o.SubstanceUse
	r.OtherType += o.OtherType
	r.OtherSource += o.OtherSource
	r.Invalid += o.Invalid
	r.WithoutDates += o.WithoutDates
	r.Unlisted += o.Unlisted
	r.First = append(r.First, o.First[:min(len(o.First), faultsKept-len(r.First))]...)
}

// Count adds a claim, and tells whether it is kept.
func (r *Report) Count(c *Claim) bool {
	r.Read++
	switch {
	case c.Fault != nil && c.Fault.OtherSource:
		r.OtherSource++
		return false
	case c.Fault != nil:
		r.Invalid++
		if len(r.First) < faultsKept {
			r.First = append(r.First, c.Fault)
		}
		return false
	case c.PartD:
		r.PartD++
		return false
	case c.Part2:
		r.SubstanceUse++
		return false
	case c.Type == coverage.OtherClaim:
		r.OtherType++
		return false
	}
	r.Kept++
	if !c.HasStart || !c.HasEnd || c.LastUpdated.IsZero() {
		r.WithoutDates++
	}
	return true
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, n int64, note string) {
		if n > 0 || note == "" {
			fmt.Fprintf(t, "%s\t%s\t%s\n", name, humanize.Comma(n), note)
		}
	}
	row("Claims read", r.Read, "")
	row("  kept", r.Kept, "")
	row("  Part D events", r.PartD, "left out")
	row("  substance use", r.SubstanceUse, "left out (42 CFR Part 2)")
	row("  other types", r.OtherType, "left out: not a Part A or B claim")
	row("  other sources", r.OtherSource, "left out: not of the National Claims History")
	row("  invalid", r.Invalid, "left out")
	row("Kept without dates", r.WithoutDates, "no billable period or lastUpdated: can never be delivered")
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range r.First {
		fmt.Fprintf(w, "  %v\n", f)
	}
	if more := r.Invalid - int64(len(r.First)); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", humanize.Comma(more))
	}
	return nil
}
