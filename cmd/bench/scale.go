package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
)

// tokenOf gets an access token of a sponsor.
func (b *bench) tokenOf(s *server, sponsor string) (string, error) {
	for _, p := range synth.Sponsors() {
		if p.Name != sponsor {
			continue
		}
		return s.token(p.Credentials[0].ID, p.Credentials[0].Secrets[0])
	}
	return "", fmt.Errorf("no sponsor %s", sponsor)
}

// token gets an access token.
func (s *server) token(id, secret string) (string, error) {
	resp, err := http.PostForm(s.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"clientCreds"},
		"client_id": {id}, "client_secret": {secret}})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var t struct {
		AccessToken string `json:"access_token"`
	}
	return t.AccessToken, json.NewDecoder(resp.Body).Decode(&t)
}

// decade is a number of enrollees whose cost is compared with that of others.
type decade struct {
	enrollees int
	since     time.Time
	bound     float64 // seconds; 0: none
}

var credential = regexp.MustCompile(`client id +(\S+)\nclient secret +(\S+)\n`)

// scale exports contracts of growing size.
func (b *bench) scale() error {
	for _, n := range []int{100, 1000, 10_000, 100_000} {
		if err := b.exportContract(decade{enrollees: n, since: beginning}); err != nil {
			return err
		}
	}
	return nil
}

// million exports the last month of a large contract.
func (b *bench) million() error {
	return b.exportContract(decade{enrollees: 1_000_000, since: time.Now().AddDate(0, -1, 0), bound: 8})
}

// exportContract exports a synthetic contract and throws the files away.
func (b *bench) exportContract(d decade) error {
	s, c, err := b.contractOf(d.enrollees)
	if err != nil {
		return err
	}
	r, err := b.export(c, d.since)
	if err != nil {
		return err
	}
	what := "everything"
	if d.since != beginning {
		what = "the last month"
	}
	name := fmt.Sprintf("%s enrollees, synthetic source, %s", number(float64(d.enrollees)), what)
	detail := fmt.Sprintf("%s claims, %.1f GB; %.1f µs a claim, %d files", number(float64(r.claims)), float64(r.bytes)/1e9, r.seconds*1e6/float64(r.claims), len(r.manifest.Output))
	if d.bound > 0 {
		b.add(name, r.seconds, "s", false, d.bound, detail)
	} else {
		b.note(name, r.seconds, "s", detail)
	}
	if d.enrollees >= 10_000 {
		b.add(name+", memory of the server", s.peak(), "MB", false, 300, "")
	}
	return s.stop()
}

// contractOf starts a server with a synthetic contract of so many enrollees, which throws
// files away, and gives a client of the contract.
func (b *bench) contractOf(enrollees int) (*server, *client.Client, error) {
	name := "scale" + strconv.Itoa(enrollees)
	data, err := b.fresh(name)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.start(append(b.profile(name), "--claims=synthetic:"+strconv.Itoa(enrollees), "--files=discard:", "--data="+data)...)
	if err != nil {
		return nil, nil, err
	}
	out, err := exec.CommandContext(b.ctx, b.program, "admin", "client", "add", "Z9999", "--data="+data).Output()
	found := credential.FindSubmatch(out)
	if err != nil || found == nil {
		return nil, nil, fmt.Errorf("make a client: %w: %s", err, out)
	}
	c, err := s.clientOf("v2", string(found[1]), string(found[2]), max(5*time.Millisecond, time.Duration(enrollees)*50*time.Nanosecond))
	return s, c, err
}

var scaled = regexp.MustCompile(`(\d+) workers: ([\d.]+) s`)

// workers compares one worker process with two, on PostgreSQL, by the test that
// starts them.
func (b *bench) workers() error {
	cmd := exec.CommandContext(b.ctx, "go", "test", "./cmd/ab2d", "-run", "TestScale", "-v", "-count=1")
	cmd.Env = append(os.Environ(), "AB2D_SCALE=20000", "AB2D_SCALE_SINCE=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	seconds := map[string]float64{}
	for _, m := range scaled.FindAllStringSubmatch(string(out), -1) {
		seconds[m[1]], _ = strconv.ParseFloat(m[2], 64)
	}
	if seconds["1"] == 0 || seconds["2"] == 0 {
		if strings.Contains(string(out), "SKIP") {
			fmt.Fprintln(b.err, "  skipped: PostgreSQL is not there")
			return nil
		}
		return fmt.Errorf("no figures in: %s", out)
	}
	b.ratio("two worker processes on PostgreSQL against one, 20,000 enrollees", seconds["1"]/seconds["2"], "times", true, 1.7, fmt.Sprintf("%.1f s and %.1f s", seconds["1"], seconds["2"]))
	return nil
}
