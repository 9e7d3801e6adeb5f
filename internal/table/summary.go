package table

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

// Summary tells what is in downloaded files of claims.
type Summary struct {
	Files     int64
	Bytes     int64
	Claims    int64
	Others    int64               // resources that are not claims
	Types     map[string]int64    // claims by kind, such as CARRIER; "" without one
	Statuses  map[string]int64    // claims by status: active, cancelled; "" without one
	Enrollees map[string]struct{} // the references to patients
	First     string              // earliest service day, YYYY-MM-DD; "" when there is none
	Last      string              // latest service day
	Updated   time.Time           // newest meta.lastUpdated; zero when there is none
}

// NewSummary returns the summary of no files.
func NewSummary() *Summary {
	return &Summary{Types: map[string]int64{}, Statuses: map[string]int64{}, Enrollees: map[string]struct{}{}}
}

// Summarize reads files of NDJSON, several at a time. Its memory grows with the
// number of enrollees and the longest line, not with the files. Its errors name
// a file and a line, and quote nothing of it.
func Summarize(ctx context.Context, paths []string) (*Summary, error) {
	total := NewSummary()
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range paths {
		g.Go(func() error {
			s := NewSummary()
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			s.Files, s.Bytes = 1, info.Size()
			if err := scan(ctx, []string{path}, nil, nil, s.count); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(s)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("summarize claims: %w", err)
	}
	return total, nil
}

// summarized are the parts of an ExplanationOfBenefit that a summary needs.
type summarized struct {
	ResourceType string `json:"resourceType"`
	Meta         struct {
		LastUpdated string `json:"lastUpdated"`
	} `json:"meta"`
	Status   string    `json:"status"`
	Type     concept   `json:"type"`
	Patient  reference `json:"patient"`
	Billable period    `json:"billablePeriod"`
}

// count adds a claim to the summary.
func (s *Summary) count(_ place, line []byte) error {
	var c summarized
	if err := json.Unmarshal(line, &c); err != nil {
		return notClaim(err)
	}
	if c.ResourceType != "ExplanationOfBenefit" {
		s.Others++
		return nil
	}
	s.Claims++
	s.Types[c.Type.kind()]++
	s.Statuses[c.Status]++
	if c.Patient.Reference != "" {
		s.Enrollees[c.Patient.Reference] = struct{}{}
	}
	s.serviceDay(c.Billable.Start)
	s.serviceDay(c.Billable.End)
	if t, err := time.Parse(time.RFC3339Nano, c.Meta.LastUpdated); err == nil && t.After(s.Updated) {
		s.Updated = t.UTC()
	}
	return nil
}

// serviceDay takes a FHIR date or dateTime into the range of days.
func (s *Summary) serviceDay(date string) {
	const day = "2006-01-02"
	if len(date) < len(day) || date[4] != '-' || date[7] != '-' {
		return // not known to the day
	}
	date = date[:len(day)]
	if s.First == "" || date < s.First {
		s.First = date
	}
	s.Last = max(s.Last, date)
}

// add takes another summary into this one.
func (s *Summary) add(o *Summary) {
	s.Files += o.Files
	s.Bytes += o.Bytes
	s.Claims += o.Claims
	s.Others += o.Others
	for k, n := range o.Types {
		s.Types[k] += n
	}
	for k, n := range o.Statuses {
		s.Statuses[k] += n
	}
	maps.Copy(s.Enrollees, o.Enrollees)
	s.serviceDay(o.First)
	s.serviceDay(o.Last)
	if o.Updated.After(s.Updated) {
		s.Updated = o.Updated
	}
}
