package check

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ab2d-check-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "ab2d")
		build := exec.Command("go", "build", "-o", program, "./cmd/ab2d")
		build.Dir = "../.."
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// start starts a command of ab2d, and gives what follows a text in its output.
func start(t *testing.T, after string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the log of %v:\n%s", args, log.String())
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, rest, ok := strings.Cut(lines.Text(), after); ok {
			go io.Copy(io.Discard, out)
			rest, _, _ = strings.Cut(rest, ",")
			return strings.Fields(rest)[0]
		}
	}
	t.Fatalf("%v did not start:\n%s", args, log.String())
	return ""
}

// series are the values of a scrape by their labels, which are those that Prometheus
// adds, too.
type series map[string]struct {
	labels labels.Labels
	value  float64
}

// scrape reads the metrics of a server that has mirrored claims.
func scrape(t *testing.T) series {
	t.Helper()
	upstream := start(t, "is ready at ", "synth", "serve-upstream", "--enrollees=10", "--listen=127.0.0.1:0")
	server := start(t, "is ready at ", "sandbox", "--listen=127.0.0.1:0", "--data="+t.TempDir(), "--mirror-source="+upstream)
	if first, err := http.Get(server + "/metrics"); err != nil || first.Body.Close() != nil {
		t.Fatal(err)
	}
	r, err := http.Get(server + "/metrics") // which counts the first one
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	all := series{}
	readSamples(t, r.Body, func(l labels.Labels, v float64) {
		all[l.String()] = struct {
			labels labels.Labels
			value  float64
		}{l, v}
	})
	return all
}

// readSamples reads what a server answers to a scrape, and gives each sample with the
// labels that Prometheus would add.
func readSamples(t *testing.T, r io.Reader, see func(labels.Labels, float64)) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, v float64, l labels.Labels) {
		see(labels.NewBuilder(l).Set("__name__", name).Set("job", "ab2d").Set("instance", "one").Labels(), v)
	}
	add("up", 1, labels.EmptyLabels())
	for name, f := range families {
		for _, m := range f.GetMetric() {
			b := labels.NewBuilder(labels.EmptyLabels())
			for _, l := range m.GetLabel() {
				b.Set(l.GetName(), l.GetValue())
			}
			switch {
			case m.Gauge != nil:
				add(name, m.Gauge.GetValue(), b.Labels())
			case m.Counter != nil:
				add(name, m.Counter.GetValue(), b.Labels())
			case m.Histogram != nil:
				add(name+"_count", float64(m.Histogram.GetSampleCount()), b.Labels())
				add(name+"_sum", m.Histogram.GetSampleSum(), b.Labels())
				for _, k := range m.Histogram.GetBucket() {
					b.Set("le", fmt.Sprint(k.GetUpperBound()))
					add(name+"_bucket", float64(k.GetCumulativeCount()), b.Labels())
				}
			}
		}
	}
}
