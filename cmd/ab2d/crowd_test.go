package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
)

// crowd is many clients of one sponsor at once, with one token.
type crowd struct {
	*testing.T
	*process
	http   *http.Client
	bearer string
	jobs   []string // status URLs
	file   client.File
}

// TestCrowd: 500 clients ask for the status of jobs and 50 download at the same
// time, from a server that has other clients who never end their requests and
// break off their downloads. Everybody gets a right answer, and when they have
// gone nothing is left of them.
func TestCrowd(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--max-jobs=1000", "--max-downloads=1000000", "--max-polls=20", "--client-rate-factor=0", "--max-network-connections=1000", "--workers=1", "--listen=127.0.0.1:0", "--log-level=warn")
	c := &crowd{T: t, process: p, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 600, DisableCompression: true}}}
	c.prepare(50)
	c.http.CloseIdleConnections()
	before := c.open()

	slow := c.halfRequests(200)
	c.brokenDownloads(100)
	var polls, downloads times
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			for range 4 {
				polls.add(c.poll(c.jobs[i%len(c.jobs)]))
			}
		})
	}
	for range 50 {
		all.Go(func() { downloads.add(c.download()) })
	}
	all.Wait()
	t.Logf("500 clients polling: p50 %s, p99 %s of %d; 50 downloading %.0f MB each: p50 %s, p99 %s", quantile(polls.all, 50), quantile(polls.all, 99),
		len(polls.all), float64(c.file.Length)/1e6, quantile(downloads.all, 50), quantile(downloads.all, 99))

	for _, conn := range slow {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a request that never ends is waited for")
		}
	}
	c.http.CloseIdleConnections()
	deadline := time.Now().Add(20 * time.Second)
	for c.open() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d files and connections are open, before the crowd %d", c.open(), before)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// prepare gets a token, a completed export to download, and jobs to ask about.
func (c *crowd) prepare(jobs int) {
	c.Helper()
	sponsor := synth.Sponsors()[0]
	sdk := c.newClient(c.T, sponsor)
	job, err := sdk.Start(c.Context(), client.Request{})
	if err != nil {
		c.Fatal(err)
	}
	c.file = c.wait(c.T, sponsor, job, nil).Output[0]
	c.jobs = append(c.jobs, job.StatusURL)
	for range jobs {
		job, err := sdk.Start(c.Context(), client.Request{Since: time.Now().Add(-time.Minute)})
		if err != nil {
			c.Fatal(err)
		}
		c.jobs = append(c.jobs, job.StatusURL)
	}
	r, err := http.NewRequestWithContext(c.Context(), "POST", c.url+"/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials&scope=clientCreds", nil)
	if err != nil {
		c.Fatal(err)
	}
	r.SetBasicAuth(sponsor.Credentials[0].ID, sponsor.Credentials[0].Secrets[0])
	resp, err := c.http.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(body), `"access_token":"`)
	c.bearer, _, _ = strings.Cut(rest, `"`)
}

// open counts the connections and result files that the server has open. Those
// of its database are not counted: it keeps as many as it once needed.
func (c *crowd) open() int {
	c.Helper()
	dir := "/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/fd/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.Skip("this system does not tell what a process has open")
	}
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink(dir + e.Name()); err == nil && (strings.HasPrefix(target, "socket:") || strings.HasSuffix(target, ".gz")) {
			n++
		}
	}
	return n
}

// halfRequests begins requests and leaves them at that ("slow loris").
func (c *crowd) halfRequests(n int) []net.Conn {
	c.Helper()
	var all []net.Conn
	for range n {
		conn, err := new(net.Dialer).DialContext(c.Context(), "tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			c.Fatal(err)
		}
		c.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /api/v1/fhir/Patient/$export HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			c.Fatal(err)
		}
		all = append(all, conn)
	}
	return all
}

// brokenDownloads begins downloads and goes away in the middle.
func (c *crowd) brokenDownloads(n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			ctx, cancel := context.WithCancel(c.Context())
			defer cancel()
			resp := c.get(ctx, c.file.URL, map[int]string{0: "gzip", 1: "identity"}[i%2])
			if resp == nil {
				return
			}
			if _, err := io.CopyN(io.Discard, resp.Body, 10_000); err != nil {
				c.Error(err)
			}
			cancel()
			resp.Body.Close()
		})
	}
	all.Wait()
}

func (c *crowd) get(ctx context.Context, url, encoding string) *http.Response {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		c.Error(err)
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+c.bearer)
	r.Header.Set("Accept-Encoding", encoding)
	resp, err := c.http.Do(r)
	if err != nil {
		c.Error(err)
		return nil
	}
	return resp
}

// poll asks for a job's status and tells how long the answer took.
func (c *crowd) poll(url string) time.Duration {
	began := time.Now()
	resp := c.get(c.Context(), url, "identity")
	if resp == nil {
		return 0
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK && (resp.StatusCode != http.StatusAccepted || resp.Header.Get("Retry-After") == "") {
		c.Errorf("a poll was answered %d %s, %v", resp.StatusCode, body, err)
	}
	return time.Since(began)
}

// download gets the file and checks it.
func (c *crowd) download() time.Duration {
	began := time.Now()
	resp := c.get(c.Context(), c.file.URL, "gzip")
	if resp == nil {
		return 0
	}
	defer resp.Body.Close()
	content, err := gzip.NewReader(resp.Body)
	if err != nil {
		c.Errorf("a download was answered %d: %v", resp.StatusCode, err)
		return 0
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil || fmt.Sprintf("%x", sum.Sum(nil)) != fmt.Sprintf("%x", c.file.SHA256) {
		c.Errorf("a download is not the file: %v", err)
	}
	return time.Since(began)
}

// times are gathered by several at once.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}
