package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// target is a platform that a program is built for.
type target struct{ system, machine string }

// allTargets are the platforms of a release.
const allTargets = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

// projectName is whom the packages name if nobody says who builds them. The project
// has no mail address.
const projectName = "The ab2d project"

// release is what is built.
type release struct {
	source, out string // directories: of the main module, and to write to
	version     string
	commit      string    // the hash, as git writes it
	date        time.Time // of the commit; every file in a package and an image has it
	maintainer  string    // whom the packages name
}

func main() {
	source := flag.String("source", "../..", "directory of the ab2d module")
	out := flag.String("out", "../../dist", "directory to write to; it must not exist, or be of an earlier release")
	targets := flag.String("targets", allTargets, "platforms, separated by commas")
	maintainer := flag.String("maintainer", projectName, "whom the packages name: who builds them, as \"NAME <ADDRESS>\"")
	flag.Parse()
	if err := run(context.Background(), *source, *out, *targets, *maintainer); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run builds everything.
func run(ctx context.Context, source, out, targets, maintainer string) error {
	r, err := newRelease(ctx, source, out)
	if err != nil {
		return err
	}
	r.maintainer = maintainer
	for _, t := range strings.Split(targets, ",") {
		system, machine, ok := strings.Cut(t, "/")
		if !ok {
			return fmt.Errorf("-targets: %q: write SYSTEM/MACHINE", t)
		}
		if err := r.program(ctx, target{system, machine}); err != nil {
			return err
		}
	}
	if err := r.texts(ctx); err != nil {
		return err
	}
	for _, t := range strings.Split(targets, ",") {
		machine, linux := strings.CutPrefix(t, "linux/")
		if !linux {
			continue
		}
		if err := r.packages(machine); err != nil {
			return err
		}
	}
	if err := r.image(targets); err != nil {
		return err
	}
	return r.checksums()
}

// newRelease empties the directory to write to, and asks git and the program what
// is released.
func newRelease(ctx context.Context, source, out string) (*release, error) {
	r := &release{source: source}
	var err error
	if r.out, err = filepath.Abs(out); err != nil {
		return nil, fmt.Errorf("find the directory to write to: %w", err)
	}
	if _, err := os.Stat(r.out); err == nil {
		if _, err := os.Stat(filepath.Join(r.out, "SHA256SUMS")); err != nil {
			return nil, fmt.Errorf("%s is not of an earlier release: remove it, or choose another directory with -out", out)
		}
	}
	if err := os.RemoveAll(r.out); err != nil {
		return nil, fmt.Errorf("empty the directory to write to: %w", err)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return nil, fmt.Errorf("create the directory to write to: %w", err)
	}
	log, err := r.command(ctx, nil, "git", "log", "-1", "--format=%H %cI")
	if err != nil {
		return nil, err
	}
	commit, date, _ := strings.Cut(strings.TrimSpace(log), " ")
	r.commit = commit
	if r.date, err = time.Parse(time.RFC3339, date); err != nil {
		return nil, fmt.Errorf("read the date of the commit: %w", err)
	}
	r.date = r.date.UTC()
	text, err := r.command(ctx, nil, "go", "run", "./cmd/ab2d", "version")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(text)
	if len(fields) < 2 || fields[0] != "ab2d" {
		return nil, fmt.Errorf("ab2d version prints %q", text)
	}
	r.version = fields[1]
	return r, nil
}

// command runs a program in the source directory, and returns what it prints.
func (r *release) command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdout, c.Stderr = r.source, &out, os.Stderr
	c.Env = append(os.Environ(), env...)
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// base is the name of what is built for a platform, without an extension.
func (r *release) base(t target) string {
	return fmt.Sprintf("ab2d_%s_%s_%s", r.version, t.system, t.machine)
}

// path is a file in the directory to write to.
func (r *release) path(names ...string) string {
	return filepath.Join(append([]string{r.out}, names...)...)
}

// program builds the program for a platform, and lists its components.
func (r *release) program(ctx context.Context, t target) error {
	name := r.base(t)
	if t.system == "windows" {
		name += ".exe"
	}
	fmt.Println(name)
	env := []string{"CGO_ENABLED=0", "GOOS=" + t.system, "GOARCH=" + t.machine, "GOAMD64=v1", "GOARM64=v8.0"}
	if _, err := r.command(ctx, env, "go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w -buildid=", "-o", r.path(name), "./cmd/ab2d"); err != nil {
		return err
	}
	return r.components(r.path(name), r.path(r.base(t)+".cdx.json"))
}

// texts writes completions and manual pages. The program of this machine writes
// them, so they do not depend on the platforms that are built.
func (r *release) texts(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "ab2d-release-")
	if err != nil {
		return fmt.Errorf("create a directory for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "ab2d")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if _, err := r.command(ctx, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", program, "./cmd/ab2d"); err != nil {
		return err
	}
	if err := os.MkdirAll(r.path("completions"), 0o755); err != nil {
		return fmt.Errorf("create the directory of completions: %w", err)
	}
	for shell, name := range map[string]string{"bash": "ab2d", "zsh": "_ab2d", "fish": "ab2d.fish"} {
		script, err := r.command(ctx, nil, program, "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.path("completions", name), []byte(script), 0o644); err != nil {
			return fmt.Errorf("write a completion: %w", err)
		}
	}
	_, err = r.command(ctx, nil, program, "man", r.path("man"))
	return err
}

// checksums writes SHA256SUMS, in the format of sha256sum.
func (r *release) checksums() error {
	var lines []string
	err := filepath.WalkDir(r.out, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return err
		}
		name, err := filepath.Rel(r.out, path)
		lines = append(lines, fmt.Sprintf("%x  %s\n", sum.Sum(nil), filepath.ToSlash(name)))
		return err
	})
	if err != nil {
		return fmt.Errorf("compute the checksums: %w", err)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	if err := os.WriteFile(r.path("SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}
