package main

import (
	"runtime/debug"
)

// version is this release, dated by released.
const (
	version  = "0.1.0"
	released = "2026-11-24"
)

// versionText returns the release and, when the build recorded it, the commit.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	var commit, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				modified = ", with changes that are not committed"
			}
		}
	}
	if commit == "" {
		return version
	}
	return version + " (commit " + commit + modified + ")"
}
