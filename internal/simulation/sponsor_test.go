package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ab2d/client"
	"ab2d/internal/auth"
	"ab2d/internal/export"
)

// sponsor is who asks for exports, and goes on after its process was killed.
type sponsor struct {
	w        *world
	name     string
	contract string
	folder   bool // it keeps a folder up to date; else it asks without _since
	secret   string
	dir      string

	done     int // exports
	attempts int
	ended    bool
	runs     []string        // ids of the jobs of the folder's runs
	got      map[string]bool // keys of claims in the folder
	jobs     []client.Job    // of a sponsor without a folder: the job under way
	refused  int             // jobs of such a sponsor whose files it could not get
	saved    int             // its downloads
}

// errNoDownload is of a second download that is not made.
var errNoDownload = errors.New("no second download")

// maxAttempts is how often a sponsor tries again at most.
const maxAttempts = 200

// addSponsors adds sponsors: of each contract one with a folder, and one without.
func (w *world) addSponsors(ctx context.Context, dir string) error {
	for i := range w.plan.contracts {
		for k, folder := range []bool{true, false} {
			if !folder && w.random(fmt.Sprint("without folder ", i)).IntN(2) == 0 {
				continue
			}
			name := fmt.Sprintf("s%d%d", i+1, k+1)
			secret, hash := auth.NewSecret()
			c := auth.Client{ID: name, Contract: contractName(i), Secrets: []auth.Secret{{ID: "first", Hash: hash}}, Enabled: true, MaxJobs: 1 + i%2}
			if err := w.db.AddClient(ctx, c); err != nil {
				return err
			}
			w.sponsors = append(w.sponsors, &sponsor{w: w, name: name, contract: contractName(i), folder: folder, secret: secret, dir: filepath.Join(dir, name), got: map[string]bool{}})
		}
	}
	return nil
}

// run is the sponsor's process.
func (s *sponsor) run(p *process) {
	c, second := s.client(p, s.name), s.client(p, s.name+"-second")
	p.goes(func() {
		for s.done < s.w.plan.exports && p.ctx.Err() == nil {
			err := s.export(p, c, second)
			if p.ctx.Err() != nil || errors.Is(err, errOver) {
				return
			}
			if p.isDead() {
				<-s.w.over
				return
			}
			if s.attempts++; err != nil && s.attempts > maxAttempts {
				s.w.judge.fail("sponsor %s tried %d times, the last time: %v", s.name, s.attempts, err)
				return
			}
			if err != nil {
				s.w.hits.state(s.w, "sponsor tries again")
			}
			name := s.w.number("pause of " + s.name)
			if s.w.sleep(p.ctx, 2*time.Second+time.Duration(s.w.random(name).Int64N(int64(10*time.Second)))) != nil {
				return
			}
			if _, err := s.w.ask(p.ctx, caller{p, s.name}, "Go on", of(killBefore, freezeBefore)); err != nil {
				return
			}
		}
		s.w.mu.Lock()
		s.ended = true
		s.w.mu.Unlock()
	})
}

// client makes a client whose requests have a name of their own.
func (s *sponsor) client(p *process, name string) *client.Client {
	c, err := client.New(client.Config{BaseURL: baseURL, TokenURL: tokenURL, ClientID: s.name, ClientSecret: s.secret,
		HTTP: &http.Client{Transport: &network{caller{p, name}}}, Now: p.now, Sleep: s.sleep(p, name)})
	if err != nil {
		s.w.judge.fail("make a client: %v", err)
	}
	return c
}

// finished counts an export.
func (s *sponsor) finished() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.done++
}

// sleep waits as the client asks, with a jitter of the seed's instead of its own.
func (s *sponsor) sleep(p *process, who string) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if d > 2500*time.Millisecond && d%time.Second != 0 { // shortened at random
			long := 5 * time.Second
			for long < d {
				long *= 2
			}
			d = long
		}
		name := s.w.number("wait of " + s.name)
		err := s.w.sleep(ctx, d+time.Duration(s.w.random(name).Int64N(int64(time.Second))))
		if p.isDead() {
			<-s.w.over
			return errOver
		}
		return err
	}
}

func (s *sponsor) export(p *process, c, second *client.Client) error {
	if s.folder {
		return s.sync(p, c)
	}
	return s.plain(p, c, second)
}

// sync brings the folder up to date. Where the process before was killed, the system
// has let go of its lock.
func (s *sponsor) sync(p *process, c *client.Client) error {
	if err := os.Remove(filepath.Join(s.dir, "ab2d.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := c.OpenFolder(s.dir, client.FolderOptions{})
	if err != nil {
		s.w.judge.fail("sponsor %s opens its folder: %v", s.name, err)
		return err
	}
	defer f.Close()
	if s.w.random(s.w.number("cancel by "+s.name)).IntN(8) == 0 && f.Unfinished() {
		s.w.hits.state(s.w, "sponsor cancels")
		if err := f.Cancel(p.ctx); err != nil {
			return err
		}
	}
	run, err := f.Sync(p.ctx, client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}, First: export.EarliestSince, Parallel: 1})
	if err != nil {
		return err
	}
	if p.isDead() {
		return errOver
	}
	s.w.judge.folder(s, run)
	if err := f.Finish(); err != nil {
		return err
	}
	s.finished()
	s.w.hits.state(s.w, "folder is up to date")
	return nil
}

// plain exports without _since, and downloads each file, some of them twice at the
// same time.
func (s *sponsor) plain(p *process, c, second *client.Client) error {
	if len(s.jobs) == 0 {
		key := s.w.random(s.w.number("key of " + s.name))
		job, err := c.Start(p.ctx, client.Request{Type: "ExplanationOfBenefit", IdempotencyKey: fmt.Sprintf("%s-%d-%d-%d", s.name, s.done, s.refused, key.IntN(3))})
		if err != nil {
			return err
		}
		s.jobs = append(s.jobs, job)
	}
	m, err := c.Wait(p.ctx, s.jobs[0], nil)
	if err != nil {
		return s.giveUp(err)
	}
	for _, f := range m.Output {
		var other sync.WaitGroup
		errOther := errNoDownload
		if s.w.random(s.w.number("second download by "+s.name)).IntN(3) == 0 {
			s.w.hits.state(s.w, "two downloads at once")
			other.Go(func() { errOther = s.download(p, second, f) })
		}
		err := s.download(p, c, f)
		other.Wait()
		if err != nil && errOther != nil { // only one of them is let through where the limit is one download
			return s.giveUp(err)
		}
	}
	s.jobs = nil
	s.finished()
	s.w.hits.state(s.w, "export without _since is downloaded")
	return nil
}

// giveUp forgets the job if the server refuses it for good: the next export is another
// one, with a key of its own.
func (s *sponsor) giveUp(err error) error {
	if _, refused := errors.AsType[*client.Error](err); refused && !client.Temporary(err) {
		s.jobs = nil
		s.refused++
	}
	return err
}

func (s *sponsor) download(p *process, c *client.Client, f client.File) error {
	s.w.mu.Lock()
	s.saved++
	dir := filepath.Join(s.dir, fmt.Sprint(s.saved))
	s.w.mu.Unlock()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path, err := c.Download(p.ctx, f, dir, nil)
	if err != nil {
		return err
	}
	if p.isDead() {
		return errOver
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	content, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	s.w.judge.lines(s, content)
	return nil
}
