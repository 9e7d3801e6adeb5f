package main

import (
	"archive/tar"
	"crypto/sha256"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// TestRelease builds a release twice, and compares the bytes. It runs what is in the
// image and in the packages. AB2D_RELEASE_TARGETS names other platforms than this
// machine's; "all" is those of a release, which takes minutes.
func TestRelease(t *testing.T) {
	here := "linux/" + runtime.GOARCH
	if runtime.GOOS != "linux" {
		t.Skip("the programs for Linux are run here, so this needs Linux")
	}
	if _, set := os.LookupEnv("AB2D_RELEASE_TARGETS"); !set {
		t.Skip("this builds the program several times: set AB2D_RELEASE_TARGETS to " + here + " or all")
	}
	targets := os.Getenv("AB2D_RELEASE_TARGETS")
	if targets == "all" {
		targets = allTargets
	}
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	for _, out := range []string{first, second} {
		if err := run(t.Context(), "../..", out, targets, projectName); err != nil {
			t.Fatal(err)
		}
	}
	a, b := read(t, filepath.Join(first, "SHA256SUMS")), read(t, filepath.Join(second, "SHA256SUMS"))
	if a != b {
		t.Errorf("two builds differ:\n%s\n%s", a, b)
	}
	sums := strings.Count(a, "\n")
	if sums < 60 {
		t.Errorf("SHA256SUMS has %d lines", sums)
	}
	if out, err := command(t, first, "sha256sum", "--check", "--quiet", "SHA256SUMS"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	checkSBOM(t, only(t, first, "ab2d_*_linux_"+runtime.GOARCH+".cdx.json"))
	checkImage(t, only(t, first, "ab2d_*_oci"))
	checkPackages(t, first)
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// only is the only file of a pattern.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

func command(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// checkProgram: a program is static and says its commit.
func checkProgram(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%s needs %v, %v", file, libraries, err)
	}
	out, err := command(t, ".", file, "version")
	commit, errGit := command(t, ".", "git", "rev-parse", "--short=12", "HEAD")
	if err != nil || errGit != nil || !strings.Contains(out, strings.TrimSpace(commit)) {
		t.Errorf("%s version: %v, %v: %s", file, err, errGit, out)
	}
}

func checkSBOM(t *testing.T, file string) {
	t.Helper()
	var bom struct {
		BomFormat  string
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal([]byte(read(t, file)), &bom); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range bom.Components {
		found = found || c.Name == "modernc.org/sqlite" && c.Purl == "pkg:golang/modernc.org/sqlite@"+c.Version
		if c.Version == "" {
			t.Errorf("%s has no version", c.Name)
		}
	}
	if bom.BomFormat != "CycloneDX" || !found {
		t.Errorf("%s has %d components, and the one that was looked for: %v", file, len(bom.Components), found)
	}
}

// checkImage unpacks the layer for this machine and runs its program.
func checkImage(t *testing.T, dir string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture != runtime.GOARCH {
			continue
		}
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil || config.Config.User != user || config.Config.Entrypoint[0] != "/usr/bin/ab2d" {
			t.Fatalf("%+v, %v", config, err)
		}
		dir := unpack(t, image)
		checkProgram(t, filepath.Join(dir, config.Config.Entrypoint[0]))
		if roots := x509.NewCertPool(); !roots.AppendCertsFromPEM([]byte(read(t, filepath.Join(dir, certificates)))) {
			t.Errorf("/%s has no certificates", certificates)
		}
		return
	}
	t.Error("the image has nothing for this machine")
}

// unpack writes the files of an image's only layer, whose bytes are those that the
// configuration names.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	dir, sum := t.TempDir(), sha256.New()
	stream := io.TeeReader(content, sum)
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else if b, readErr := io.ReadAll(r); readErr != nil {
			err = readErr
		} else {
			err = os.WriteFile(path, b, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Fatal(err)
	}
	id, err := layers[0].DiffID()
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); err != nil || got != id.String() {
		t.Errorf("the layer is %s, and its configuration says %s, %v", got, id, err)
	}
	return dir
}

// checkPackages unpacks the .deb and runs its program, and lists the .rpm if rpm is
// installed.
func checkPackages(t *testing.T, out string) {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err == nil {
		dir := t.TempDir()
		if text, err := command(t, out, "dpkg-deb", "-x", only(t, out, "ab2d_*_"+runtime.GOARCH+".deb"), dir); err != nil {
			t.Fatal(text, err)
		}
		checkProgram(t, filepath.Join(dir, "usr/bin/ab2d"))
		unit := read(t, filepath.Join(dir, "usr/lib/systemd/system/ab2d-serve.service"))
		if !strings.Contains(unit, "ExecStart=/usr/bin/ab2d serve") {
			t.Errorf("the unit does not start the package's program:\n%s", unit)
		}
		for _, name := range []string{"usr/share/man/man1/ab2d-export.1.gz", "usr/share/bash-completion/completions/ab2d", "usr/lib/systemd/system/ab2d-worker.service"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := exec.LookPath("rpm"); err == nil {
		machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
		text, err := command(t, out, "rpm", "-qlp", only(t, out, "ab2d-*."+machine+".rpm"))
		if err != nil || !strings.Contains(text, "/usr/bin/ab2d\n") || !strings.Contains(text, "/usr/share/man/man1/ab2d-export.1.gz") ||
			!strings.Contains(text, "/usr/lib/systemd/system/ab2d-serve.service") {
			t.Error(text, err)
		}
	}
}
