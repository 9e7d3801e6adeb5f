package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	"ab2d/internal/feed"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

// mergeBytes is about how much raw JSON is stored in one transaction.
const mergeBytes = 64 << 20

// batch gathers claims until there are enough for a transaction.
type batch struct {
	merger  *store.Merger // nil if nothing is to be stored
	rejects *feed.Rejects
	report  ClaimsReport

	claims   []store.Claim
	bytes    int64 // of raw JSON
	position int64
	line     int64
}

// add counts the claims of a batch and gathers those that are to be stored.
func (b *batch) add(read *feed.Batch) error {
	for k := range read.Claims {
		c := &read.Claims[k]
		if c.Fault != nil {
			if err := b.rejects.Add(c.Fault); err != nil {
				return fmt.Errorf("write the rejects: %w", err)
			}
		}
		// A claim of substance-use treatment removes the version that is stored.
		if kept := b.report.Count(c); b.merger != nil && (kept || c.Fault == nil && c.Part2) {
			b.claims = append(b.claims, StoreClaim(c))
		}
		b.line = c.Line
	}
	b.report.Unlisted = b.rejects.More()
	b.position = read.Position
	b.bytes += read.Bytes
	b.report.Bytes += read.Bytes
	return nil
}

// flush stores the claims that were gathered, with the report up to there.
func (b *batch) flush(ctx context.Context) error {
	if b.position == 0 {
		return nil // nothing was read
	}
	before := b.report.Merged
	merged, err := b.merger.Merge(ctx, b.claims, b.position, b.line, func(m store.Merged) string {
		r := b.report
		r.Merged.Add(m)
		text, _ := json.Marshal(r) // cannot fail: numbers and texts
		return string(text)
	})
	if err != nil {
		return err
	}
	b.report.Merged = before
	b.report.Merged.Add(merged)
	b.claims, b.bytes = b.claims[:0], 0
	return nil
}

// StoreClaim converts a minimized claim to what the store takes.
func StoreClaim(c *feed.Claim) store.Claim {
	e := segment.Entry{
		ID: string(c.ID), Type: uint8(c.Type), Canceled: c.Canceled, Start: int32(c.Start), End: int32(c.End), HasStart: c.HasStart, HasEnd: c.HasEnd,
		ExtensionAt: uint32(c.ExtensionAt), HasExtension: c.HasExtension,
	}
	if !c.LastUpdated.IsZero() {
		e.LastUpdated = c.LastUpdated.UnixMilli()
	}
	return store.Claim{Patient: c.Patient, Entry: e, JSON: c.JSON, Withheld: c.Part2}
}
