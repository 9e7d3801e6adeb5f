package hpms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/store"
)

// DefaultMaxLapse is how many of the attested contracts may lapse at once, in percent.
const DefaultMaxLapse = 10

// Source gives what HPMS says.
type Source interface {
	// Read reads all of it, or returns an error. today decides what lies in the future.
	// It has no effect, and may be repeated.
	Read(ctx context.Context, today coverage.Date) (Answer, error)
}

// Store is where contracts are stored.
type Store interface {
	// SyncContracts stores what HPMS says, all or nothing, with audit entries. It is
	// durable when it returns, and may be repeated. *store.LapseError: too many would lapse.
	SyncContracts(ctx context.Context, list []store.UpstreamContract, o store.SyncOptions) (store.SyncResult, error)
	// Record appends an audit entry, durable when it returns.
	Record(ctx context.Context, e audit.Entry) error
}

// Options say how Sync stores what it reads.
type Options struct {
	DryRun   bool             // store nothing
	Force    bool             // let any number of contracts lapse
	MaxLapse float64          // in percent of the attested contracts, from 0 to 100
	Now      func() time.Time // nil: time.Now
}

// Report is what a run did, or would do.
type Report struct {
	store.SyncResult
	Answer
	DryRun bool
	Stored bool // false after a dry run or an error
}

// Sync reads what HPMS says of contracts and their attestations, and stores it: all of it
// or nothing. A scheduler may call it as often as it likes, also at the same time as
// others: to store the same again changes nothing. It returns ErrNothing if HPMS gives no
// contract, *Error if a call fails for good, and *store.LapseError, with the report, if too
// many contracts would lapse at once.
func Sync(ctx context.Context, db Store, source Source, o Options) (Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	answer, err := source.Read(ctx, coverage.DateOf(o.Now().UTC().Date()))
	if err != nil {
		return Report{DryRun: o.DryRun}, fmt.Errorf("read the contracts of HPMS: %w", err)
	}
	r := Report{Answer: answer, DryRun: o.DryRun}
	if len(answer.Contracts) == 0 {
		return r, ErrNothing
	}
	detail := fmt.Sprintf("contracts of HPMS from %s, SHA-256 %s", answer.Source, answer.Digest)
	if !o.DryRun {
		if err := db.Record(ctx, audit.Entry{Event: audit.ImportBegan, Detail: detail}); err != nil {
			return r, err
		}
	}
	r.SyncResult, err = db.SyncContracts(ctx, answer.Contracts, store.SyncOptions{DryRun: o.DryRun, Force: o.Force, MaxLapse: o.MaxLapse, SetAside: answer.SetAside})
	if err != nil || o.DryRun {
		return r, err
	}
	r.Stored = true
	return r, db.Record(ctx, audit.Entry{Event: audit.ImportEnded, Detail: detail + ": " + r.counts()})
}

// Stopped tells whether err stopped a run because too many contracts would lapse.
func Stopped(err error) bool { return errors.As(err, new(*store.LapseError)) }

// counts is the report in one line.
func (r *Report) counts() string {
	return fmt.Sprintf("%s: %d new, %d changed, %d lapsed, %d returned, %d unchanged; %s rejected", english.Plural(len(r.Contracts), "contract", ""),
		r.Count(store.ContractNew), r.Count(store.ContractChanged), r.Count(store.ContractLapsed), r.Count(store.ContractReturned), r.Unchanged, english.Plural(r.Rejected, "record", ""))
}

// The bounds of what is printed.
const (
	mostLines = 1000 // changes
	mostNames = 20   // contracts of a list
)

// Print writes the report for people: each change, the counts, and what was left alone.
func (r *Report) Print(w io.Writer) error {
	p := printer{w: w}
	for i, c := range r.Changes {
		if i == mostLines {
			p.line("and %d more", len(r.Changes)-i)
			break
		}
		p.line("%s %s: %s", c.Contract, c.Kind, changeText(&c))
	}
	end := ""
	switch {
	case r.DryRun:
		end = " (dry run: nothing was changed)"
	case !r.Stored:
		end = " (nothing was changed)"
	}
	p.line("%s%s", r.counts(), end)
	p.list(r.Held, "not attested again, because an operator withdrew the attestation; ab2d admin contract attest gives it again")
	p.list(r.Absent, "attested here, but missing in HPMS's answer; nothing was changed. ab2d admin contract unattest withdraws the attestation")
	p.list(r.SetAside, "set aside because of a rejected record; nothing was changed")
	p.list(r.Ended, "attested although the contract has ended; the attestation holds until HPMS says otherwise")
	if r.Silent > 0 {
		p.line("%d without a status: the attestation stays as it is", r.Silent)
	}
	if r.Manual > 0 {
		p.line("%d not changed by HPMS, as an operator decided (ab2d admin contract set --no-hpms)", r.Manual)
	}
	for _, f := range r.Faults {
		p.line("rejected: %s", f)
	}
	if more := r.Rejected - len(r.Faults); more > 0 {
		p.line("rejected: %d more", more)
	}
	return p.err
}

// changeText says what changes.
func changeText(c *store.ContractChange) string {
	text := attested(c.After)
	if before := attested(c.Before); c.Kind != store.ContractNew && before != text {
		text = before + " -> " + text
	}
	switch {
	case c.Kind == store.ContractNew:
		text = c.After.Sponsor + ", " + text
	case c.Before.Sponsor != c.After.Sponsor:
		text += ", sponsor " + c.Before.Sponsor + " -> " + c.After.Sponsor
	}
	return text
}

func attested(c coverage.Contract) string {
	if !c.HasAttested {
		return "not attested"
	}
	return "attested " + c.Attested.String()
}

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// list writes some contracts, and what they have in common.
func (p *printer) list(contracts []string, text string) {
	if len(contracts) == 0 {
		return
	}
	shown, more := contracts, ""
	if len(shown) > mostNames {
		shown, more = shown[:mostNames], fmt.Sprintf(" and %d more", len(contracts)-mostNames)
	}
	p.line("%v%s: %s", shown, more, text)
}
