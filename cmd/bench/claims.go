package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/synth"
)

// keeper is a sink that wants what a selection delivers.
type keeper struct {
	selection *coverage.Selection
	line      func([]byte)
	claims    int
}

func (k *keeper) Wants(c *coverage.Claim) bool { return k.selection.Verdict(c) == coverage.Deliver }

func (k *keeper) Line(b []byte) error {
	k.claims++
	k.line(b)
	return nil
}

func (k *keeper) Segment(segment.Segment, []byte, int64) error {
	return errors.New("a synthetic source has no segments")
}

// eachClaim gives the delivered claims of a sandbox contract in v2, until line
// says that it has enough.
func (b *bench) eachClaim(contract string, line func([]byte) (more bool)) (int, error) {
	source := synth.New(1, time.Now)
	c, err := source.Contract(b.ctx, contract)
	if err != nil {
		return 0, err
	}
	list, err := enrollees(b.ctx, source, contract)
	if err != nil {
		return 0, err
	}
	r, err := source.Open(b.ctx, export.Query{Version: fhir.V2})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	more := true
	k := &keeper{line: func(l []byte) { more = more && line(l) }}
	for i := range list {
		k.selection = &coverage.Selection{Contract: c, Enrollee: &list[i], Until: time.Now()}
		if err := r.Write(b.ctx, k.selection, k); err != nil {
			return k.claims, err
		}
		if !more {
			break
		}
	}
	return k.claims, nil
}

func enrollees(ctx context.Context, source *synth.Source, contract string) ([]coverage.Enrollee, error) {
	snapshot, err := source.Snapshot(ctx, contract)
	if err != nil {
		return nil, err
	}
	return source.Enrollees(ctx, contract, snapshot, -1<<63, 1<<30)
}

// sampleClaims are delivered claims, about n bytes.
func (b *bench) sampleClaims(n int) ([]byte, error) {
	text := make([]byte, 0, n+(1<<20))
	_, err := b.eachClaim("Z0001", func(l []byte) bool {
		text = append(text, l...)
		return len(text) < n
	})
	return text, err
}

// dropped is what upstream's claims have and sponsors may not see, about as
// much as what is kept.
var dropped = `,"use":"claim","created":"2025-01-01T00:00:00+00:00","insurer":{"identifier":{"value":"CMS"}},"provider":{"identifier":{"value":"8881302037"}},"outcome":"complete",` +
	`"insurance":[{"focal":true,"coverage":{"reference":"Coverage/part-b--10000000000012"}}],"payment":{"date":"2025-01-15","amount":{"value":120.10,"currency":"USD"}},"total":[` +
	strings.TrimSuffix(strings.Repeat(`{"category":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/adjudication","code":"submitted","display":"Submitted Amount"},{"system":"https://bluebutton.cms.gov/`+
		`resources/codesystem/adjudication","code":"https://bluebutton.cms.gov/resources/variables/nch_clm_prvdr_pmt_amt"}]},"amount":{"value":1234.50,"currency":"USD"}},`, 14), ",") + `]}` + "\n"

// rawClaim makes a delivered claim look like upstream's: the dropped fields at
// its end.
func rawClaim(dst, line []byte) []byte {
	return append(append(dst, bytes.TrimSuffix(line, []byte("}\n"))...), dropped...)
}

// minimize reduces raw claims, and does the same by encoding/json's maps.
func (b *bench) minimize() error {
	var raw []byte
	var ends []int
	if _, err := b.eachClaim("Z0001", func(l []byte) bool {
		raw = rawClaim(raw, l)
		ends = append(ends, len(raw))
		return len(ends) < 5000
	}); err != nil {
		return err
	}
	m := eob.New(fhir.V2)
	each := func(n int, f func(raw []byte) error) error {
		from := 0
		for _, end := range ends[:n] {
			if err := f(raw[from:end]); err != nil {
				return err
			}
			from = end
		}
		return nil
	}
	one := func(r []byte) error {
		c, err := m.Minimize(r)
		if err == nil && (bytes.Contains(c.JSON, []byte(`"payment"`)) || !bytes.Contains(c.JSON, []byte(`"item"`))) {
			err = errors.New("a claim was not minimized")
		}
		return err
	}
	if err := each(len(ends), one); err != nil {
		return err
	}
	reduce := func(r []byte) error { _, err := m.Minimize(r); return err }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	seconds, err := repeat(7, func() error { return each(len(ends), reduce) })
	runtime.ReadMemStats(&after)
	if err != nil {
		return err
	}
	few := len(ends) / 10
	slow, err := repeat(3, func() error { return each(few, func(r []byte) error { _, err := byMaps(r); return err }) })
	if err != nil {
		return err
	}
	rate, maps := float64(len(raw))/1e6/seconds, float64(ends[few-1])/1e6/slow
	b.add("minimize raw R4 claims, validated, one core", rate, "MB/s in", true, 600, fmt.Sprintf("memcpy: %.0f %% of it", 100*rate/b.limits.memcpy))
	b.add("minimize, allocations", float64(after.Mallocs-before.Mallocs)/float64(7*len(ends)), "a claim", false, 0.01, "")
	b.ratio("minimize, against encoding/json into maps", rate/maps, "times", true, 10, fmt.Sprintf("maps: %.0f MB/s", maps))
	return nil
}

// kept are the top-level fields of v2, for the slow way.
var kept = map[string]bool{"resourceType": true, "id": true, "meta": true, "extension": true, "identifier": true, "status": true, "type": true, "subType": true,
	"patient": true, "billablePeriod": true, "facility": true, "careTeam": true, "supportingInfo": true, "diagnosis": true, "procedure": true, "item": true}

// byMaps is the slow way, and does less: only the top level is filtered.
func byMaps(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	for k := range m {
		if !kept[k] {
			delete(m, k)
		}
	}
	return json.Marshal(m)
}

// generate makes synthetic claims, nothing else, on one core.
func (b *bench) generate() error {
	var claims, size int
	seconds, err := repeat(3, func() (err error) {
		size = 0
		claims, err = b.eachClaim("Z0001", func(l []byte) bool { size += len(l); return true })
		return err
	})
	if err != nil {
		return err
	}
	b.add("generate synthetic claims, one core", float64(claims)/seconds, "claims/s", true, 200_000, fmt.Sprintf("%.0f MB/s", float64(size)/1e6/seconds))
	return nil
}

// decodeRate is how many claims a second are exported by decoding, filtering
// and compressing raw JSON, on all cores.
func (b *bench) decodeRate() (float64, error) {
	var raw [][]byte
	if _, err := b.eachClaim("Z0001", func(l []byte) bool {
		raw = append(raw, rawClaim(nil, l))
		return len(raw) < 6000
	}); err != nil {
		return 0, err
	}
	cores := runtime.GOMAXPROCS(0)
	seconds, err := repeat(3, func() error {
		var wg sync.WaitGroup
		failed := make(chan error, cores)
		for i := range cores {
			wg.Go(func() {
				z, err := gzip.NewWriterLevel(&bytes.Buffer{}, 3)
				for _, r := range raw[i*len(raw)/cores : (i+1)*len(raw)/cores] {
					var out []byte
					if err == nil {
						out, err = byMaps(r)
					}
					if err == nil {
						_, err = z.Write(append(out, '\n'))
					}
				}
				if err != nil {
					failed <- err
				}
			})
		}
		wg.Wait()
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	})
	return float64(len(raw)) / seconds, err
}
