package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the format
)

// packages writes a .deb and a .rpm of the program for Linux on a machine.
func (r *release) packages(machine string) error {
	pages, err := r.pages()
	if err != nil {
		return err
	}
	defer os.RemoveAll(pages)
	units, err := r.units()
	if err != nil {
		return err
	}
	defer os.RemoveAll(units)
	t := target{"linux", machine}
	for _, format := range []string{"deb", "rpm"} {
		contents := files.Contents{
			r.content(r.path(r.base(t)), "/usr/bin/ab2d", 0o755),
			r.content(r.path("completions", "ab2d"), "/usr/share/bash-completion/completions/ab2d", 0o644),
			r.content(r.path("completions", "_ab2d"), "/usr/share/zsh/site-functions/_ab2d", 0o644),
			r.content(r.path("completions", "ab2d.fish"), "/usr/share/fish/vendor_completions.d/ab2d.fish", 0o644),
			r.content(filepath.Join(r.source, "LICENSE"), "/usr/share/doc/ab2d/copyright", 0o644),
		}
		for dir, destination := range map[string]string{pages: "/usr/share/man/man1/", units: "/usr/lib/systemd/system/"} {
			list, err := os.ReadDir(dir)
			if err != nil {
				return fmt.Errorf("list what goes to %s: %w", destination, err)
			}
			for _, f := range list {
				contents = append(contents, r.content(filepath.Join(dir, f.Name()), destination+f.Name(), 0o644))
			}
		}
		info := nfpm.WithDefaults(&nfpm.Info{
			Name: "ab2d", Arch: machine, Platform: "linux", Version: r.version, MTime: r.date, License: "Apache-2.0", Section: "net", Priority: "optional",
			Maintainer:   r.maintainer,
			Description:  "Claims data to Part D sponsors\nA FHIR Bulk Data server and client compatible with CMS's AB2D.",
			Overridables: nfpm.Overridables{Contents: contents, RPM: nfpm.RPM{BuildHost: "localhost"}},
		})
		if err := r.write(format, info); err != nil {
			return err
		}
	}
	return nil
}

// write writes a package.
func (r *release) write(format string, info *nfpm.Info) error {
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return fmt.Errorf("prepare the .%s: %w", format, err)
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return fmt.Errorf("prepare the .%s: %w", format, err)
	}
	name := packager.ConventionalFileName(info)
	fmt.Println(name)
	var b bytes.Buffer
	if err := packager.Package(info, &b); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if err := os.WriteFile(r.path(name), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// content is a file of a package.
func (r *release) content(source, destination string, mode os.FileMode) *files.Content {
	return &files.Content{Source: source, Destination: destination, FileInfo: &files.ContentFileInfo{Mode: mode, MTime: r.date, Owner: "root", Group: "root"}}
}

// pages is a directory with the manual pages, gzipped as packages have them.
func (r *release) pages() (string, error) {
	dir, err := os.MkdirTemp("", "ab2d-pages-")
	if err != nil {
		return "", fmt.Errorf("create a directory for the pages: %w", err)
	}
	list, err := filepath.Glob(r.path("man", "*.1"))
	if err != nil {
		return "", fmt.Errorf("list the pages: %w", err)
	}
	for _, page := range list {
		text, err := os.ReadFile(page)
		if err != nil {
			return "", fmt.Errorf("read a page: %w", err)
		}
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression) // its header has no time
		if err == nil {
			_, err = w.Write(text)
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(page)+".gz"), b.Bytes(), 0o644)
		}
		if err != nil {
			return "", fmt.Errorf("compress a page: %w", err)
		}
	}
	return dir, nil
}

// units is a directory with the units for systemd. In a package the program is in
// another directory than where an operator copies it by hand.
func (r *release) units() (string, error) {
	dir, err := os.MkdirTemp("", "ab2d-units-")
	if err != nil {
		return "", fmt.Errorf("create a directory for the units: %w", err)
	}
	list, err := filepath.Glob(filepath.Join(r.source, "deploy", "*.service"))
	if err != nil {
		return "", fmt.Errorf("list the units: %w", err)
	}
	packaged := strings.NewReplacer("/usr/local/bin/ab2d", "/usr/bin/ab2d", "/etc/systemd/system/", "/usr/lib/systemd/system/")
	for _, unit := range list {
		text, err := os.ReadFile(unit)
		if err != nil {
			return "", fmt.Errorf("read a unit: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(unit)), []byte(packaged.Replace(string(text))), 0o644); err != nil {
			return "", fmt.Errorf("write a unit: %w", err)
		}
	}
	return dir, nil
}
