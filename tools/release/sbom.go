package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// components writes the modules that a program was linked from, as CycloneDX. It
// reads them from the program itself, so the list is of what is in it.
func (r *release) components(program, file string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read the components of %s: %w", program, err)
	}
	bom := cdx.NewBOM()
	root := cdx.Component{BOMRef: "ab2d", Type: cdx.ComponentTypeApplication, Name: "ab2d", Version: r.version,
		PackageURL: "pkg:golang/ab2d@" + r.version, Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		Properties: &[]cdx.Property{{Name: "commit", Value: r.commit}}}
	bom.Metadata = &cdx.Metadata{Timestamp: r.date.Format(time.RFC3339), Component: &root}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	list := []cdx.Component{component("std", goVersion, "")}
	refs := []string{list[0].BOMRef}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, component(m.Path, m.Version, m.Sum))
		refs = append(refs, list[len(list)-1].BOMRef)
	}
	bom.Components = &list
	bom.Dependencies = &[]cdx.Dependency{{Ref: root.BOMRef, Dependencies: &refs}}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the components: %w", err)
	}
	if err := cdx.NewBOMEncoder(f, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		f.Close()
		return fmt.Errorf("write the components: %w", err)
	}
	return f.Close()
}

// component is a module. sum is its hash in go.sum, which is SHA-256 in Base64 after
// "h1:".
func component(path, version, sum string) cdx.Component {
	url := "pkg:golang/" + path + "@" + version
	c := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
	if b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(b) > 0 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(b)}}
	}
	return c
}
