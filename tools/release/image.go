package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the image runs as: nobody that the host knows.
const user = "65532:65532"

// certificates is where Go looks for the certificates of authorities first.
const certificates = "etc/ssl/certs/ca-certificates.crt"

// image writes an image for containers as a directory in OCI's layout, with one
// manifest for each machine. It has the program, a directory for the state and the
// certificates of public authorities, and no shell.
func (r *release) image(targets string) error {
	index := v1.ImageIndex(empty.Index)
	found := false
	for _, t := range strings.Split(targets, ",") {
		machine, linux := strings.CutPrefix(t, "linux/")
		if !linux {
			continue
		}
		found = true
		image, err := r.machineImage(machine)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: machine}},
		})
	}
	if !found {
		return nil
	}
	name := fmt.Sprintf("ab2d_%s_oci", r.version)
	fmt.Println(name)
	index = mutate.IndexMediaType(index, types.OCIImageIndex)
	if _, err := layout.Write(r.path(name), index); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}

// machineImage is the image for a machine.
func (r *release) machineImage(machine string) (v1.Image, error) {
	layer, err := r.layer(machine)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: r.date}, CreatedBy: "tools/release"}, MediaType: types.OCILayer,
	})
	if err != nil {
		return nil, fmt.Errorf("add the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", machine, v1.Time{Time: r.date}
	config.Config = v1.Config{
		Entrypoint: []string{"/usr/bin/ab2d"}, User: user, WorkingDir: "/var/lib/ab2d", ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Env: []string{"PATH=/usr/bin"},
		Labels: map[string]string{
			"org.opencontainers.image.title": "ab2d", "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.revision": r.commit, "org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, fmt.Errorf("write the image's configuration: %w", err)
	}
	return image, nil
}

// layer is the image's only layer.
func (r *release) layer(machine string) (v1.Layer, error) {
	program, err := os.ReadFile(r.path(r.base(target{"linux", machine})))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range []struct {
		name    string
		mode    int64
		owner   int
		content []byte
	}{
		{"etc/", 0o755, 0, nil},
		{"etc/ssl/", 0o755, 0, nil},
		{"etc/ssl/certs/", 0o755, 0, nil},
		{certificates, 0o644, 0, authorities()},
		{"usr/", 0o755, 0, nil},
		{"usr/bin/", 0o755, 0, nil},
		{"usr/bin/ab2d", 0o755, 0, program},
		{"tmp/", 0o1777, 0, nil},
		{"var/", 0o755, 0, nil},
		{"var/lib/", 0o755, 0, nil},
		{"var/lib/ab2d/", 0o700, 65532, nil},
	} {
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.content)), ModTime: r.date, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("write the layer: %w", err)
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, fmt.Errorf("write the layer: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("compress the layer: %w", err)
	}
	return layer, nil
}

// authorities are the certificates of Mozilla's list, as PEM, from a module that is
// pinned, so that they do not depend on the machine that builds. Authorities that
// Mozilla trusts for some certificates only are left out: a file cannot say that.
func authorities() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}
