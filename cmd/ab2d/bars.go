package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ab2d/client"
)

// terminal tells whether what is written is seen on a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

const (
	barWidth = 30
	refresh  = 100 * time.Millisecond

	belowFiles = 1 << 20 // the place of the bar of all files
)

// bars are progress bars on a terminal.
type bars struct {
	progress *mpb.Progress
	all      []*mpb.Bar
}

func newBars(w io.Writer) *bars {
	return &bars{progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(barWidth), mpb.WithRefreshRate(refresh), mpb.WithAutoRefresh())}
}

// say writes a line above the bars.
func (b *bars) say(text string) { fmt.Fprintln(b.progress, text) }

// style is how a bar is drawn: in characters that every terminal and screen
// reader knows.
func style() mpb.BarFillerBuilder {
	return mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
}

// percent is a bar from 0 to 100, with what words says beside it.
func (b *bars) percent(name string, words func() string) *mpb.Bar {
	return b.add(100, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return words() }), left()))
}

// left tells how long a bar needs still, going by its time so far.
func left() decor.Decorator {
	start := time.Now()
	return decor.Any(func(s decor.Statistics) string {
		if s.Completed || s.Aborted || s.Current <= 0 || s.Current >= s.Total {
			return ""
		}
		return remaining(time.Since(start), s.Current, s.Total)
	})
}

// remaining says how long something needs still of which a part is done; empty
// while that cannot be told.
func remaining(spent time.Duration, done, total int64) string {
	d := time.Duration(float64(spent) * float64(total-done) / float64(done)).Round(time.Second)
	if spent < time.Second || d < time.Second {
		return ""
	}
	return fmt.Sprintf("  %s left", d)
}

// bytes is a bar of bytes, with the speed and what words says beside it.
func (b *bars) bytes(name string, total int64, words func() string, more ...mpb.BarOption) *mpb.Bar {
	return b.add(total, append(more, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Counters(decor.SizeB1000(0), "% .1f / % .1f", decor.WCSyncSpace), decor.AverageSpeed(decor.SizeB1000(0), "  % .0f"),
			left(), decor.Any(func(decor.Statistics) string { return words() })))...)
}

func (b *bars) add(total int64, options ...mpb.BarOption) *mpb.Bar {
	bar := b.progress.New(total, style(), options...)
	b.all = append(b.all, bar)
	return bar
}

// end leaves the bars as they are and takes no more.
func (b *bars) end() {
	for _, bar := range b.all {
		bar.Abort(false)
	}
	b.progress.Wait()
}

// barView shows an export with a bar for the server, one for each file on its
// way, and one for all of them.
type barView struct {
	streams
	*bars

	words atomic.Pointer[string] // of the server; read while bars are drawn
	got   atomic.Int64           // files; the same

	mu      sync.Mutex
	server  *mpb.Bar
	total   *mpb.Bar
	files   map[string]*mpb.Bar
	arrived map[string]int64 // bytes of each file
	sum     int64
	count   int64
	early   int64 // files that came while the export runs
}

func newBarView(s streams) *barView {
	return &barView{streams: s, bars: newBars(s.err), files: map[string]*mpb.Bar{}, arrived: map[string]int64{}}
}

func (v *barView) event(e client.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e.Kind {
	case client.EventProgress:
		v.serverAt(e)
	case client.EventEarly:
		v.early++
	case client.EventReady:
		v.ready(e)
	case client.EventFetching:
		v.fileAt(e)
	case client.EventFetched, client.EventSkipped:
		v.fileDone(e)
	default:
		if text := told(e); text != "" {
			v.say(text)
		}
	}
}

func (v *barView) serverAt(e client.Event) {
	words := said(e)
	if v.early > 0 {
		words += ", " + several(v.early, "file") + " downloaded"
	}
	v.setWords(words)
	if v.server == nil {
		v.server = v.percent("Export", v.serverWords)
	}
	v.server.SetCurrent(int64(max(e.Percent, 0)))
}

func (v *barView) setWords(s string) { v.words.Store(&s) }

func (v *barView) serverWords() string { return *v.words.Load() }

func (v *barView) ready(e client.Event) {
	if v.server != nil {
		v.setWords("complete")
		v.server.SetCurrent(100)
	}
	if v.count = int64(e.Files); v.count > 0 {
		v.total = v.bytes("Download", 0, func() string { return fmt.Sprintf("  %d of %s", v.got.Load(), several(v.count, "file")) }, mpb.BarPriority(belowFiles))
		v.total.SetTotal(e.Bytes, false) // it is complete with the last file
	} else {
		v.say(told(e))
	}
}

func (v *barView) fileAt(e client.Event) {
	bar := v.files[e.File]
	if bar == nil {
		bar = v.bytes("  "+e.File, e.Of, func() string { return "" }, mpb.BarRemoveOnComplete())
		v.files[e.File] = bar
	}
	bar.SetCurrent(e.Bytes)
	v.at(e.File, e.Bytes)
}

// at moves the bar of all files.
func (v *barView) at(file string, bytes int64) {
	v.sum += bytes - v.arrived[file]
	v.arrived[file] = bytes
	v.total.SetCurrent(v.sum)
}

func (v *barView) fileDone(e client.Event) {
	if bar := v.files[e.File]; bar != nil {
		bar.Abort(true)
	}
	v.at(e.File, e.Bytes)
	if v.got.Add(1) == v.count {
		v.total.SetTotal(-1, true)
	}
}

func (v *barView) reading(step string, total int64) func(int64) {
	bar := v.bytes(step, total, func() string { return "" }, mpb.BarPriority(belowFiles+1))
	return func(n int64) { bar.SetCurrent(min(n, total)) }
}

func (v *barView) end() { v.bars.end() }

func (v *barView) failed(error) {}

func (v *barView) report(d *exported) {
	fmt.Fprintln(v.err)
	report(v.out, d)
}
