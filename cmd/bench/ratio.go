package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"ab2d/client"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// The ratios are of the small sponsor's claims, so that they are quick.
const (
	ratioSponsor  = "PDP-1000"
	ratioContract = "Z0001"
)

// side gives the processor time of one side of a ratio, in seconds.
type side func() (float64, error)

// versus measures two sides five times in turn, so that both meet the same machine, and
// adds the median of the five ratios. Processor time depends less on other work on the
// machine than wall time.
func (b *bench) versus(workload string, bound float64, one, other side) error {
	var ratios []float64
	var of [2]float64
	for range 5 {
		for i, s := range []side{one, other} {
			var err error
			if of[i], err = s(); err != nil {
				return fmt.Errorf("%s: %w", workload, err)
			}
		}
		ratios = append(ratios, of[0]/of[1])
	}
	b.ratio("processor time: "+workload, medianOf(ratios), "", false, bound, fmt.Sprintf("the last: %.3f s and %.3f s", of[0], of[1]))
	return nil
}

// often repeats a side that takes less than the clock of processor time can tell.
func often(times int, s side) side {
	return func() (sum float64, err error) {
		for range times {
			took, err := s()
			if err != nil {
				return 0, err
			}
			sum += took
		}
		return sum / float64(times), nil
	}
}

// ratios are few, quick, and hardly depend on the machine. Continuous integration
// compares them with the history.
func (b *bench) ratios() error {
	text, err := b.sampleClaims(limitBytes / 2)
	if err != nil {
		return err
	}
	w := &ratioWork{bench: b, text: text}
	for _, measure := range []func() error{w.computing, w.synthetic, w.stored, w.downloading} {
		if err := measure(); err != nil {
			return err
		}
	}
	return nil
}

// ratioWork is what the ratios share.
type ratioWork struct {
	*bench
	text []byte // delivered claims
}

// pack compresses and hashes delivered claims, n bytes of them: what every export of
// synthetic claims has to do at least.
func (w *ratioWork) pack(n int64) side {
	return func() (float64, error) {
		return usedHere(func() error {
			z, err := gzip.NewWriterLevel(io.Discard, 3)
			h := sha256.New()
			for left := n; err == nil && left > 0; left -= int64(len(w.text)) {
				part := w.text[:min(left, int64(len(w.text)))]
				h.Write(part)
				_, err = z.Write(part)
			}
			return err
		})
	}
}

// unpack inflates and hashes delivered claims, n bytes of them: what every export of
// stored claims has to do at least.
func (w *ratioWork) unpack(n int64) (side, error) {
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, 3)
	if err == nil {
		_, err = z.Write(w.text)
	}
	if err == nil {
		err = z.Close()
	}
	return func() (float64, error) {
		return usedHere(func() error {
			for left := n; left > 0; left -= int64(len(w.text)) {
				r, err := gzip.NewReader(bytes.NewReader(zipped.Bytes()))
				if err != nil {
					return err
				}
				if _, err := io.CopyN(sha256.New(), r, min(left, int64(len(w.text)))); err != nil {
					return err
				}
			}
			return nil
		})
	}, err
}

// computing compares what needs no server.
func (w *ratioWork) computing() error {
	var lines [][]byte
	for line := range bytes.Lines(w.text[:8<<20]) {
		if bytes.HasSuffix(line, []byte("\n")) {
			lines = append(lines, rawClaim(nil, line))
		}
	}
	each := func(f func([]byte) error) side {
		return func() (float64, error) {
			return usedHere(func() error {
				for _, l := range lines {
					if err := f(l); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	m := eob.New(fhir.V2)
	minimize := each(func(l []byte) error { _, err := m.Minimize(l); return err })
	return w.versus("minimize, of decoding into maps", 0.12, often(10, minimize), each(func(l []byte) error { _, err := byMaps(l); return err }))
}

// exporting gives a side that exports the small sponsor's claims.
func (w *ratioWork) exporting(s *server, c *client.Client, since time.Time, to *result) side {
	return func() (float64, error) {
		return used(s.cmd.Process.Pid, func() (err error) {
			*to, err = w.export(c, since)
			return err
		})
	}
}

// started starts a server and gives a client of the small sponsor, after one export of
// everything.
func (w *ratioWork) started(args ...string) (*server, *client.Client, result, error) {
	s, err := w.start(args...)
	if err != nil {
		return nil, nil, result{}, err
	}
	c, err := s.client(ratioSponsor, "v2")
	if err != nil {
		return nil, nil, result{}, err
	}
	r, err := w.export(c, beginning)
	return s, c, r, err
}

// synthetic compares exports of claims that are computed.
func (w *ratioWork) synthetic() error {
	data, err := w.fresh("ratio-synthetic")
	if err != nil {
		return err
	}
	s, c, full, err := w.started("--data="+data, "--files=discard:")
	if err != nil {
		return err
	}
	var r result
	all := w.exporting(s, c, beginning, &r)
	if err := w.versus("export of synthetic claims, of gzip and SHA-256 alone", 2, all, w.pack(full.bytes)); err != nil {
		return err
	}
	if err := w.versus("export of a month of synthetic claims, of everything", 0.1, often(5, w.exporting(s, c, time.Now().AddDate(0, -1, 0), &r)), all); err != nil {
		return err
	}
	return s.stop()
}

// stored compares imports, and exports of claims that were imported.
func (w *ratioWork) stored() error {
	data, err := w.fresh("ratio-store")
	if err != nil {
		return err
	}
	if err := w.importing(data); err != nil {
		return err
	}
	s, c, full, err := w.started("--claims=store:", "--data="+data, "--files=discard:")
	if err != nil {
		return err
	}
	var r result
	all := w.exporting(s, c, beginning, &r)
	least, err := w.unpack(full.bytes)
	if err != nil {
		return err
	}
	if err := w.versus("export from the store, of inflate and SHA-256 alone", 2.5, all, least); err != nil {
		return err
	}
	if err := w.versus("export of a month from the store, of everything", 0.3, often(5, w.exporting(s, c, time.Now().AddDate(0, -1, 0), &r)), all); err != nil {
		return err
	}
	return s.stop()
}

// importing imports the small sponsor's claims, and compares that with minimizing them.
func (w *ratioWork) importing(data string) error {
	raw := filepath.Join(w.dir, "ratio.ndjson")
	if _, err := w.writeRaw(raw, ratioContract); err != nil {
		return err
	}
	defer os.Remove(raw)
	load := func() (float64, error) { // into an empty store each time, the last of which is used later
		if err := os.RemoveAll(data); err != nil {
			return 0, err
		}
		if err := w.importPeople(ratioContract, "--data="+data); err != nil {
			return 0, err
		}
		return w.usedBy("import", "claims", raw, "--fhir=r4", "--data="+data)
	}
	m := eob.New(fhir.V2)
	text, err := os.ReadFile(raw)
	if err != nil {
		return err
	}
	minimize := func() (float64, error) {
		return usedHere(func() error {
			for line := range bytes.Lines(text) {
				if _, err := m.Minimize(line); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return w.versus("import, of minimizing alone", 6, load, minimize)
}

// downloading compares downloads of a small file.
func (w *ratioWork) downloading() error {
	data, err := w.fresh("ratio-downloads")
	if err != nil {
		return err
	}
	s, err := w.start("--data=" + data)
	if err != nil {
		return err
	}
	p, err := w.pair(s, "PDP-100")
	if err != nil {
		return err
	}
	of := func(s *server, url string) side {
		return func() (float64, error) {
			return used(s.cmd.Process.Pid, func() error {
				for range 300 {
					if _, err := w.fetch(url, p.token, ""); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	if err := w.versus("download of a small file, of http.ServeContent", 8, of(s, p.file.URL), of(p.other, p.other.url)); err != nil {
		return err
	}
	if err := p.other.kill(); err != nil {
		return err
	}
	return s.stop()
}

// usedBy runs a command of the program and gives the processor time that it used.
func (b *bench) usedBy(args ...string) (float64, error) {
	cmd := b.command(strings.NewReader(""), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("ab2d %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}
