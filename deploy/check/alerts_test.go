package check

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

// alert is a rule of alerts.yml.
type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	b, err := os.ReadFile("../prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string  `json:"name"`
			Rules []alert `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.UnmarshalStrict(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 15 {
		t.Fatalf("alerts.yml has %d groups", len(file.Groups))
	}
	return file.Groups[0].Rules
}

func readDashboard(t *testing.T) (expressions []string) {
	t.Helper()
	b, err := os.ReadFile("../grafana/ab2d.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}

// minutes is how long each scenario lasts before it changes, and after.
const minutes = 14 * 60

// TestAlerts: every expression is one of Prometheus and selects what a server has, none
// of the alerts fires at a server that is well, and each fires after what it is for.
func TestAlerts(t *testing.T) {
	all, alerts := scrape(t), readAlerts(t)
	for _, expr := range readDashboard(t) {
		checkSelectors(t, all, expr)
	}
	now := time.Now().Truncate(time.Minute)
	e := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	causes := faults(now)
	for _, a := range alerts {
		t.Run(a.Alert, func(t *testing.T) {
			checkSelectors(t, all, a.Expr)
			hold := time.Duration(0)
			if a.For != "" {
				d, err := model.ParseDuration(a.For)
				if err != nil {
					t.Fatal(err)
				}
				hold = time.Duration(d)
			}
			if a.Labels["severity"] != "page" && a.Labels["severity"] != "ticket" || a.Annotations["summary"] == "" || a.Annotations["action"] == "" {
				t.Error("it does not say how urgent it is, or what to do")
			}
			cause, ok := causes[a.Alert]
			if !ok {
				t.Fatal("no fault of this test makes it fire")
			}
			if at := fires(t, e, history(all, a.Expr, now, func(labels.Labels, int, float64) (float64, bool) { return 0, false }), a.Expr, hold, now); at >= 0 {
				t.Errorf("it fires after %d minutes at a server that is well", at)
			}
			if at := fires(t, e, history(all, a.Expr, now, cause), a.Expr, hold, now); at < 0 {
				t.Error("it does not fire")
			} else {
				t.Logf("it fires %d minutes after the fault", at)
			}
		})
	}
}

// checkSelectors parses an expression and finds a series for each selector in it. The
// values of labels that only bad days have are not looked for.
func checkSelectors(t *testing.T, all series, expr string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return
	}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, one := range all {
			if one.labels.Get("__name__") == s.Name && hasLabels(one.labels, s.LabelMatchers) {
				return nil
			}
		}
		t.Errorf("%s: no server has %s", expr, s)
		return nil
	})
}

func hasLabels(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Name != "status" && !m.Matches(l.Get(m.Name)) || !l.Has(m.Name) {
			return false
		}
	}
	return true
}

// fault gives the value of a series a number of minutes after the fault; false for no
// change of that value.
type fault func(l labels.Labels, minute int, healthy float64) (float64, bool)

// history is what Prometheus has stored: hours in which nothing happened, and then the
// fault.
func history(all series, expr string, now time.Time, f fault) storage.Queryable {
	var list []storage.Series
	for _, s := range all {
		if strings.Contains(expr, s.labels.Get("__name__")) {
			list = append(list, pastOf(s.labels, s.value, true, now, f))
		}
	}
	// What only a fault brings about.
	for _, l := range []labels.Labels{
		labels.FromStrings("__name__", "ab2d_requests_total", "status", "500", "job", "ab2d", "instance", "one"),
		labels.FromStrings("__name__", "ab2d_build_info", "version", "0.0.0-other", "job", "ab2d", "instance", "two"),
	} {
		list = append(list, pastOf(l, 0, false, now, f))
	}
	return selecting(list)
}

// selecting is a storage of these series.
func selecting(list []storage.Series) storage.Queryable {
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		var found []storage.Series
		for _, s := range list {
			matches := true
			for _, m := range matchers {
				matches = matches && m.Matches(s.Labels().Get(m.Name))
			}
			if matches {
				found = append(found, s)
			}
		}
		return &seriesSet{list: found, at: -1}
	}}}
}

// pastOf is a series. If it is not always there, it is while the fault gives it a value.
func pastOf(l labels.Labels, healthy float64, always bool, now time.Time, f fault) storage.Series {
	var values []chunks.Sample
	for m := -minutes / 4; m < minutes; m++ {
		v, changed := healthy, false
		if m >= 0 {
			if v, changed = f(l, m, healthy); !changed {
				v = healthy
			}
		}
		if always || changed {
			values = append(values, point{now.Add(time.Duration(m) * time.Minute).UnixMilli(), v})
		}
	}
	return storage.NewListSeries(l, values)
}

// fires tells after how many minutes the expression has had a value for long enough;
// -1 if never.
func fires(t *testing.T, e *promql.Engine, q storage.Queryable, expr string, hold time.Duration, now time.Time) int {
	t.Helper()
	since := -1
	for m := 0; m < minutes; m += 2 {
		query, err := e.NewInstantQuery(t.Context(), q, nil, expr, now.Add(time.Duration(m)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		result := query.Exec(t.Context())
		v, err := result.Vector()
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if len(v) == 0 {
			since = -1
		} else if since < 0 {
			since = m
		}
		query.Close()
		if since >= 0 && time.Duration(m-since)*time.Minute >= hold {
			return m
		}
	}
	return -1
}

// seriesSet is a storage.SeriesSet of a list.
type seriesSet struct {
	list []storage.Series
	at   int
}

func (s *seriesSet) Next() bool         { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series { return s.list[s.at] }

// point is a chunks.Sample of a number.
type point struct {
	t int64
	v float64
}

func (p point) T() int64                      { return p.t }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.v }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
