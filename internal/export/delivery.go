package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Delivery is a run of bytes of one representation of a file: what a request
// asks for, or what of it was sent.
type Delivery struct {
	Gzip     bool // of the stored bytes; else of the inflated ones
	From, To int64
	Size     int64 // of the representation
	// Unrecorded says that the audit log has entries of the same client and file
	// from a moment ago, and needs none of this. A later delivery tells how many
	// were Omitted before it, and their bytes.
	Unrecorded            bool
	Omitted, OmittedBytes int64
}

// Errors of Deliveries.
var (
	// ErrDownloadLimit means that the file was delivered completely as often as
	// it may be.
	ErrDownloadLimit = errors.New("the file reached its limit of downloads")
	// ErrDownloading means that the file would pass its limit of downloads if
	// all requests that are being answered are delivered.
	ErrDownloading = errors.New("other requests are downloading the file")
)

// Deliveries counts complete downloads of result files. A delivery is reserved
// before its first byte is sent, so that a limit holds for requests at the same
// time, and ended with the bytes that the client has. A file counts as
// downloaded once each time that all of its bytes were delivered, in one request
// or in several, in any order. All methods are durable when they return, and
// safe for concurrent use by several processes.
type Deliveries interface {
	// BeginDelivery reserves a delivery for ttl and records it in the audit log.
	// It returns ErrDownloadLimit or ErrDownloading if the file could be
	// delivered more often than limit by it.
	BeginDelivery(ctx context.Context, f *File, d Delivery, limit int, ttl time.Duration) (id string, err error)

	// ExtendDelivery holds the reservation for another ttl. A reservation that
	// is not extended lapses: its process died.
	ExtendDelivery(ctx context.Context, id string, ttl time.Duration) error

	// EndDelivery ends a reservation. d says which bytes were delivered, which
	// may be none. It records the end in the audit log.
	EndDelivery(ctx context.Context, id string, f *File, d Delivery) error

	// MarkDamaged notes that the stored bytes of a file are damaged or gone, or
	// with false that they are good again.
	MarkDamaged(ctx context.Context, f *File, damaged bool) error

	// DamagedFiles counts the files of completed jobs that are marked.
	DamagedFiles(ctx context.Context) (int64, error)
}

// Coverage tells how often each byte of a file was delivered, as steps in
// ascending order: the bytes up to To, from the step before on, Times times. The
// bytes after the last step were not delivered. The zero Coverage is that of a
// file of which nothing was.
type Coverage []CoverageStep

// CoverageStep is one step of a Coverage.
type CoverageStep struct {
	To    int64 `json:"to"`
	Times int   `json:"n"`
}

// maxCoverageSteps bounds a Coverage that is stored.
const maxCoverageSteps = 256

// ParseCoverage parses what String wrote. "" is the zero Coverage.
func ParseCoverage(s string) (Coverage, error) {
	if s == "" {
		return nil, nil
	}
	var c Coverage
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return nil, fmt.Errorf("parse the coverage of a file: %w", err)
	}
	return c, nil
}

// String returns the coverage in the form that ParseCoverage parses.
func (c Coverage) String() string {
	if len(c) == 0 {
		return ""
	}
	b, _ := json.Marshal(c) // integers always encode
	return string(b)
}

// Add returns the coverage after the bytes from from up to to were delivered
// once more.
func (c Coverage) Add(from, to int64) Coverage {
	if from >= to {
		return c
	}
	borders := []int64{from, to}
	for _, s := range c {
		borders = append(borders, s.To)
	}
	slices.Sort(borders)
	var sum Coverage
	start := int64(0)
	for _, end := range slices.Compact(borders) {
		if end == start {
			continue
		}
		times := c.at(start)
		if start >= from && end <= to {
			times++
		}
		sum = append(sum, CoverageStep{To: end, Times: times})
		start = end
	}
	return sum.compact()
}

// at tells how often the byte at i was delivered.
func (c Coverage) at(i int64) int {
	for _, s := range c {
		if i < s.To {
			return s.Times
		}
	}
	return 0
}

// Complete tells how often all bytes of a file of this size were delivered.
func (c Coverage) Complete(size int64) int {
	if len(c) == 0 || c[len(c)-1].To < size {
		return 0
	}
	times := c[0].Times
	for _, s := range c {
		times = min(times, s.Times)
	}
	return times
}

// Less returns the coverage without n complete deliveries.
func (c Coverage) Less(n int) Coverage {
	var left Coverage
	for _, s := range c {
		left = append(left, CoverageStep{To: s.To, Times: s.Times - n})
	}
	return left.compact()
}

// compact joins equal neighbors and leaves out the bytes at the end that were
// not delivered. Of too many steps it joins neighbors and counts the more
// delivered of both, so that nobody gets around a limit with small ranges.
func (c Coverage) compact() Coverage {
	var joined Coverage
	for _, s := range c {
		if n := len(joined); n > 0 && joined[n-1].Times == s.Times {
			joined[n-1].To = s.To
			continue
		}
		joined = append(joined, s)
	}
	if n := len(joined); n > 0 && joined[n-1].Times == 0 {
		joined = joined[:n-1]
	}
	if len(joined) <= maxCoverageSteps {
		return joined
	}
	var coarse Coverage
	for pair := range slices.Chunk(joined, 2) {
		last := pair[len(pair)-1]
		coarse = append(coarse, CoverageStep{To: last.To, Times: max(pair[0].Times, last.Times)})
	}
	return coarse.compact()
}
