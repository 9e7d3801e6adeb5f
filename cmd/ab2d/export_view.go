package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"ab2d/client"
	"ab2d/internal/table"
)

// exportView shows how an export goes. Its methods may be called from several
// goroutines.
type exportView interface {
	event(client.Event)
	// reading begins a step that reads so many bytes, and gives what is told
	// how many are read.
	reading(step string, total int64) func(int64)
	// end ends what moves on the screen.
	end()
	failed(error)
	report(*exported)
}

func (c *exportCommand) newView(s streams) exportView {
	switch {
	case c.JSON:
		return newJSONView(s.out)
	case c.Quiet:
		return &quietView{out: s.out}
	case terminal(s.err):
		return newBarView(s)
	}
	return &lineView{streams: s}
}

// lineView writes a line for what happens, for logs.
type lineView struct {
	streams
	mu      sync.Mutex
	percent int
	said    time.Time
	files   int
	got     int
}

// often is how often a thing that goes on is told in lines.
const often = 10 * time.Second

func (v *lineView) event(e client.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e.Kind {
	case client.EventProgress:
		if e.Percent == v.percent || time.Since(v.said) < often {
			return
		}
		v.percent, v.said = e.Percent, time.Now()
		fmt.Fprintf(v.err, "Export running: %s\n", said(e))
	case client.EventReady:
		v.files = e.Files
		fmt.Fprintln(v.err, told(e))
	case client.EventFetched, client.EventSkipped:
		v.got++
		fmt.Fprintf(v.err, "%s (%d of %d)\n", told(e), v.got, v.files)
	default:
		if text := told(e); text != "" {
			fmt.Fprintln(v.err, text)
		}
	}
}

func (v *lineView) reading(step string, total int64) func(int64) {
	fmt.Fprintf(v.err, "%s\n", step)
	return nil
}

func (v *lineView) end()               {}
func (v *lineView) failed(error)       {}
func (v *lineView) report(d *exported) { report(v.out, d) }

// said is what the server says of its progress.
func said(e client.Event) string {
	if e.Text == "" {
		return "it does not say how far"
	}
	return e.Text
}

// told is an event in a sentence; empty for what is not worth one.
func told(e client.Event) string {
	switch e.Kind {
	case client.EventContinued:
		return "Going on with the export that was begun."
	case client.EventRestarted:
		return fmt.Sprintf("The export that was begun cannot be had any more: %s.\nStarting a new one.", strings.TrimSuffix(e.Text, "."))
	case client.EventBusy:
		return fmt.Sprintf("Another export of this client is under way, not of this folder. Asking again in %s.", e.Wait.Round(time.Second))
	case client.EventStarted:
		return "The server has accepted the export: " + e.Text
	case client.EventFault:
		text := e.Text
		if e.File != "" {
			text = e.File + ": " + text
		}
		if e.Wait == 0 {
			return text + "."
		}
		return fmt.Sprintf("%s. Trying again in %s.", strings.TrimSuffix(text, "."), e.Wait.Round(time.Second))
	case client.EventReady:
		if e.Files == 0 {
			return "The export is ready: there is nothing to download."
		}
		text := "The export is ready: " + several(int64(e.Files), "file")
		if e.Bytes > 0 { // zero when the manifest does not tell lengths
			text += ", " + humanize.Bytes(uint64(e.Bytes))
		}
		if e.Text != "" {
			until := e.Text
			if t, err := time.Parse(time.RFC3339, until); err == nil {
				until = moment(t)
			}
			text += "; the server stores it until " + until
		}
		return text + "."
	case client.EventFetched:
		return fmt.Sprintf("%s: %s, checked", e.File, humanize.Bytes(uint64(e.Bytes)))
	case client.EventEarly:
		return fmt.Sprintf("%s: %s, checked, while the export runs", e.File, humanize.Bytes(uint64(e.Bytes)))
	case client.EventSkipped:
		return fmt.Sprintf("%s: there already", e.File)
	}
	return ""
}

// several is a number of things in words.
func several(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}

// quietView tells only what the server reports.
type quietView struct{ out io.Writer }

func (v *quietView) event(client.Event)                {}
func (v *quietView) reading(string, int64) func(int64) { return nil }
func (v *quietView) end()                              {}
func (v *quietView) failed(error)                      {}
func (v *quietView) report(d *exported)                { reportIssues(v.out, d) }

// jsonView writes events for machines.
type jsonView struct {
	mu   sync.Mutex
	out  *json.Encoder
	last map[string]time.Time // when the progress of a file was told
}

func newJSONView(w io.Writer) *jsonView {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &jsonView{out: e, last: map[string]time.Time{}}
}

// timed is what all objects have.
type timed struct {
	Time time.Time `json:"time"`
}

func (v *jsonView) write(o any) {
	v.out.Encode(o) // who does not read it cannot be told
}

func (v *jsonView) event(e client.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if e.Kind == client.EventFetching {
		if now.Sub(v.last[e.File]) < time.Second {
			return
		}
		v.last[e.File] = now
	}
	o := struct {
		timed
		client.Event
		Percent *int    `json:"percent,omitempty"` // also 0
		Wait    float64 `json:"wait,omitempty"`    // seconds
	}{timed: timed{now.UTC()}, Event: e, Wait: e.Wait.Seconds()}
	if e.Kind == client.EventProgress {
		o.Percent = &e.Percent
	}
	v.write(o)
}

func (v *jsonView) reading(step string, total int64) func(int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.write(struct {
		timed
		Event string `json:"event"`
		Text  string `json:"text"`
		Of    int64  `json:"of"`
	}{timed{time.Now().UTC()}, "reading", step, total})
	return nil
}

func (v *jsonView) end() {}

func (v *jsonView) failed(err error) {
	v.write(struct {
		timed
		Event string `json:"event"`
		Text  string `json:"text"`
	}{timed{time.Now().UTC()}, "failed", err.Error()})
}

func (v *jsonView) report(d *exported) {
	type newest struct {
		Claims   int64 `json:"claims"`
		Older    int64 `json:"older"`
		Canceled int64 `json:"canceled"`
		Deleted  int64 `json:"deleted"`
	}
	o := struct {
		timed
		Event    string         `json:"event"`
		Dir      string         `json:"dir"`
		Run      *client.Run    `json:"run"`
		Issues   []client.Issue `json:"issues"`
		Tables   table.Counts   `json:"tables,omitempty"`
		Latest   *newest        `json:"latest,omitempty"`
		Rejected int64          `json:"rejected"`               // lines that cannot be read
		Removed  int64          `json:"removedBytes,omitempty"` // of NDJSON, with --no-ndjson
		Next     time.Time      `json:"nextSince,omitzero"`
		Notes    []string       `json:"notes,omitempty"`
	}{timed{time.Now().UTC()}, "result", d.dir, d.run, append([]client.Issue{}, d.issues...), d.tables, nil, d.rejected, d.removed, d.next, d.notes}
	if l := d.latest; l != nil {
		o.Latest = &newest{l.Claims, l.Older, l.Canceled, l.Deleted}
	}
	v.write(o)
}
