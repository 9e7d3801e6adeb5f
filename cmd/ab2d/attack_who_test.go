package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"ab2d/client"
	"ab2d/internal/testserver"
)

// poll asks for the status of a job, and now and then for a token, as a good client.
func (a *attack) poll(c *attacked, i int) {
	if !a.pause(time.Duration(rand.Int64N(int64(pollEvery)))) {
		return
	}
	for n := i; ; n++ {
		r, err := http.NewRequestWithContext(a.ctx, http.MethodGet, c.status, nil)
		if n%10 == 0 {
			r, err = a.tokenRequest(a.ctx, c.id, c.secret)
		} else if err == nil {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if err != nil {
			a.Error(err)
			return
		}
		a.ask(c.http, r)
		if !a.pause(pollEvery) {
			return
		}
	}
}

// download gets the file of an export again and again, and of a new export now and
// then. The client verifies what it gets.
func (a *attack) download(c *attacked) {
	dir := a.TempDir()
	for n := 0; a.pause(5 * time.Second); n++ {
		f := c.file
		if n%8 == 7 {
			if m := a.export(c); m != nil {
				f = m.Output[0]
			}
		}
		path, err := c.sdk.Download(a.ctx, f, dir, nil)
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			a.files.Add(1)
		} else if a.ctx.Err() == nil && !a.away(time.Now()) {
			a.Errorf("a download: %v", err)
		}
	}
}

func (a *attack) export(c *attacked) *client.Manifest {
	job, err := c.sdk.Start(a.ctx, client.Request{})
	if err != nil {
		return nil // others of the contract have as many under way as they may
	}
	m, err := c.sdk.Wait(a.ctx, job, nil)
	if err != nil {
		if a.ctx.Err() == nil && !a.away(time.Now()) {
			a.Errorf("an export: %v", err)
		}
		return nil
	}
	a.verify(m)
	return m
}

// readNothing asks for a page again and again, and reads none.
func (a *attack) readNothing(i int) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.%d.%d", 30+i/50, 1+i%50))}}
	for a.ctx.Err() == nil {
		conn, err := d.DialContext(a.ctx, "tcp", strings.TrimPrefix(a.url, "http://"))
		if err != nil {
			a.pause(time.Second)
			continue
		}
		request := "GET /openapi.json HTTP/1.1\r\nHost: " + strings.TrimPrefix(a.url, "http://") + "\r\n\r\n"
		_, _ = io.WriteString(conn, strings.Repeat(request, 40))
		a.pause(40 * time.Second) // longer than the server waits
		conn.Close()
	}
}

// guess sends wrong secrets, for made-up ids and for the sponsors'.
func (a *attack) guess(i int) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.%d.1", 40+i))}}
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: d.DialContext}}
	for n := 0; a.pause(attackEvery); n++ {
		id := fmt.Sprintf("nobody%dx%d", i, n)
		if n%2 == 0 {
			id = a.honest[n%attackSponsors].id
		}
		r, err := a.tokenRequest(a.ctx, id, "wrong")
		if err != nil {
			a.Error(err)
			return
		}
		a.send(c, r)
	}
}

// flood uses a token without manners.
func (a *attack) flood(c *attacked, i int) {
	for n := i; a.pause(attackEvery); n++ {
		url := []string{c.status, c.file.URL, a.url + "/api/v1/fhir/Job?_count=200", a.url + "/api/v1/fhir/Patient/$export"}[n%4]
		r, err := http.NewRequestWithContext(a.ctx, http.MethodGet, url, nil)
		if n%7 == 0 && err == nil {
			r, err = a.tokenRequest(a.ctx, c.id, c.secret)
		}
		if err != nil {
			a.Error(err)
			return
		}
		if n%7 != 0 {
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", n%1000, n%1000))
		}
		a.send(c.http, r)
	}
}

// send sends a request of an attacker, whose answer does not matter.
func (a *attack) send(c *http.Client, r *http.Request) {
	resp, err := c.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// disturb freezes a worker, and restarts PostgreSQL in the middle.
func (a *attack) disturb(d time.Duration) {
	a.pause(d / 6)
	if err := a.workers[0].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		a.Error(err)
	}
	defer a.workers[0].cmd.Process.Signal(syscall.SIGCONT)
	a.pause(d / 3)
	began := time.Now()
	a.mu.Lock()
	a.restart = [2]time.Time{began, began.Add(time.Hour)}
	a.mu.Unlock()
	testserver.RestartPostgres(a.T)
	a.mu.Lock()
	a.restart[1] = time.Now().Add(afterRestart)
	a.mu.Unlock()
	a.Logf("PostgreSQL was away for %s", time.Since(began).Round(10*time.Millisecond))
	<-a.ctx.Done()
}

// afterRestart is how long after PostgreSQL's restart an answer may still suffer.
const afterRestart = 5 * time.Second

// away tells whether a moment belongs to the restart.
func (a *attack) away(at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return at.After(a.restart[0].Add(-time.Second)) && at.Before(a.restart[1])
}

// report judges what honest clients got, and the audit log.
func (a *attack) report(d time.Duration) {
	var calm []time.Duration
	wrong, during := map[string][]string{}, map[string]int{}
	for _, r := range a.answers.all {
		switch {
		case a.away(r.began) || a.away(r.began.Add(r.took)):
			during[r.what]++
		case r.what != "":
			wrong[r.what] = append(wrong[r.what], r.began.Sub(a.restart[0]).Round(100*time.Millisecond).String())
		default:
			calm = append(calm, r.took)
		}
	}
	if len(calm) == 0 || len(wrong) > 0 {
		a.Fatalf("%d right answers; wrong ones, with their time after the restart began: %v", len(calm), wrong)
	}
	p99 := quantile(calm, 99)
	a.Logf("%s under attack: %d answers to honest clients outside of the restart, all right: p50 %s, p99 %s, longest %s; during the restart %v; %d files downloaded and verified",
		d, len(calm), quantile(calm, 50), p99, quantile(calm, 100), during, a.files.Load())
	if p99 > time.Second {
		a.Errorf("p99 is %s", p99)
	}
	if a.files.Load() == 0 {
		a.Error("no file was downloaded")
	}
	out, err := exec.CommandContext(a.Context(), program, "audit", "verify", "--database="+a.database, "--data="+a.TempDir()).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Audit log verified")) {
		a.Errorf("%v: %s", err, out)
	}
	a.Logf("%s", bytes.TrimSpace(out))
}
