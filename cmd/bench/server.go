package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
)

// server is the real program, running.
type server struct {
	cmd *exec.Cmd
	url string
}

// start starts a sandbox with flags, and waits until it is ready.
func (b *bench) start(args ...string) (*server, error) {
	s := &server{cmd: exec.CommandContext(b.ctx, b.program, append([]string{"sandbox", "--listen=127.0.0.1:0", "--log-level=warn", "--max-downloads=1000000", "--max-jobs=1000", "--max-polls=1000", "--client-rate-factor=0"}, args...)...)}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), " is ready at "); ok {
			s.url = url
			go io.Copy(io.Discard, out)
			return s, nil
		}
	}
	return nil, errors.Join(errors.New("the server did not start"), s.cmd.Wait())
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// kill ends a process that has nothing to finish.
func (s *server) kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = s.cmd.Wait() // says that it was killed
	return nil
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that the server had, in MB; 0 where it cannot be told.
func (s *server) peak() float64 { return peakOf(s.cmd.Process.Pid) }

// peakOf is the same of any process.
func peakOf(process int) float64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(process), "status"))
	found := highWater.FindSubmatch(text)
	if err != nil || found == nil {
		return 0
	}
	kb, _ := strconv.Atoi(string(found[1]))
	return float64(kb) / 1024
}

var ioCounters = regexp.MustCompile(`(rchar|syscw|wchar): (\d+)`)

// io tells what the server has read and written so far, in MB, and by how many
// calls it wrote; zeros where it cannot be told.
func (s *server) io() (read, written, calls float64) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "io"))
	if err != nil {
		return 0, 0, 0
	}
	counted := map[string]float64{}
	for _, m := range ioCounters.FindAllStringSubmatch(string(text), -1) {
		counted[m[1]], _ = strconv.ParseFloat(m[2], 64)
	}
	return counted["rchar"] / 1e6, counted["wchar"] / 1e6, counted["syscw"]
}

// client is a sandbox sponsor's.
func (s *server) client(sponsor, api string) (*client.Client, error) {
	for _, p := range synth.Sponsors() {
		if p.Name == sponsor {
			return s.clientOf(api, p.Credentials[0].ID, p.Credentials[0].Secrets[0], 5*time.Millisecond)
		}
	}
	return nil, fmt.Errorf("no sponsor %s", sponsor)
}

// clientOf is a client that looks at a job often, so that what is measured is the server.
func (s *server) clientOf(api, id, secret string, every time.Duration) (*client.Client, error) {
	return client.New(client.Config{
		BaseURL: s.url + "/api/" + api + "/fhir", TokenURL: s.url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token", ClientID: id, ClientSecret: secret,
		Sleep: func(ctx context.Context, _ time.Duration) error {
			select {
			case <-time.After(every):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
}

// result is what an export gave.
type result struct {
	seconds       float64
	claims, bytes int64
	manifest      *client.Manifest
}

// export runs one export from the request to the completed job.
func (b *bench) export(c *client.Client, since time.Time) (result, error) {
	began := time.Now()
	job, err := c.Start(b.ctx, client.Request{Since: since})
	if err != nil {
		return result{}, err
	}
	m, err := c.Wait(b.ctx, job, nil)
	if err != nil {
		return result{}, err
	}
	r := result{seconds: time.Since(began).Seconds(), manifest: m}
	for _, f := range m.Output {
		r.claims, r.bytes = r.claims+f.Count, r.bytes+f.Length
	}
	return r, nil
}

// verify downloads a file; the client checks length, checksum and lines.
func (b *bench) verify(c *client.Client, f client.File) error {
	dir, err := os.MkdirTemp(b.dir, "verify-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = c.Download(b.ctx, f, dir, nil)
	return err
}

// command is a command of the program.
func (b *bench) command(stdin io.Reader, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.ctx, b.program, args...)
	cmd.Stdin = stdin
	return cmd
}

// tool runs a command of the program.
func (b *bench) tool(stdin io.Reader, args ...string) error {
	cmd := b.command(stdin, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ab2d %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}
