package client

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"sync"
)

// pages are the pages of a manifest that were read while the export runs (Bulk Data
// Access IG 3.0, allowPartialManifests). A page stays as it was, and gets a link to the
// next one when that is there.
type pages struct {
	all  *Manifest       // what the pages list together; nil: none was read
	last *url.URL        // the last page that was read; nil: the status itself
	seen map[string]bool // by URL
}

// read takes the status of an export under way, which may be the first page, and reads
// the pages that follow. It gives the manifest so far; nil if there is none. A page
// that cannot be read is left for the next time: at the end all of them are read.
func (p *pages) read(ctx context.Context, c *Client, first *Manifest) *Manifest {
	if first == nil {
		return p.all
	}
	next := first.next
	if p.all == nil {
		p.all, p.seen = first, map[string]bool{}
	} else if p.last != nil {
		page, err := c.pageSoFar(ctx, p.last)
		if err != nil || page == nil {
			return p.all
		}
		next = page.next
	}
	for next != "" && !p.seen[next] && len(p.seen) < maxPages {
		u, err := c.statusURL(Job{StatusURL: next})
		if err != nil {
			return p.all
		}
		page, err := c.pageSoFar(ctx, u)
		if err != nil || page == nil {
			return p.all
		}
		p.seen[next], p.last = true, u
		p.all.join(page)
		next = page.next
	}
	return p.all
}

// pageSoFar asks for a page of an export that may be under way; nil: it is not there.
func (c *Client) pageSoFar(ctx context.Context, u *url.URL) (*Manifest, error) {
	resp, err := c.send(ctx, http.MethodGet, u, header("application/json"), true)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted {
		return nil, c.refusal(resp)
	}
	return c.manifestSoFar(resp), nil
}

// manifestSoFar reads the manifest in the status of an export under way; nil if there is
// none: the body may be empty, or something else that some servers send.
func (c *Client) manifestSoFar(resp *http.Response) *Manifest {
	m, err := c.readManifest(resp)
	if err != nil {
		return nil
	}
	return m
}

// early fetches files while the export runs.
type early struct {
	*work
	ctx     context.Context
	cancel  context.CancelFunc
	stopped chan struct{} // no more files are begun
	turns   chan struct{} // one for each file that is fetched at once
	running sync.WaitGroup
	begun   int // of the manifest's files
}

// newEarly makes an early.
func (w *work) newEarly(ctx context.Context) *early {
	e := &early{work: w, stopped: make(chan struct{}), turns: make(chan struct{}, w.parallelism())}
	e.ctx, e.cancel = context.WithCancel(ctx)
	return e
}

// add begins to fetch the files that m lists and earlier ones did not. What fails is
// fetched when the export is complete, or fails again then.
func (e *early) add(m *Manifest) error {
	if len(m.Output) == e.begun {
		return nil
	}
	run, err := e.plan(&Manifest{Output: m.Output, TransactionTime: m.TransactionTime})
	if err != nil {
		return err
	}
	e.early.Store(true)
	for i := e.begun; i < len(m.Output); i++ {
		f, name := m.Output[i], run.Files[i].Name
		e.running.Go(func() {
			select {
			case <-e.stopped:
				return
			case <-e.ctx.Done():
				return
			case e.turns <- struct{}{}:
			}
			defer func() { <-e.turns }()
			select {
			case <-e.stopped: // at the same moment
				return
			default:
			}
			if err := e.fetchOne(e.ctx, f, name); err != nil && e.ctx.Err() == nil {
				e.fault(name, err, 0)
			}
		})
	}
	e.begun = len(m.Output)
	return nil
}

// end waits for the files that are being fetched, and breaks them off if the export has
// failed.
func (e *early) end(failed bool) {
	close(e.stopped)
	if failed {
		e.cancel()
	}
	e.running.Wait()
	e.cancel()
	e.early.Store(false)
}

// tooEarly tells whether an event is left out while the export runs, and makes of a
// complete file its own kind.
func tooEarly(e *Event) bool {
	switch e.Kind {
	case EventFetching, EventSkipped:
		return true
	case EventFetched:
		e.Kind = EventEarly
	}
	return false
}

// promised is the checksum that a manifest tells of a file; "" for none.
func (f File) promised() string { return hex.EncodeToString(f.SHA256) }

// refusesPartial tells whether a server may have refused a request because it asks for
// partial manifests: those that do not know the parameter answer 400.
func refusesPartial(err error) bool {
	e := answered(err)
	return e != nil && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusNotImplemented)
}
