package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
)

const (
	largeSponsor  = "PDP-10000"
	largeContract = "Z0010"
)

// beginning asks for everything, whatever was downloaded before.
var beginning = time.Date(2020, time.February, 14, 0, 0, 0, 0, time.UTC)

// profile gives the flag for profiles, if they are wanted.
func (b *bench) profile(name string) []string {
	if b.profiles == "" {
		return nil
	}
	return []string{"--profiles=" + filepath.Join(b.profiles, name)}
}

// exports runs exports of the large sponsor, verifies a file, and gives the
// median time.
func (b *bench) exports(c *client.Client, times int, since time.Time) (result, error) {
	var all []float64
	var last result
	for range times {
		r, err := b.export(c, since)
		if err != nil {
			return r, err
		}
		all, last = append(all, r.seconds), r
	}
	slices.Sort(all)
	last.seconds = all[len(all)/2]
	if len(last.manifest.Output) > 0 {
		return last, b.verify(c, last.manifest.Output[0])
	}
	return last, nil
}

func (b *bench) syntheticExports() error {
	s, err := b.start(append(b.profile("synthetic"), "--data="+filepath.Join(b.dir, "synthetic"))...)
	if err != nil {
		return err
	}
	small, err := s.client("PDP-100", "v2")
	if err != nil {
		return err
	}
	r, err := b.exports(small, 7, beginning)
	if err != nil {
		return err
	}
	b.add("PDP-100: kick-off to completed, idle server", r.seconds, "s", false, 1, "")
	large, err := s.client(largeSponsor, "v2")
	if err != nil {
		return err
	}
	if r, err = b.exports(large, 3, beginning); err != nil {
		return err
	}
	cores := float64(runtime.GOMAXPROCS(0))
	limit := float64(r.bytes) / 1e6 * (1/b.limits.gzip + 1/b.limits.sha256) / cores
	b.add(fmt.Sprintf("export of 10,000 enrollees, synthetic source, %.2f GB", float64(r.bytes)/1e9), r.seconds, "s", false, 12,
		fmt.Sprintf("gzip and SHA-256 on %d cores: %.2f s, %.0f %% of the time", runtime.GOMAXPROCS(0), limit, 100*limit/r.seconds))
	if err := b.version3(s, r); err != nil {
		return err
	}
	if err := b.latency(s, small, large); err != nil {
		return err
	}
	b.add("memory of the server, export of 10,000 enrollees", s.peak(), "MB", false, 300, "")
	return s.stop()
}

// version3 compares an export of version 3 with one of version 2, by the byte.
func (b *bench) version3(s *server, two result) error {
	large, err := s.client(largeSponsor, "v3")
	if err != nil {
		return err
	}
	three, err := b.exports(large, 3, time.Time{})
	if err != nil {
		return err
	}
	rate := func(r result) float64 { return float64(r.bytes) / 1e6 / r.seconds }
	b.add(fmt.Sprintf("export of 10,000 enrollees in v3, %.2f GB, by the byte, of v2's rate", float64(three.bytes)/1e9), rate(three)/rate(two), "", true, 0.9,
		fmt.Sprintf("%.0f MB/s in v3, %.0f MB/s in v2", rate(three), rate(two)))
	return nil
}

// storeData is where the store with the imported claims is.
func (b *bench) storeData() string { return filepath.Join(b.dir, "store") }

// importClaims imports contract, enrollment and raw claims of the large
// sponsor.
func (b *bench) importClaims() error {
	raw := filepath.Join(b.dir, "raw.ndjson")
	size, err := b.writeRaw(raw)
	if err != nil {
		return err
	}
	seconds, err := b.importInto(raw, "--data="+b.storeData())
	if err != nil {
		return err
	}
	rate := float64(size) / 1e6 / seconds
	b.add(fmt.Sprintf("import of %.1f GB raw R4 claims", float64(size)/1e9), rate, "MB/s", true, 100, fmt.Sprintf("%.1f s; one core reads, validates, merges or compresses at a time in each batch", seconds))
	if err := b.importEncrypted(raw, seconds); err != nil {
		return err
	}
	return os.Remove(raw)
}

// importInto imports contract, enrollment and claims, and gives the seconds that the
// claims took.
func (b *bench) importInto(raw string, where ...string) (float64, error) {
	tool := func(text string, args ...string) error {
		return b.tool(strings.NewReader(text), append(append([]string{"import"}, args...), where...)...)
	}
	if err := tool("contract,sponsor,attested\n"+largeContract+",bench,2020-03-01\n", "contracts", "-"); err != nil {
		return 0, err
	}
	enrollment, err := b.enrollment()
	if err != nil {
		return 0, err
	}
	if err := tool(enrollment, "enrollment", "-"); err != nil {
		return 0, err
	}
	began := time.Now()
	err = tool("", "claims", raw, "--fhir=r4")
	return time.Since(began).Seconds(), err
}

// writeRaw writes the large sponsor's claims as upstream would have them.
func (b *bench) writeRaw(name string) (size int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	_, err = b.eachClaim(largeContract, func(l []byte) bool {
		line = rawClaim(line[:0], l)
		n, _ := w.Write(line) // an error stays until Flush
		size += int64(n)
		return true
	})
	if err == nil {
		err = w.Flush()
	}
	return size, err
}

// enrollment is the large sponsor's roster in our import format.
func (b *bench) enrollment() (string, error) {
	list, err := enrollees(b.ctx, synth.New(1, time.Now), largeContract)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	s.WriteString("contract,beneficiary_id,mbi,historic_mbis,from,to\n")
	for _, e := range list {
		var mbis []string
		for _, m := range e.MBIs {
			mbis = append(mbis, string(m))
		}
		current, historic := "", ""
		if len(mbis) > 0 {
			current, historic = mbis[0], strings.Join(mbis[1:], ";")
		}
		fmt.Fprintf(&s, "%s,%d,%s,%s,2018-01,2038-12\n", largeContract, e.ID, current, historic)
	}
	return s.String(), nil
}

func (b *bench) storeExports() error {
	s, err := b.start(append(b.profile("store"), "--claims=store:", "--data="+b.storeData())...)
	if err != nil {
		return err
	}
	c, err := s.client(largeSponsor, "v2")
	if err != nil {
		return err
	}
	const times = 5
	readBefore, writtenBefore, callsBefore := s.io()
	full, err := b.exports(c, times, time.Time{})
	if err != nil {
		return err
	}
	read, written, calls := s.io()
	cores := float64(runtime.GOMAXPROCS(0))
	limit := float64(full.bytes) / 1e6 * (1/b.limits.inflate + 1/b.limits.sha256) / cores
	b.add(fmt.Sprintf("export of 10,000 enrollees / %s claims from the store", number(float64(full.claims))), full.seconds, "s", false, 4,
		fmt.Sprintf("inflate and SHA-256 on %d cores: %.2f s, %.0f %% of the time", runtime.GOMAXPROCS(0), limit, 100*limit/full.seconds))
	b.note("… written by the server", (written-writtenBefore)/times, "MB", fmt.Sprintf("by %.0f calls; read %.0f MB", (calls-callsBefore)/times, (read-readBefore)/times))
	slow, err := b.decodeRate()
	if err != nil {
		return err
	}
	b.add("… against decoding, filtering and compressing raw JSON", float64(full.claims)/full.seconds/slow, "times", true, 5, fmt.Sprintf("by maps: %s claims/s", number(slow)))
	b.note("memory of the server, exports from the store", s.peak(), "MB", "")
	if err := s.stop(); err != nil {
		return err
	}
	return b.incremental(full)
}

// incremental exports what is new, by a server of its own, so that its profile
// is of nothing else.
func (b *bench) incremental(full result) error {
	s, err := b.start(append(b.profile("incremental"), "--claims=store:", "--data="+b.storeData())...)
	if err != nil {
		return err
	}
	c, err := s.client(largeSponsor, "v2")
	if err != nil {
		return err
	}
	const times = 21
	before, _, _ := s.io()
	some, err := b.exports(c, times, time.Now().AddDate(0, -1, 0))
	if err != nil {
		return err
	}
	after, _, _ := s.io()
	b.add(fmt.Sprintf("… incremental, _since a month ago (%s claims)", number(float64(some.claims))), some.seconds/full.seconds, "of the full one", false, 0.1,
		fmt.Sprintf("%.2f s; read %.0f MB", some.seconds, (after-before)/times))
	return s.stop()
}

// downloads compares stored bytes served by the program with http.ServeContent
// of the same file in another process.
func (b *bench) downloads() error {
	s, err := b.start("--claims=store:", "--data="+b.storeData())
	if err != nil {
		return err
	}
	c, err := s.client(largeSponsor, "v2")
	if err != nil {
		return err
	}
	r, err := b.export(c, beginning)
	if err != nil {
		return err
	}
	token, err := b.tokenOf(s, largeSponsor)
	if err != nil {
		return err
	}
	file := r.manifest.Output[0]
	stored := filepath.Join(b.dir, "stored")
	if err := os.WriteFile(stored, nil, 0o600); err != nil {
		return err
	}
	size, err := b.fetch(file.URL, token, stored)
	if err != nil {
		return err
	}
	other := exec.CommandContext(b.ctx, os.Args[0], "--serve-file="+stored)
	out, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		return err
	}
	defer other.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for range 41 { // alternating, so that both meet the same machine
		for url, times := range map[string]*[]time.Duration{file.URL: &ours, strings.TrimSpace(address): &theirs} {
			began := time.Now()
			if _, err := b.fetch(url, token, ""); err != nil {
				return err
			}
			*times = append(*times, time.Since(began))
		}
	}
	mbs := func(times []time.Duration) float64 { return float64(size) / 1e6 / median(times) }
	b.note("download of stored gzip, loopback", mbs(ours), "MB/s", fmt.Sprintf("%.1f MB of gzip, that is %.1f MB", float64(size)/1e6, float64(file.Length)/1e6))
	b.add("… against http.ServeContent of the same file", 100*mbs(ours)/mbs(theirs), "%", true, 80, fmt.Sprintf("ServeContent: %.0f MB/s", mbs(theirs)))
	return s.stop()
}

// fetch gets a URL's stored bytes, into a file or nowhere.
func (b *bench) fetch(url, token, name string) (int64, error) {
	req, err := http.NewRequestWithContext(b.ctx, "GET", url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, resp.Status)
	}
	to := io.Discard
	if name != "" {
		f, err := os.Create(name)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		to = f
	}
	return io.Copy(to, resp.Body)
}
