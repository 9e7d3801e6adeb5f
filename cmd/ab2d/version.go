package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is this release, dated by released.
const (
	version  = "0.1.0"
	released = "2026-11-24"
)

// build is what the program knows of how it was built.
type build struct {
	commit   string // "": not recorded
	date     string // of the commit, RFC 3339; "": not recorded
	modified bool   // with changes that are not committed
}

func readBuild() build {
	var b build
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			b.date = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

// versionText returns the release and, when the build recorded it, the commit.
func versionText() string {
	b := readBuild()
	switch {
	case b.commit == "":
		return version
	case b.modified:
		return version + " (commit " + b.commit + ", with changes that are not committed)"
	}
	return version + " (commit " + b.commit + ")"
}

// versionCommand is ab2d version.
type versionCommand struct{}

// Run prints what is known of the program.
func (versionCommand) Run(s streams) error {
	b := readBuild()
	commit, date := b.commit, b.date
	if commit == "" {
		commit, date = "not recorded", released
	}
	if b.modified {
		commit += ", with changes that are not committed"
	}
	_, err := fmt.Fprintf(s.out, "ab2d    %s\ncommit  %s\ndate    %s\nGo      %s %s/%s\n", version, commit, date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
