package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ab2d/client"
)

// downloads compares stored bytes served by the program with http.ServeContent of the
// same file in another process: a file of the usual size and a small one.
func (b *bench) downloads() error {
	data, err := b.fresh("downloads")
	if err != nil {
		return err
	}
	s, err := b.start("--data=" + data)
	if err != nil {
		return err
	}
	for _, d := range []struct {
		sponsor, name string
		bound         float64
		times         int
	}{{"PDP-1000", "download of stored gzip, a whole file", 80, 41}, {"PDP-100", "download of stored gzip, a small file", 90, 201}} {
		p, err := b.pair(s, d.sponsor)
		if err != nil {
			return err
		}
		var ours, theirs []time.Duration
		for range d.times { // alternating, so that both meet the same machine
			for url, times := range map[string]*[]time.Duration{p.file.URL: &ours, p.other.url: &theirs} {
				began := time.Now()
				if _, err := b.fetch(url, p.token, ""); err != nil {
					return err
				}
				*times = append(*times, time.Since(began))
			}
		}
		mbs := func(times []time.Duration) float64 { return float64(p.size) / 1e6 / median(times) }
		b.note(d.name, mbs(ours), "MB/s", fmt.Sprintf("%.1f MB of gzip, that is %.1f MB", float64(p.size)/1e6, float64(p.file.Length)/1e6))
		b.ratio(d.name+", against http.ServeContent", 100*mbs(ours)/mbs(theirs), "%", true, d.bound, fmt.Sprintf("ServeContent: %.0f MB/s", mbs(theirs)))
		if err := p.other.kill(); err != nil {
			return err
		}
	}
	return s.stop()
}

// served is a file that a server of the program and one of net/http serve.
type served struct {
	file  client.File
	token string // of the program's server
	size  int64  // of what is sent
	other *server
}

// pair exports a sponsor's claims and serves the first file by net/http, too.
func (b *bench) pair(s *server, sponsor string) (*served, error) {
	c, err := s.client(sponsor, "v2")
	if err != nil {
		return nil, err
	}
	r, err := b.export(c, beginning)
	if err != nil {
		return nil, err
	}
	p := &served{file: r.manifest.Output[0]}
	if p.token, err = b.tokenOf(s, sponsor); err != nil {
		return nil, err
	}
	stored := filepath.Join(b.dir, "stored-"+sponsor)
	if p.size, err = b.fetch(p.file.URL, p.token, stored); err != nil {
		return nil, err
	}
	p.other, err = b.startServeContent(stored)
	return p, err
}

// startServeContent starts a process that serves a file by http.ServeContent.
func (b *bench) startServeContent(stored string) (*server, error) {
	s := &server{cmd: exec.CommandContext(b.ctx, os.Args[0], "--serve-file="+stored)}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a server of one file: %w", err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start a server of one file: %w", err)
	}
	s.url = strings.TrimSpace(address)
	return s, nil
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
