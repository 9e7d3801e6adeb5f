package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// mirrorPeople is how many people are copied from the stand-in.
const mirrorPeople = 300

// mirror copies people from a stand-in for BFD that is in this process, and so on the
// same processors, and imports the same raw claims from a file.
func (b *bench) mirror() error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	source := synth.NewPopulation(1, func() time.Time { return now }, synth.DatasetSponsors(mirrorPeople)...)
	upstream := &switched{}
	url, stop, err := upstream.serve()
	if err != nil {
		return err
	}
	defer stop()
	set, err := upstream.set(b.ctx, source, now.AddDate(0, 0, -7))
	if err != nil {
		return err
	}
	contracts := filepath.Join(b.dir, "contracts.csv")
	if err := writeFile(contracts, set.WriteContracts); err != nil {
		return err
	}
	for _, name := range []string{"mirror", "mirrored"} {
		if _, err := b.fresh(name); err != nil {
			return err
		}
	}
	args := []string{"mirror", "--source=" + url, "--versions=v2", "--contracts=" + contracts, "--data=" + filepath.Join(b.dir, "mirror"), "--log-level=error"}
	whole, peak, err := b.timed(args...)
	if err != nil {
		return err
	}
	seconds, err := b.passTook()
	if err != nil {
		return err
	}
	raw, err := b.importMirrored(url, upstream.now.Load(), set, contracts)
	if err != nil {
		return err
	}
	rate := float64(raw.bytes) / 1e6 / seconds
	b.add(fmt.Sprintf("mirror of %d people, raw R4 claims", mirrorPeople), rate, "MB/s", true, 82,
		fmt.Sprintf("%.2f GB in %.1f s, and %.1f s with the enrollment: %.0f people/s, %s claims/s; the stand-in runs on the same processors", float64(raw.bytes)/1e9, seconds, whole, mirrorPeople/seconds, number(float64(raw.claims)/seconds)))
	b.ratio("mirror, of the rate at which the same claims are imported from a file", raw.seconds/seconds, "", true, 0.6, fmt.Sprintf("import %.1f s", raw.seconds))
	b.add("memory of the mirror", peak, "MB", false, 400, "")
	if _, err := upstream.set(b.ctx, source, now); err != nil {
		return err
	}
	if seconds, _, err = b.timed(args...); err != nil {
		return err
	}
	b.note(fmt.Sprintf("a week's changes of %d people, from upstream to exports", mirrorPeople), seconds, "s", "ab2d mirror from start to end")
	return nil
}

// passTook is how long the newest pass over the claims took, in seconds: without the
// enrollment, which an import of claims does not read either.
func (b *bench) passTook() (float64, error) {
	out, err := exec.CommandContext(b.ctx, b.program, "admin", "mirror", "show", "--json", "--data="+filepath.Join(b.dir, "mirror")).Output()
	if err != nil {
		return 0, fmt.Errorf("ab2d admin mirror show: %w", err)
	}
	var shown struct {
		Passes []struct{ Started, Ended time.Time }
	}
	if err := json.Unmarshal(out, &shown); err != nil || len(shown.Passes) == 0 {
		return 0, fmt.Errorf("ab2d admin mirror show: no pass: %w", err)
	}
	return shown.Passes[0].Ended.Sub(shown.Passes[0].Started).Seconds(), nil
}

// rawClaims is what was imported from a file.
type rawClaims struct {
	bytes   int64
	claims  int
	seconds float64
}

// importMirrored writes what the upstream server answers to a file, and imports it.
func (b *bench) importMirrored(url string, stand *bfdtest.Server, set *synth.Dataset, contracts string) (raw rawClaims, err error) {
	client, err := bfd.New(bfd.Config{Bases: map[fhir.Version]string{fhir.V2: url + "/v2/fhir"}})
	if err != nil {
		return raw, err
	}
	file, enrollment := filepath.Join(b.dir, "mirrored.ndjson"), filepath.Join(b.dir, "enrollment.csv")
	err = writeFile(file, func(w io.Writer) error {
		for _, number := range set.Contracts() {
			for _, one := range stand.People(number) {
				_, err := client.Claims(b.ctx, bfd.ClaimQuery{Version: fhir.V2, Patient: one.ID}, func(claim []byte) error {
					raw.claims++
					n, err := w.Write(append(claim, '\n'))
					raw.bytes += int64(n)
					return err
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = writeFile(enrollment, set.WriteEnrollment)
	}
	data := "--data=" + filepath.Join(b.dir, "mirrored")
	if err == nil {
		err = b.tool(nil, "import", "contracts", contracts, data)
	}
	if err == nil {
		err = b.tool(nil, "import", "enrollment", enrollment, data)
	}
	if err == nil {
		raw.seconds, _, err = b.timed("import", "claims", file, "--fhir=r4", data)
	}
	return raw, err
}

// writeFile writes a file.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// timed runs a command of the program, and returns how long it took and the most
// memory that it had, in MB.
func (b *bench) timed(args ...string) (seconds, peak float64, err error) {
	cmd := exec.CommandContext(b.ctx, b.program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C: // the usage that Wait reports begins with the memory of this process
			peak = max(peak, peakOf(cmd.Process.Pid))
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("ab2d %s: %w: %s", args[0], err, out.Bytes())
			}
			return time.Since(began).Seconds(), peak, err
		}
	}
}

// switched is a stand-in whose data set can be replaced.
type switched struct {
	now atomic.Pointer[bfdtest.Server]
}

// set has it serve what there was at a time.
func (s *switched) set(ctx context.Context, source *synth.Source, at time.Time) (*synth.Dataset, error) {
	d, err := source.Dataset(at)
	if err != nil {
		return nil, err
	}
	stand, err := bfdtest.New(ctx, d, fhir.V2)
	s.now.Store(stand)
	return d, err
}

// serve serves until stop is called.
func (s *switched) serve() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.now.Load().ServeHTTP(w, r) }), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}
