package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// panel is a panel of the dashboard.
type panel struct {
	Title       string
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []struct{ Expr, LegendFormat string }
}

// TestPicture draws ab2d.svg in deploy/grafana: the panels and expressions of the
// dashboard, evaluated by Prometheus' engine on what deploy/grafana/record has recorded in
// the directory of AB2D_RECORDED.
func TestPicture(t *testing.T) {
	dir := os.Getenv("AB2D_RECORDED")
	if dir == "" {
		t.Skip("draws what deploy/grafana/record has recorded; set AB2D_RECORDED to its directory")
	}
	q, from, to := recorded(t, dir)
	b, err := os.ReadFile("../grafana/ab2d.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct{ Panels []panel }
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	e := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	var drawn []string
	shown := 0
	for _, p := range board.Panels {
		var lines []line
		for _, target := range p.Targets {
			query, err := e.NewRangeQuery(t.Context(), q, nil, target.Expr, from, to, 30*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			m, err := query.Exec(t.Context()).Matrix()
			if err != nil {
				t.Fatalf("%s: %v", target.Expr, err)
			}
			for _, s := range m {
				lines = append(lines, line{legend(target.LegendFormat, s.Metric), slices.Clone(s.Floats)})
			}
		}
		if len(lines) > 0 {
			shown++
		}
		drawn = append(drawn, draw(p, lines, from, to))
	}
	if shown < len(board.Panels)/2 {
		t.Errorf("%d of %d panels show something", shown, len(board.Panels))
	}
	caption := fmt.Sprintf("A sandbox at work, %s to %s UTC, recorded by deploy/grafana/record. Drawn by TestPicture with the expressions of ab2d.json, not by Grafana.", from.Format("2006-01-02 15:04"), to.Format("15:04"))
	if err := os.WriteFile("../grafana/ab2d.svg", []byte(sheet(caption, drawn)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d panels show something", shown, len(board.Panels))
}

// recorded reads the scrapes of a directory, which are named by the second of each.
func recorded(t *testing.T, dir string) (q storage.Queryable, from, to time.Time) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.prom"))
	if err != nil || len(paths) < 4 {
		t.Fatalf("%s has %d scrapes, %v", dir, len(paths), err)
	}
	values, names := map[string][]chunks.Sample{}, map[string]labels.Labels{}
	for _, path := range paths {
		second, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".prom"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if to = time.Unix(second, 0).UTC(); from.IsZero() {
			from = to
		}
		readSamples(t, bytes.NewReader(b), func(l labels.Labels, v float64) {
			values[l.String()] = append(values[l.String()], point{to.UnixMilli(), v})
			names[l.String()] = l
		})
	}
	var list []storage.Series
	for key, l := range names {
		list = append(list, storage.NewListSeries(l, values[key]))
	}
	return selecting(list), from, to
}

// legend is the name of a line, as Grafana makes it.
func legend(format string, l labels.Labels) string {
	l.Range(func(one labels.Label) { format = strings.ReplaceAll(format, "{{"+one.Name+"}}", one.Value) })
	if format == "" || format == "__auto" {
		return strings.Trim(l.String(), "{}")
	}
	return format
}

// line is a line of a panel.
type line struct {
	name   string
	points []promql.FPoint
}

// The sizes of a panel and of what it draws, in pixels.
const (
	columns              = 3
	panelWide, panelHigh = 400, 210
	left, top            = 62, 34
	wide, high           = panelWide - left - 16, 110
	mostLegends          = 6
)

var colors = []string{"#3b6fb6", "#c8553d", "#3f8f5b", "#8a5fb0", "#b08a1e", "#4a9aa5", "#a0446e", "#6b6b6b"}

// draw draws a panel.
func draw(p panel, lines []line, from, to time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#fff" stroke="#ccc"/><text x="10" y="20" font-weight="bold">%s</text>`, panelWide-10, panelHigh-10, html.EscapeString(p.Title))
	most := 0.0
	for _, l := range lines {
		for _, f := range l.points {
			if !math.IsNaN(f.F) && !math.IsInf(f.F, 0) {
				most = max(most, f.F)
			}
		}
	}
	if len(lines) == 0 {
		fmt.Fprintf(&s, `<text x="%d" y="%d" fill="#777">no data in this time</text>`, left, top+high/2)
		return s.String()
	}
	if most == 0 {
		most = 1
	}
	for i := range 3 {
		y := top + high - high*i/2
		fmt.Fprintf(&s, `<path d="M%d %dh%d" stroke="#e4e4e4"/><text x="%d" y="%d" text-anchor="end" fill="#555">%s</text>`, left, y, wide, left-6, y+4, html.EscapeString(shown(most*float64(i)/2, p.FieldConfig.Defaults.Unit)))
	}
	for i, l := range lines {
		color, move := colors[i%len(colors)], "M"
		fmt.Fprintf(&s, `<path fill="none" stroke="%s" stroke-width="1.5" d="`, color)
		for _, f := range l.points {
			if math.IsNaN(f.F) || math.IsInf(f.F, 0) {
				move = "M"
				continue
			}
			x := float64(left) + float64(wide)*float64(f.T-from.UnixMilli())/float64(to.Sub(from).Milliseconds())
			fmt.Fprintf(&s, "%s%.0f %.1f", move, x, float64(top+high)-float64(high)*f.F/most)
			move = "L"
		}
		s.WriteString(`"/>`)
		if i < mostLegends {
			x, y := left+i%3*110, top+high+20+i/3*16
			fmt.Fprintf(&s, `<path d="M%d %dh10" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`, x-14, y-4, color, x, y, html.EscapeString(cut(l.name)))
		}
	}
	if more := len(lines) - mostLegends; more > 0 {
		fmt.Fprintf(&s, `<text x="%d" y="%d" fill="#777">and %d more</text>`, left+230, top+high+52, more)
	}
	return s.String()
}

func cut(name string) string {
	if r := []rune(name); len(r) > 16 {
		return string(r[:15]) + "…"
	}
	return name
}

// shown is a number with its unit, as Grafana names units.
func shown(v float64, unit string) string {
	switch unit {
	case "bytes", "Bps":
		for _, prefix := range []string{"", "k", "M", "G"} {
			if v < 1000 || prefix == "G" {
				return fmt.Sprintf("%.3g %sB", v, prefix)
			}
			v /= 1000
		}
	case "s":
		switch {
		case v >= 3600:
			return fmt.Sprintf("%.3g h", v/3600)
		case v >= 60:
			return fmt.Sprintf("%.3g min", v/60)
		}
		return fmt.Sprintf("%.3g s", v)
	case "percentunit":
		return fmt.Sprintf("%.0f %%", v*100)
	}
	if unit == "ops" {
		return fmt.Sprintf("%.3g /s", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// sheet puts the panels together.
func sheet(caption string, panels []string) string {
	var s strings.Builder
	rows := (len(panels) + columns - 1) / columns
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#f4f4f4"/>`, columns*panelWide+10, rows*panelHigh+40)
	fmt.Fprintf(&s, "<text x=\"10\" y=\"20\">%s</text>\n", html.EscapeString(caption))
	for i, p := range panels {
		fmt.Fprintf(&s, "<g transform=\"translate(%d %d)\">%s</g>\n", 10+i%columns*panelWide, 34+i/columns*panelHigh, p)
	}
	s.WriteString("</svg>\n")
	return s.String()
}
