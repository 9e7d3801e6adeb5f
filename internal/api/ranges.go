package api

import (
	"sync"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// ranges decides which requests for parts of files have entries of their own in the
// audit log, so that a client that asks for byte after byte does not fill it: of each
// client and file 20 in a row, and then one every 10 seconds, which counts the others.
// Safe for concurrent use.
type ranges struct {
	limiter obs.Limiter
	mu      sync.Mutex
	omitted map[string]omitted
}

// omitted counts requests without entries.
type omitted struct{ requests, bytes int64 }

// maxRanges bounds the clients and files that are remembered.
const maxRanges = 20_000

func newRanges() *ranges {
	return &ranges{limiter: obs.Limiter{Burst: 20, Interval: 10 * time.Second}, omitted: map[string]omitted{}}
}

// begin decides about a delivery.
func (r *ranges) begin(key string, d *export.Delivery, now time.Time) {
	if d.From == 0 && d.To == d.Size {
		return
	}
	_, ok := r.limiter.Take(key, now)
	d.Unrecorded = !ok
}

// end counts a delivery without entries, or tells one that has them what was
// omitted before it.
func (r *ranges) end(key string, d *export.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.omitted[key]
	if !d.Unrecorded {
		d.Omitted, d.OmittedBytes = o.requests, o.bytes
		delete(r.omitted, key)
		return
	}
	if len(r.omitted) >= maxRanges {
		clear(r.omitted)
	}
	r.omitted[key] = omitted{requests: o.requests + 1, bytes: o.bytes + d.To - d.From}
}
