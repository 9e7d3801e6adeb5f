package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfiles: flags come from the command line, then from the environment, then from
// the profile; and each fault of the file is named.
func TestProfiles(t *testing.T) {
	const good = "default = \"a\"\n[profiles.a.export]\nurl = \"http://a.invalid\"\nparallel = 2\nquiet = true\nservice-date = [\"ge2023-01-01\", \"le2024-01-01\"]\n" +
		"[profiles.b.export]\nurl = \"http://b.invalid\"\n[profiles.b.admin]\nserver = \"http://c.invalid\"\n"
	for name, c := range map[string]struct {
		file, args, profile, url string // environment variables
		want, complaint          string
	}{
		"default":         {file: good, args: "export", want: "http://a.invalid 2 true ge2023-01-01,le2024-01-01"},
		"by flag":         {file: good, args: "export --profile b", want: "http://b.invalid 4 false "},
		"flag in front":   {file: good, args: "--profile=b export", want: "http://b.invalid 4 false "},
		"by variable":     {file: good, args: "export", profile: "b", want: "http://b.invalid 4 false "},
		"flag counts":     {file: good, args: "export --url http://x.invalid --parallel 3", want: "http://x.invalid 3 true ge2023-01-01,le2024-01-01"},
		"variable counts": {file: good, args: "export", url: "http://y.invalid", want: "http://y.invalid 2 true ge2023-01-01,le2024-01-01"},
		"no file":         {args: "export --url http://x.invalid", want: "http://x.invalid 4 false "},
		"no such file":    {args: "export --profile b", complaint: "--profile=b: there is no file "},
		"no such profile": {file: good, args: "export --profile c", complaint: `has no profile "c". It has: a, b`},
		"no such command": {file: "[profiles.a.exprot]\nurl = \"x\"", args: "export --profile a", complaint: "profiles.a.exprot: there is no such command"},
		"no such flag":    {file: "[profiles.a.export]\nurls = \"x\"", args: "export --profile a", complaint: "profiles.a.export.urls: ab2d export has no flag --urls"},
		"secret":          {file: "[profiles.a.export]\nclient-secret = \"hush\"", args: "export --profile a", complaint: "secrets do not belong in this file"},
		"password":        {file: "[profiles.a.serve]\ndatabase = \"postgres://u:hush@h/d\"", args: "export --profile a", complaint: "profiles.a.serve.database: secrets do not belong"},
		"no TOML":         {file: "[profiles", args: "export", complaint: "config.toml: line 1: "},
		"flag on top":     {file: "url = \"x\"", args: "export", complaint: "url is not known. Write flags below [profiles.PROFILE.COMMAND]"},
		"flag too high":   {file: "[profiles.a]\nurl = \"x\"", args: "export --profile a", complaint: "profiles.a.url: there is no such command"},
		"table":           {file: "[profiles.a.export.url]\nx = 1", args: "export --profile a", complaint: "profiles.a.export.url.x is not known"},
		"too large":       {file: strings.Repeat("#", maxConfigFile+1), args: "export", complaint: "A file of profiles has 262144 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("XDG_CONFIG_HOME", dir)
			if c.profile != "" {
				t.Setenv(profileVariable, c.profile)
			}
			if c.url != "" {
				t.Setenv("AB2D_URL", c.url)
			}
			if c.file != "" {
				writeConfig(t, dir, c.file)
			}
			var all commands
			parser, err := newParser(&all)
			if err != nil {
				t.Fatal(err)
			}
			_, err = parser.Parse(strings.Fields(c.args))
			if c.complaint != "" {
				if err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "hush") {
					t.Errorf("got %v, want %s", err, c.complaint)
				}
				return
			}
			e := all.Export
			if got := strings.Join([]string{e.URL, fmt.Sprint(e.Parallel), fmt.Sprint(e.Quiet), strings.Join(e.ServiceDate, ",")}, " "); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func writeConfig(t *testing.T, dir, content string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "ab2d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ab2d", "config.toml"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProfileFaultsAreUsage: a fault of the file ends like a fault of the command line.
func TestProfileFaultsAreUsage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"export", "--profile", "x"}, streams{out: &out, err: &errs}); code != exitUsage || !strings.HasPrefix(errs.String(), "ab2d: --profile=x: there is no file ") {
		t.Errorf("%d: %s%s", code, &out, &errs)
	}
}
