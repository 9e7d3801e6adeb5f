package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"ab2d/internal/obs"
)

// profileVariable names the profile where the command line does not.
const profileVariable = "AB2D_PROFILE"

// maxConfigFile bounds the file of profiles, in bytes.
const maxConfigFile = 256 << 10

// configFile is what config.toml has: flags by profile and command.
//
//	default = "test"
//
//	[profiles.test.export]
//	url = "http://localhost:8080"
//	sponsor = "PDP-100"
type configFile struct {
	Default  string                               `toml:"default"`
	Profiles map[string]map[string]map[string]any `toml:"profiles"`
}

// configPath is where the file of profiles is.
func configPath() (string, error) {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ab2d", "config.toml"), nil
	}
	if home, err := os.UserHomeDir(); err == nil && os.PathSeparator == '/' {
		return filepath.Join(home, ".config", "ab2d", "config.toml"), nil
	}
	dir, err := os.UserConfigDir() // Windows
	return filepath.Join(dir, "ab2d", "config.toml"), err
}

// profiles takes flags from the file of profiles that neither the command line nor the
// environment sets.
func profiles() kong.Option {
	return kong.Resolvers(&profileResolver{})
}

// profileResolver gives kong the flags of a profile. The file is read for the first flag.
type profileResolver struct {
	read  bool
	path  string
	name  string
	flags map[string]any // of the command that runs
	err   error
}

// Validate is called by kong before there is a command line.
func (*profileResolver) Validate(*kong.Application) error { return nil }

// Resolve gives the value of a flag, or nil.
func (r *profileResolver) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !r.read {
		r.read = true
		r.err = r.load(ctx)
	}
	if r.err != nil {
		return nil, &usageError{r.err}
	}
	if slices.ContainsFunc(flag.Envs, func(name string) bool { _, set := os.LookupEnv(name); return set }) {
		return nil, nil
	}
	return r.flags[flag.Name], nil
}

// load finds the profile, and the flags in it for the command.
func (r *profileResolver) load(ctx *kong.Context) error {
	name, wanted := chosenProfile(ctx)
	path, err := configPath()
	if err != nil && wanted {
		return fmt.Errorf("--profile=%s: find the file of profiles: %w", name, err)
	}
	r.path = path
	f, err := readConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		if wanted {
			return fmt.Errorf("--profile=%s: there is no file %s. It holds the profiles", name, path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !wanted {
		name = f.Default
	}
	if name == "" {
		return nil
	}
	profile, ok := f.Profiles[name]
	if !ok {
		return fmt.Errorf("%s has no profile %q. It has: %s", path, name, nameList(slices.Sorted(maps.Keys(f.Profiles))))
	}
	r.name = name
	return r.take(ctx, profile)
}

// chosenProfile is the profile that the command line or the environment names.
func chosenProfile(ctx *kong.Context) (name string, ok bool) {
	for _, f := range ctx.Model.Flags {
		if f.Name == "profile" {
			name, _ = ctx.FlagValue(f).(string)
		}
	}
	if name == "" {
		name = os.Getenv(profileVariable)
	}
	return name, name != ""
}

// take checks a profile, and keeps the flags of the command.
func (r *profileResolver) take(ctx *kong.Context, profile map[string]map[string]any) error {
	for _, command := range slices.Sorted(maps.Keys(profile)) {
		i := slices.IndexFunc(ctx.Model.Children, func(n *kong.Node) bool { return n.Name == command })
		if i < 0 {
			return r.wrong(command, "there is no such command")
		}
		for _, flag := range slices.Sorted(maps.Keys(profile[command])) {
			v := profile[command][flag]
			if !hasFlag(ctx.Model.Children[i], flag) {
				return r.wrong(command+"."+flag, fmt.Sprintf("ab2d %s has no flag --%s. ab2d %s --help lists them", command, flag, command))
			}
			text, err := flagText(v)
			if err != nil {
				return r.wrong(command+"."+flag, err.Error())
			}
			if secret(flag, text) {
				return r.wrong(command+"."+flag, "secrets do not belong in this file. Name a file that only you can read, for example with --client-secret-file or --auth-file, or use the environment")
			}
			profile[command][flag] = text
		}
	}
	if selected := ctx.Selected(); selected != nil {
		r.flags = profile[strings.Fields(selected.Path())[0]]
	}
	return nil
}

func (r *profileResolver) wrong(what, why string) error {
	return fmt.Errorf("%s: profiles.%s.%s: %s", r.path, r.name, what, why)
}

// readConfig reads the file of profiles.
func readConfig(path string) (*configFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	if info.Size() > maxConfigFile {
		return nil, fmt.Errorf("%s has %d bytes. A file of profiles has %d at most", path, info.Size(), maxConfigFile)
	}
	var f configFile
	meta, err := toml.DecodeFile(path, &f)
	var wrong toml.ParseError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s: line %d: %s", path, wrong.Position.Line, wrong.Message)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w. Write flags as NAME = \"VALUE\" below [profiles.PROFILE.COMMAND]", path, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s: %s is not known. Write flags below [profiles.PROFILE.COMMAND], for example [profiles.test.export]", path, unknown[0])
	}
	return &f, nil
}

// hasFlag tells whether a command, or one below it, has a flag.
func hasFlag(n *kong.Node, name string) bool {
	return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name }) ||
		slices.ContainsFunc(n.Children, func(c *kong.Node) bool { return hasFlag(c, name) })
}

// flagText is a value of the file as it would be on a command line.
func flagText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	case []any:
		var parts []string
		for _, e := range v {
			text, err := flagText(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New(`write a text, a number, true, false, or a list of them`)
}

// secret tells whether a flag, or an address with a password, is a secret.
func secret(flag, text string) bool {
	return flag == "secret" || strings.HasSuffix(flag, "-secret") || obs.HideSecrets(text) != text
}

// nameList writes names for people.
func nameList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
