package main

import (
	"bufio"
	"fmt"
	"os"
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
	data, err := b.fresh("synthetic")
	if err != nil {
		return err
	}
	s, err := b.start(append(b.profile("synthetic"), "--data="+data)...)
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
	b.add("export of 10,000 enrollees, synthetic source", r.seconds, "s", false, 12,
		fmt.Sprintf("%.2f GB; gzip and SHA-256 on %d cores: %.2f s, %.0f %% of the time", float64(r.bytes)/1e9, runtime.GOMAXPROCS(0), limit, 100*limit/r.seconds))
	if err := b.version3(s, r); err != nil {
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
	b.ratio("export of 10,000 enrollees in v3, by the byte, of v2's rate", rate(three)/rate(two), "", true, 0.9,
		fmt.Sprintf("%.2f GB; %.0f MB/s in v3, %.0f MB/s in v2", float64(three.bytes)/1e9, rate(three), rate(two)))
	return nil
}

// storeData is where the store with the imported claims is.
func (b *bench) storeData() string { return filepath.Join(b.dir, "store") }

// importClaims imports contract, enrollment and raw claims of the large
// sponsor.
func (b *bench) importClaims() error {
	raw := filepath.Join(b.dir, "raw.ndjson")
	size, err := b.writeRaw(raw, largeContract)
	if err != nil {
		return err
	}
	data, err := b.fresh("store")
	if err != nil {
		return err
	}
	seconds, err := b.importInto(raw, "--data="+data)
	if err != nil {
		return err
	}
	rate := float64(size) / 1e6 / seconds
	b.add("import of raw R4 claims of 10,000 enrollees", rate, "MB/s", true, 100, fmt.Sprintf("%.1f GB in %.1f s; one core reads, validates, merges or compresses at a time in each batch", float64(size)/1e9, seconds))
	if err := b.importEncrypted(raw, seconds); err != nil {
		return err
	}
	return os.Remove(raw)
}

// importInto imports contract, enrollment and claims of the large sponsor, and gives the
// seconds that the claims took.
func (b *bench) importInto(raw string, where ...string) (float64, error) {
	if err := b.importPeople(largeContract, where...); err != nil {
		return 0, err
	}
	began := time.Now()
	err := b.tool(strings.NewReader(""), append([]string{"import", "claims", raw, "--fhir=r4"}, where...)...)
	return time.Since(began).Seconds(), err
}

// importPeople imports a contract and its enrollment.
func (b *bench) importPeople(contract string, where ...string) error {
	tool := func(text string, args ...string) error {
		return b.tool(strings.NewReader(text), append(append([]string{"import"}, args...), where...)...)
	}
	if err := tool("contract,sponsor,attested\n"+contract+",bench,2020-03-01\n", "contracts", "-"); err != nil {
		return err
	}
	enrollment, err := b.enrollment(contract)
	if err != nil {
		return err
	}
	return tool(enrollment, "enrollment", "-")
}

// writeRaw writes a contract's claims as upstream would have them.
func (b *bench) writeRaw(name, contract string) (size int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	_, err = b.eachClaim(contract, func(l []byte) bool {
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

// enrollment is a contract's roster in our import format.
func (b *bench) enrollment(contract string) (string, error) {
	list, err := enrollees(b.ctx, synth.New(1, time.Now), contract)
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
		fmt.Fprintf(&s, "%s,%d,%s,%s,2018-01,2038-12\n", contract, e.ID, current, historic)
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
	b.add("export of 10,000 enrollees from the store", full.seconds, "s", false, 4,
		fmt.Sprintf("%s claims; inflate and SHA-256 on %d cores: %.2f s, %.0f %% of the time", number(float64(full.claims)), runtime.GOMAXPROCS(0), limit, 100*limit/full.seconds))
	b.note("export of 10,000 enrollees from the store, written by the server", (written-writtenBefore)/times, "MB", fmt.Sprintf("by %.0f calls; read %.0f MB", (calls-callsBefore)/times, (read-readBefore)/times))
	slow, err := b.decodeRate()
	if err != nil {
		return err
	}
	b.ratio("export from the store, against decoding, filtering and compressing raw JSON", float64(full.claims)/full.seconds/slow, "times", true, 5, fmt.Sprintf("by maps: %s claims/s", number(slow)))
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
	b.ratio("incremental export from the store, _since a month ago", some.seconds/full.seconds, "of the full one", false, 0.1,
		fmt.Sprintf("%s claims; %.2f s; read %.0f MB", number(float64(some.claims)), some.seconds, (after-before)/times))
	return s.stop()
}
