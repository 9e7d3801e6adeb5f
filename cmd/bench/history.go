package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// line is one run in the history, a line of JSON.
type line struct {
	Commit  string    `json:"commit"` // of git, with -dirty if files had been changed
	Date    time.Time `json:"date"`
	Machine machine   `json:"machine"`
	Rows    []figure  `json:"rows"`
}

// machine is what a run was measured on.
type machine struct {
	Cores int     `json:"cores"`
	CPU   string  `json:"cpu"`
	Go    string  `json:"go"`
	Load  float64 `json:"load"` // of the last minute before the run: near 0 if the machine was quiet
}

// figure is a row in the history.
type figure struct {
	Workload string  `json:"workload"`
	Unit     string  `json:"unit"`
	Min      float64 `json:"min"`
	Median   float64 `json:"median"`
	Max      float64 `json:"max"`
	Times    int     `json:"times"` // how often it was measured
	AtLeast  bool    `json:"atLeast,omitempty"`
	Ratio    bool    `json:"ratio,omitempty"`
}

// best is the figure that counts against a history: what got worse is worse whenever it
// is measured, and other work on the machine only sometimes.
func (f figure) best() float64 {
	if f.AtLeast {
		return f.Max
	}
	return f.Min
}

// figures are the rows as the history has them.
func figures(rows []row) []figure {
	list := make([]figure, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		list = append(list, figure{Workload: r.Workload, Unit: r.Unit, Min: r.min(), Median: r.median(), Max: r.max(), Times: len(r.Figures), AtLeast: r.AtLeast, Ratio: r.Ratio})
	}
	return list
}

// readHistory reads the runs of a history, the oldest first. A file that does not exist
// has none.
func readHistory(name string) ([]line, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	var lines []line
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for n := 1; scanner.Scan(); n++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("read the history: %s:%d: %w", name, n, err)
		}
		if l.Commit == "" || len(l.Rows) == 0 {
			return nil, fmt.Errorf("read the history: %s:%d: no commit or no rows", name, n)
		}
		lines = append(lines, l)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read the history: %s: %w", name, err)
	}
	return lines, nil
}

// appendHistory adds a run to a history, which it makes if there is none.
func appendHistory(name string, l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	return nil
}

var cpuModel = regexp.MustCompile(`model name\s*: (.*)`)

// thisMachine describes the machine. What cannot be found out is empty.
func thisMachine() machine {
	m := machine{Cores: runtime.NumCPU(), CPU: runtime.GOARCH, Go: runtime.Version()}
	text, _ := os.ReadFile("/proc/cpuinfo")
	if found := cpuModel.FindSubmatch(text); found != nil {
		m.CPU = string(found[1])
	}
	text, _ = os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(text), &m.Load)
	return m
}

// commit names the version that is measured.
func (b *bench) commit() (string, error) {
	out, err := exec.CommandContext(b.ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err != nil {
		return "", fmt.Errorf("name the commit: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// worse is a ratio that got worse.
type worse struct {
	figure figure
	before float64 // the median in the history
	commit string  // of the run with it
}

func (w worse) String() string {
	return fmt.Sprintf("%s: %s, was %s at %s", w.figure.Workload, number(w.figure.best()), number(w.before), w.commit)
}

// tolerated is the part of a ratio by which it may get worse.
const tolerated = 1.0 / 3

// compare finds the ratios that got worse by more than a third since the last run of
// the history that has them. Times are never compared, because they depend on the
// machine. A ratio that the history does not have is new.
func compare(history []line, now []figure) (got []worse, compared, added int) {
	for _, f := range now {
		if !f.Ratio {
			continue
		}
		before, commit, ok := lastRatio(history, f.Workload)
		if !ok {
			added++
			continue
		}
		compared++
		bad := f.best() > before*(1+tolerated)
		if f.AtLeast {
			bad = f.best() < before*(1-tolerated)
		}
		if bad {
			got = append(got, worse{f, before, commit})
		}
	}
	return got, compared, added
}

// lastRatio finds the newest ratio of a workload.
func lastRatio(history []line, workload string) (median float64, commit string, ok bool) {
	for i := len(history) - 1; i >= 0; i-- {
		for _, f := range history[i].Rows {
			if f.Workload == workload && f.Ratio {
				return f.Median, history[i].Commit, true
			}
		}
	}
	return 0, "", false
}

// held compares the run with a history, and returns an error that names the ratios
// that got worse.
func (b *bench) held(name string) error {
	history, err := readHistory(name)
	if err != nil {
		return err
	}
	got, compared, added := compare(history, figures(b.rows))
	fmt.Fprintf(b.err, "%d ratios compared with %s, %d are new\n", compared, name, added)
	if len(got) == 0 {
		return nil
	}
	text := make([]string, len(got))
	for i, w := range got {
		text[i] = w.String()
	}
	return fmt.Errorf("worse by more than a third:\n  %s", strings.Join(text, "\n  "))
}
