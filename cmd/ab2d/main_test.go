package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ab2d/internal/testserver"
)

// program is the path of the real program, built as a user gets it, so that
// the end-to-end tests start, kill and start again what will run. crashing
// builds it, for the first test that asks, so that it can be told where to die.
var (
	program  string
	crashing func() (path string, err error)
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ab2d-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if program, err = buildProgram(filepath.Join(dir, "ab2d")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		crashing = sync.OnceValues(func() (string, error) {
			return buildProgram(filepath.Join(dir, "crashing", "ab2d"), "-tags", "crashpoints")
		})
		return testserver.Main(m)
	}())
}

// build builds the program at a path, without symbols, which saves a third of
// the linker's time. It is never built for the race detector: the packages'
// own tests look for races.
func buildProgram(path string, flags ...string) (string, error) {
	args := append([]string{"build", "-ldflags=-s -w", "-o", path}, flags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
}

// process is a command that runs until it is stopped.
type process struct {
	cmd *exec.Cmd
	url string // of a server
	log *os.File

	dead chan struct{} // closed when it has ended
	end  error         // how
}

// startProcess starts a sandbox, or with another command that, and waits until
// it says that it is ready. Its log goes to a file, which is shown when the test
// fails.
func startProcess(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return startProgram(t, program, env, args...)
}

func startProgram(t testing.TB, program string, env []string, args ...string) *process {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server, which -short leaves out")
	}
	p, err := newProcess(program, t.TempDir(), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			b, _ := os.ReadFile(p.log.Name())
			t.Logf("the log of %v:\n%s", p.cmd.Args, tail(string(b), 4000))
		}
	})
	return p
}

func newProcess(program, dir string, env []string, args ...string) (*process, error) {
	if strings.HasPrefix(args[0], "-") {
		args = append([]string{"sandbox"}, args...)
	}
	p := &process{cmd: exec.Command(program, args...), dead: make(chan struct{})}
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
		if url, ok := ready(lines.Text()); ok {
			p.url = url
			go func() {
				io.Copy(io.Discard, out)
				p.end = p.cmd.Wait()
				close(p.dead)
			}()
			return p, nil
		}
	}
	p.cmd.Wait()
	b, _ := os.ReadFile(p.log.Name())
	return nil, fmt.Errorf("%v did not start:\n%s", args, b)
}

// ready finds the line in which a command says that it is ready, and the
// address in it.
func ready(line string) (url string, ok bool) {
	if _, url, ok = strings.Cut(line, " is ready at "); ok {
		url, _, _ = strings.Cut(url, ",")
		return url, true
	}
	return "", strings.HasSuffix(line, "AB2D workers are running")
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.dead
}

// stop is what an operator's Ctrl-C or a service manager does.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.dead
	return p.end
}
