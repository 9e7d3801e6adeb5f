package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// sharedVariables are flags whose variable is the same for all commands: they mean
// the same, and people set them once for a machine.
func sharedVariables() []string {
	return []string{
		"data", "database", "files", "claims", "seed", "key-file", "encryption-key-file", "encryption-kms", "profiles", "retention", "lease", "log-level", "log-format",
		"job-retention", "ledger-retention", "import-retention", "audit-archive", "audit-retention",
	}
}

// connectionVariables are flags of ab2d export and ab2d account that say where a
// client's server is, and which client it is. No other command has them.
func connectionVariables() []string {
	return []string{"url", "token-url", "client-id", "client-secret", "client-secret-file", "auth-file", "private-key", "key-id"}
}

// variableOf is the name of the variable that sets a flag. Settings of a server are
// AB2D_FLAG. The flags of other commands have the command in the name, so that a
// variable cannot set a flag of a command that it was not meant for.
func variableOf(node *kong.Node, flag string) string {
	path := strings.Fields(node.Path())
	if node.Parent.DefaultCmd == node {
		path = path[:len(path)-1]
	}
	command, scope := path[0], path
	switch {
	case slices.Contains(sharedVariables(), flag), slices.Contains([]string{"serve", "worker", "migrate"}, command), slices.Equal(path, []string{"sandbox"}),
		(command == "export" || command == "account") && slices.Contains(connectionVariables(), flag), strings.HasPrefix(flag, path[len(path)-1]+"-"):
		scope = nil
	case command == "admin" && (flag == "server" || flag == "json"):
		scope = path[:1]
	}
	name := strings.Join(append(append([]string{"ab2d"}, scope...), flag), "_")
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// oldVariable is the name that a flag's variable had before the command was in it.
// kong writes AB2D_V_3 for --v3.
func oldVariable(flag string) string {
	var b strings.Builder
	for i, r := range flag {
		if r >= '0' && r <= '9' && i > 0 && (flag[i-1] < '0' || flag[i-1] > '9') && flag[i-1] != '-' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return "AB2D_" + strings.ToUpper(strings.ReplaceAll(b.String(), "-", "_"))
}

// environment gives each flag the variable that sets it, and the name that the
// variable had before. An old name that is another flag's name today is not accepted.
func environment() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		today := map[string]bool{}
		nodes := k.Model.Leaves(false)
		for _, node := range nodes {
			for _, f := range node.Flags {
				if len(f.Tag.Envs) == 0 {
					setVariables(f, variableOf(node, f.Name))
				} else if f.Tag.Envs[0] == "-" {
					setVariables(f)
				}
				for _, name := range f.Envs[:min(1, len(f.Envs))] {
					today[name] = true
				}
			}
		}
		for _, node := range nodes {
			for _, f := range node.Flags {
				if old := oldVariable(f.Name); len(f.Envs) == 1 && !today[old] {
					setVariables(f, f.Envs[0], old)
				}
			}
		}
		for _, f := range k.Model.Flags { // --help, --version and --profile, whose variable is read where it is used
			setVariables(f)
		}
		return nil
	})
}

func setVariables(f *kong.Flag, names ...string) {
	f.Envs, f.Tag.Envs = names, names
}

// noticeOldVariables writes a notice for each variable that set a flag of the
// command by its old name.
func noticeOldVariables(c *kong.Context, w io.Writer) {
	for _, f := range c.Flags() {
		for i, name := range f.Envs {
			if os.Getenv(name) == "" {
				continue
			}
			if i > 0 {
				fmt.Fprintf(w, "ab2d: %s is now called %s. The next release will not accept the old name.\n", name, f.Envs[0])
			}
			break
		}
	}
}
