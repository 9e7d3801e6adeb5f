package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// program is the path of the real program, built as a user gets it, so that
// the end-to-end tests start, kill and start again what will run.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ab2d-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "ab2d")
		if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// process is a sandbox that runs.
type process struct {
	cmd *exec.Cmd
	url string
	log *os.File
}

// startProcess starts a sandbox and waits until it says that it is ready. Its
// log goes to a file, which is shown when the test fails.
func startProcess(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p, err := newProcess(t.TempDir(), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			b, _ := os.ReadFile(p.log.Name())
			t.Logf("the log of %s:\n%s", p.url, tail(string(b), 4000))
		}
	})
	return p
}

func newProcess(dir string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, append([]string{"sandbox"}, args...)...)}
	var err error
	if p.log, err = os.CreateTemp(dir, "log"); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "The AB2D sandbox is ready at "); ok {
			p.url = url
			go io.Copy(io.Discard, out)
			return p, nil
		}
	}
	p.cmd.Wait()
	b, _ := os.ReadFile(p.log.Name())
	return nil, fmt.Errorf("the sandbox did not start:\n%s", b)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop is what an operator's Ctrl-C or a service manager does.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}
