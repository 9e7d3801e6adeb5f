package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"ab2d/client"
)

// request is a kind of request whose time is measured.
type request struct {
	name  string
	do    func() error
	bound float64 // of the 99th percentile, in ms; 0: none
	times []time.Duration
}

// requests measures, in five runs, how long requests take while exports of the large
// sponsor keep all cores busy.
func (b *bench) requests() error {
	data, err := b.fresh("latency")
	if err != nil {
		return err
	}
	s, err := b.start("--data=" + data)
	if err != nil {
		return err
	}
	small, err := s.client("PDP-100", "v2")
	if err != nil {
		return err
	}
	large, err := s.client(largeSponsor, "v2")
	if err != nil {
		return err
	}
	for range 5 {
		if err := b.latency(s, small, large); err != nil {
			return err
		}
	}
	return s.stop()
}

// latency makes requests of each kind in its turn, a hundred a second in all. Those for
// a kick-off must be fast enough in each run.
func (b *bench) latency(s *server, small, large *client.Client) error {
	asked, err := small.Start(b.ctx, client.Request{Since: beginning})
	if err != nil {
		return err
	}
	m, err := small.Wait(b.ctx, asked, nil)
	if err != nil {
		return err
	}
	token, err := b.tokenOf(s, "PDP-100")
	if err != nil {
		return err
	}
	kinds := []*request{
		// It asks for nothing, so that only the request is measured.
		{name: "kick-off", bound: 50, do: func() error {
			_, err := small.Start(b.ctx, client.Request{Since: time.Now().Add(-time.Second)})
			return err
		}},
		{name: "status", do: func() error { return b.firstByte(asked.StatusURL, token) }},
		{name: "first byte of a download", do: func() error { return b.firstByte(m.Output[0].URL, token) }},
	}
	const exports = 3 // enough requests for a 99th percentile
	for range exports {
		if err := b.during(large, kinds); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		slices.Sort(k.times)
		at := func(percent int) float64 { return k.times[len(k.times)*percent/100].Seconds() * 1000 }
		b.note(k.name+" during exports of 10,000 enrollees, median", at(50), "ms", fmt.Sprintf("%d requests", len(k.times)))
		p99 := row{Workload: k.name + " during exports of 10,000 enrollees, p99", Figures: []float64{at(99)}, Unit: "ms", Each: true}
		if k.bound != 0 {
			p99.Bound = &k.bound
		}
		b.put(p99)
	}
	b.listRuns("kick-off during exports of 10,000 enrollees, p99")
	return nil
}

// listRuns shows each figure of a row.
func (b *bench) listRuns(workload string) {
	for i := range b.rows {
		if r := &b.rows[i]; r.Workload == workload {
			var each []string
			for _, f := range r.Figures {
				each = append(each, number(f))
			}
			r.Detail = "each run: " + strings.Join(each, ", ")
		}
	}
}

// during makes requests until an export of the large sponsor is completed.
func (b *bench) during(large *client.Client, kinds []*request) error {
	job, err := large.Start(b.ctx, client.Request{Since: beginning})
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		_, err := large.Wait(b.ctx, job, nil)
		done <- err
	}()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case err := <-done:
			return err
		case <-pace.C:
		}
		k := kinds[i%len(kinds)]
		began := time.Now()
		if err := k.do(); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		k.times = append(k.times, time.Since(began))
	}
}

// firstByte asks for a URL and reads the first byte of the answer.
func (b *bench) firstByte(url, token string) error {
	req, err := http.NewRequestWithContext(b.ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.ReadFull(resp.Body, make([]byte, 1))
	return err
}
