package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The credentials of test servers.
const (
	s3Key    = "test-access-key"
	s3Secret = "test-secret-key-0123456789"
)

// S3Server is a real S3 server, versitygw, over a directory.
type S3Server struct {
	port     int
	dir      string
	versions string // for buckets that are told to keep old versions
	log      string
	cmd      *exec.Cmd
}

// S3 starts an S3 server with a bucket "bucket", which goes with the test.
func S3(t *testing.T) *S3Server {
	t.Helper()
	if testing.Short() {
		t.Skip("uses an S3 server, which -short leaves out")
	}
	path, err := findGateway()
	if err != nil {
		missing(t, fmt.Errorf("versitygw: %w", err))
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &S3Server{port: port, dir: t.TempDir(), versions: t.TempDir(), log: filepath.Join(t.TempDir(), "s3.log")}
	if err := os.Mkdir(filepath.Join(s.dir, "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.start(t, path)
	t.Cleanup(func() { s.Stop() })
	return s
}

func findGateway() (string, error) { return findProgram("versitygw") }

// findProgram finds a program on the path or where go install puts it.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	out, err := exec.Command("go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		return "", err
	}
	for _, bin := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		for _, path := range []string{filepath.Join(bin, name), filepath.Join(bin, "bin", name)} {
			if found, err := exec.LookPath(path); err == nil {
				return found, nil
			}
		}
	}
	return "", errors.New("it is not on the path nor in the folder of go install")
}

func (s *S3Server) start(t *testing.T, path string) {
	t.Helper()
	log, err := os.OpenFile(s.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(path, "--port", "127.0.0.1:"+strconv.Itoa(s.port), "posix", "--versioning-dir", s.versions, s.dir)
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s3Key, "ROOT_SECRET_KEY="+s3Secret)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	look, patience := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(s.port))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-look.C:
		case <-patience:
			b, _ := os.ReadFile(s.log)
			t.Fatal(errors.Join(err, fmt.Errorf("versitygw does not answer: %s", b)))
		}
	}
}

// Stop kills the server. What it has stored stays.
func (s *S3Server) Stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// Start starts it again after Stop, on the same port.
func (s *S3Server) Start(t *testing.T) {
	t.Helper()
	path, err := findGateway()
	if err != nil {
		t.Fatal(err)
	}
	s.start(t, path)
}

// Pause and Resume stop the server's process for a while, so that it is there
// and does not answer.
func (s *S3Server) Pause() { s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (s *S3Server) Resume() { s.cmd.Process.Signal(syscall.SIGCONT) }

// Address is where files are kept in it, under a prefix.
func (s *S3Server) Address(prefix string) string {
	return fmt.Sprintf("s3://bucket/%s?endpoint=http://127.0.0.1:%d&region=us-east-1", prefix, s.port)
}

// Env are the credentials, as processes take them.
func (s *S3Server) Env() []string { return credentials() }

func credentials() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + s3Key, "AWS_SECRET_ACCESS_KEY=" + s3Secret}
}

// Setenv gives the credentials to this process for the test.
func (s *S3Server) Setenv(t *testing.T) {
	for _, v := range s.Env() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}
