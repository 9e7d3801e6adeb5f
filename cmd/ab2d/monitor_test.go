package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/docs"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/synth"
)

// getText reads an address.
func getText(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// sample finds the value of a series.
func sample(t *testing.T, scrape, series string) float64 {
	t.Helper()
	for line := range strings.Lines(scrape) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Errorf("there is no %s", series)
	return 0
}

// TestMetricsOfAnExport: what was exported and downloaded is what the metrics count,
// and they name nobody.
func TestMetricsOfAnExport(t *testing.T) {
	p := startProcess(t, nil, "--data="+t.TempDir(), "--max-polls=1000", "--listen=localhost:0")
	sponsor := synth.Sponsors()[0]
	c := p.newClient(t, sponsor)
	job, err := c.Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	m := p.wait(t, sponsor, job, nil)
	for _, f := range m.Output {
		if _, err := c.Download(t.Context(), f, t.TempDir(), nil); err != nil {
			t.Fatal(err)
		}
	}
	scrape := p.settled(t)
	enrollees := 0.0
	for _, outcome := range []string{"delivered", "no_claims", "opted_out", "no_identifier", "not_read"} {
		enrollees += sample(t, scrape, `ab2d_exported_enrollees_total{outcome="`+outcome+`"}`)
	}
	if enrollees != float64(sponsor.Enrollees) {
		t.Errorf("%g enrollees are counted, want %d", enrollees, sponsor.Enrollees)
	}
	written, stored := sample(t, scrape, "ab2d_written_bytes_total"), sample(t, scrape, "ab2d_files_stored_bytes")
	if written != stored || written < 1000 || sample(t, scrape, "ab2d_delivered_bytes_total") < written/2 {
		t.Errorf("%g bytes written, %g stored", written, stored)
	}
	for series, want := range map[string]float64{
		`ab2d_job_duration_seconds_count{outcome="completed"}`: 1, `ab2d_job_duration_seconds_count{outcome="failed"}`: 0, `ab2d_jobs{state="completed"}`: 1,
		`ab2d_steps_total{outcome="done",step="plan"}`: 1, `ab2d_steps_total{outcome="failed",step="part"}`: 0, `ab2d_jobs_waiting`: 0,
		`ab2d_token_requests_total{result="granted"}`: 2, // p.wait has a client of its own
		`ab2d_database_readable`:                      1, `ab2d_build_info{version="` + version + `"}`: 1,
	} {
		if got := sample(t, scrape, series); got != want {
			t.Errorf("%s is %g, want %g", series, got, want)
		}
	}
	for _, series := range []string{`ab2d_disk_free_bytes{volume="data"}`, `ab2d_disk_size_bytes{volume="files"}`, "ab2d_audit_entries_total", "ab2d_database_size_bytes",
		"ab2d_signing_key_created_timestamp_seconds", `go_sql_open_connections{db_name="read"}`, "ab2d_exported_claims_total", `ab2d_client_secrets_expiring{within="7d"}`} {
		if sample(t, scrape, series) <= 0 && !strings.Contains(series, "expiring") {
			t.Errorf("%s is not above 0", series)
		}
	}
	areDocumented(t, scrape)
	for _, named := range []string{sponsor.Contract, sponsor.Credentials[0].ID, job.StatusURL[strings.LastIndex(job.StatusURL, "Job/")+4:][:36]} {
		if strings.Contains(scrape, named) {
			t.Errorf("%s is in the metrics", named)
		}
	}
}

// areDocumented: docs/operating.md says of each metric what it tells.
func areDocumented(t *testing.T, scrape string) {
	t.Helper()
	operating, err := docs.Files.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range regexp.MustCompile(`(?m)^# TYPE (ab2d_\w+)`).FindAllStringSubmatch(scrape, -1) {
		if !regexp.MustCompile("(?m)^\\| `" + family[1] + "[{`]").Match(operating) {
			t.Errorf("docs/operating.md does not say what %s tells", family[1])
		}
	}
}

// settled reads the metrics when no download is under way any more. That one has ended
// is counted after its last byte.
func (p *process) settled(t *testing.T) string {
	t.Helper()
	again, deadline := time.NewTicker(100*time.Millisecond), time.After(20*time.Second)
	defer again.Stop()
	for {
		_, scrape := getText(t, p.url+"/metrics")
		if sample(t, scrape, "ab2d_downloads_running") == 0 {
			return scrape
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal("downloads do not end")
		}
	}
}

// TestMonitorOfAWorker: a process without an API tells how it is.
func TestMonitorOfAWorker(t *testing.T) {
	c := workConfig{stateConfig: stateConfig{Data: t.TempDir()}, Lease: export.DefaultSettings().Lease, Retention: export.DefaultSettings().Retention,
		Claims: "store:", Workers: 1, logConfig: logConfig{LogLevel: "error", LogFormat: "json"}}
	c.complete()
	var log bytes.Buffer
	w, err := openWorkers(t.Context(), &c, streams{out: io.Discard, err: &log})
	if err != nil {
		t.Fatal(err)
	}
	m, err := openMonitor(t.Context(), "127.0.0.1:0", w)
	if err != nil {
		t.Fatal(err)
	}
	stop := m.start(w.log)
	defer stop()
	url := "http://" + m.listener.Addr().String()
	if status, body := getText(t, url+"/health"); status != http.StatusOK || body != `{"checks":{"audit":"ok","clock":"ok","database":"ok","files":"ok"},"status":"ok"}` {
		t.Errorf("%d %s", status, body)
	}
	w.metrics.StepEnded("part", obs.StepLeaseLost, 0)
	if _, scrape := getText(t, url+"/metrics"); sample(t, scrape, `ab2d_steps_total{outcome="lease_lost",step="part"}`) != 1 {
		t.Error("the lost lease is not counted")
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if status, body := getText(t, url+"/health"); status != http.StatusServiceUnavailable || !strings.Contains(body, `"database":"failing"`) {
		t.Errorf("without a database: %d %s", status, body)
	}
	if status, _ := getText(t, url+"/health/live"); status != http.StatusOK {
		t.Errorf("not live: %d", status)
	}
}

// TestFaultsOfArgumentsAreJSON: also what is wrong with the arguments is told as JSON, if
// they ask for it, and a notice about an old name.
func TestFaultsOfArgumentsAreJSON(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--log-format=json", "--bogus"}, {"worker", "--log-format", "json", "--lease=x"}, {"sandbox", "--lease=x", "--log-format=json"},
		{"serve", "--log-format=json", "--keep=1h", "--lease=x"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, streams{out: &out, err: &errs}); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, &errs)
		}
		for line := range strings.Lines(errs.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%v: %q is not JSON", args, line)
			}
		}
	}
	var errs bytes.Buffer
	if run(t.Context(), []string{"serve", "--log-format=text", "--bogus"}, streams{out: io.Discard, err: &errs}); !strings.HasPrefix(errs.String(), "ab2d: ") {
		t.Errorf("without JSON: %q", &errs)
	}
}

// TestLogIsJSON: with --log-format=json every line that a server writes is JSON, to
// either stream. It tells of the start, with the settings, and of the end, and not of
// those who ask for its health.
func TestLogIsJSON(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", "--listen=127.0.0.1:0", "--data="+t.TempDir(), "--log-format=json", "--pages")
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	messages := map[string]map[string]any{}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%q is not JSON", lines.Text())
			continue
		}
		messages[line["msg"].(string)] = line
		if line["msg"] == "request" && line["path"] != "/nowhere" {
			t.Errorf("the log has %q", lines.Text())
		}
		if line["msg"] != "started" {
			continue
		}
		for _, path := range []string{"/health", "/health/live", "/metrics", "/status", "/nowhere"} {
			getText(t, line["url"].(string)+path)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || out.Len() > 0 {
		t.Errorf("%v, printed %q", err, out.String())
	}
	started := messages["started"]
	if started["version"] == "" || started["retention"] != "72h0m0s" || messages["stopped"]["ran"] == nil || messages["request"] == nil {
		t.Errorf("the log has %v", messages)
	}
}

// TestWhyAServerDoesNotStart is a line of JSON, too.
func TestWhyAServerDoesNotStart(t *testing.T) {
	for _, args := range [][]string{{"serve", "--log-format=json", "--listen=nowhere"}, {"worker", "--log-format=json", "--database=postgres://u:p4ss@127.0.0.1:1/x", "--files=s3://b/?endpoint=http://127.0.0.1:1"}} {
		var log bytes.Buffer
		if code := run(t.Context(), args, streams{out: &log, err: &log}); code == exitOK {
			t.Errorf("%v has started", args)
		}
		var line struct{ Level, Msg, Error string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Level != "ERROR" || line.Error == "" || strings.Contains(log.String(), "p4ss") {
			t.Errorf("%v wrote %q", args, log.String())
		}
	}
}
