package testserver

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// server is the process's only PostgreSQL: to start one takes seconds, to make
// a database in it a fraction of one.
var server struct {
	sync.Mutex
	*postgres
	databases atomic.Int64
}

// postgres is a PostgreSQL that runs.
type postgres struct {
	bin  string
	data string
	port int
	cmd  *exec.Cmd
	run  func(name string, args ...string) *exec.Cmd // as the user it runs as
}

// Main runs a package's tests and stops the servers that they have started. A
// package that uses this one calls it in its TestMain. It sets the credentials
// of S3 servers for the process, so that tests with such servers can run at the
// same time.
func Main(m *testing.M) (code int) {
	for _, v := range credentials() {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	defer func() {
		server.Lock()
		defer server.Unlock()
		if server.postgres != nil {
			server.stop()
		}
	}()
	return m.Run()
}

// Postgres gives the address of an empty database on a real PostgreSQL, the
// same for all tests of the process.
func Postgres(t *testing.T) string {
	t.Helper()
	return newDatabase(t, "template1")
}

// PostgresCopy gives the address of a new database with what the one at an address
// holds, which nobody may be connected to. Where each test needs the same tables, a
// copy takes a tenth of the time that their migrations take.
func PostgresCopy(t *testing.T, address string) string {
	t.Helper()
	return newDatabase(t, databaseName(t, address))
}

func newDatabase(t *testing.T, template string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("uses PostgreSQL, which -short leaves out")
	}
	server.Lock()
	defer server.Unlock()
	if server.postgres == nil {
		p, err := startPostgres()
		if err != nil {
			missing(t, fmt.Errorf("PostgreSQL: %w", err))
		}
		server.postgres = p
	}
	name := fmt.Sprintf("test%d", server.databases.Add(1))
	// To copy the files takes a third less than to write the copy to the log (PostgreSQL 15).
	if err := server.sql("create database " + name + " template " + template + " strategy file_copy"); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", server.port, name)
}

func databaseName(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(u.Path)
}

// CutConnections ends all connections to a database, as a restart or a network
// fault does. It takes the address that Postgres returned.
func CutConnections(t *testing.T, address string) {
	t.Helper()
	name := databaseName(t, address)
	server.Lock()
	defer server.Unlock()
	if err := server.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = '" + name + "'"); err != nil {
		t.Fatalf("cut the connections: %v", err)
	}
}

// missing skips a test whose server is not there, or fails it.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("AB2D_TEST_SERVERS") == "require" {
		t.Fatal(err)
	}
	t.Skipf("%v; ./test installs it", err)
}

func startPostgres() (*postgres, error) {
	p := &postgres{}
	initdb, err := findPostgres("initdb")
	if err != nil {
		return nil, err
	}
	p.bin = filepath.Dir(initdb)
	if p.data, err = os.MkdirTemp("", "ab2d-postgres-"); err != nil {
		return nil, err
	}
	if p.run, err = runner(p.data); err != nil {
		return nil, err
	}
	out, err := p.run("initdb", "-D", p.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	return p, p.start()
}

func (p *postgres) start() error {
	p.cmd = p.run("postgres", "-D", p.data, "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-k", p.data,
		"-c", "fsync=off", "-c", "max_connections=400", "-c", "logging_collector=off")
	if err := p.cmd.Start(); err != nil {
		return err
	}
	return p.await()
}

// RestartPostgres stops PostgreSQL at once, as an operator in a hurry does, and starts
// it again.
func RestartPostgres(t *testing.T) {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if err := server.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // "immediate shutdown"
		t.Fatalf("stop PostgreSQL: %v", err)
	}
	_ = server.cmd.Wait() // it tells of the signal
	if err := server.start(); err != nil {
		t.Fatalf("start PostgreSQL again: %v", err)
	}
}

// findPostgres finds a program of PostgreSQL's, where Debian puts it or on the
// path.
func findPostgres(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(found) > 0 {
		return found[len(found)-1], nil
	}
	return exec.LookPath(name)
}

// PostgresPrograms is the directory with PostgreSQL's programs, such as pg_dump, of the
// version that Postgres starts.
func PostgresPrograms(t *testing.T) string {
	t.Helper()
	path, err := findPostgres("pg_dump")
	if err != nil {
		missing(t, fmt.Errorf("PostgreSQL: %w", err))
	}
	return filepath.Dir(path)
}

// runner runs programs as another user if we are root, whom PostgreSQL refuses.
func runner(data string) (func(string, ...string) *exec.Cmd, error) {
	bin, err := findPostgres("postgres")
	if err != nil {
		return nil, err
	}
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			if u, err = user.Lookup("nobody"); err != nil {
				return nil, fmt.Errorf("find another user than root: %w", err)
			}
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(data, uid, gid); err != nil {
			return nil, err
		}
	}
	return func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(filepath.Dir(bin), name), args...)
		cmd.SysProcAttr, cmd.Dir = attributes, data
		return cmd
	}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await returns when the server answers.
func (p *postgres) await() error {
	look, patience := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer look.Stop()
	for {
		err := p.sql("select 1")
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-patience:
			p.stop()
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// sql runs a statement.
func (p *postgres) sql(statement string) error {
	cmd := exec.Command(filepath.Join(p.bin, "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "postgres", "-c", statement)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (p *postgres) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	os.RemoveAll(p.data)
}
