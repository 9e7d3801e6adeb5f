package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAddressesOfCommandsHideTheirSecrets: commands that cannot use an address, or
// reach nobody there, print nothing of its password and of its secret parameters.
func TestAddressesOfCommandsHideTheirSecrets(t *testing.T) {
	t.Parallel()
	const gone = "http://127.0.0.1:1" // nobody listens there
	data := t.TempDir()
	out := "--out=" + filepath.Join(t.TempDir(), "out")
	if said, err := exec.CommandContext(t.Context(), program, "migrate", "--data="+data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	token := "--token-file=" + tokenFile(t)
	for name, c := range map[string]struct {
		args []string
		env  string
	}{
		"url with a password":             {args: []string{"export", "--url=https://u:hush@127.0.0.1:1", out}},
		"url that is none":                {args: []string{"export", "--url=https://u:hu%zzsh@127.0.0.1:1", out}},
		"url with a token":                {args: []string{"export", "--url=" + gone + "/fhir?token=hush", out}},
		"token endpoint":                  {args: []string{"export", "--url=" + gone, "--token-url=https://u:hush@127.0.0.1:1", out}},
		"server":                          {args: []string{"export", "--server=https://u:hush@127.0.0.1:1", out}},
		"proxy that nobody is":            {args: []string{"export", "--url=http://192.0.2.1", out}, env: "http://u:hush@127.0.0.1:1"},
		"proxy that is none":              {args: []string{"export", "--url=http://192.0.2.1", out}, env: "http://u:hu%zzsh@127.0.0.1:1"},
		"admin server":                    {args: []string{"admin", "job", "list", "--server=http://u:hush@127.0.0.1:1", token}},
		"admin server that is none":       {args: []string{"admin", "job", "list", "--server=http://u:hu%zzsh@127.0.0.1:1", token}},
		"admin server with a token":       {args: []string{"admin", "job", "list", "--server=" + gone + "?token=hush", token}},
		"admin with a proxy that is none": {args: []string{"admin", "job", "list", "--server=http://192.0.2.1", token}, env: "http://u:hu%zzsh@127.0.0.1:1"},
		"database":                        {args: []string{"admin", "job", "list", "--database=postgres://u:hush@127.0.0.1:1/x?password=hush"}},
		"syslog":                          {args: []string{"audit", "export", "--syslog=udp://u:hush@127.0.0.1/x", "--data=" + data}},
		"pages of others":                 {args: []string{"serve", "--cors-origins=https://u:hush@example.org", "--data=" + data}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // an export tries again for longer
			defer cancel()
			cmd := exec.CommandContext(ctx, program, c.args...)
			cmd.Env = append(cmd.Environ(), "HTTP_PROXY="+c.env, "http_proxy="+c.env, "NO_PROXY=", "no_proxy=")
			said, err := cmd.CombinedOutput()
			if err == nil || len(said) == 0 {
				t.Errorf("it succeeded, or gave no error: %s", said)
			}
			for _, secret := range []string{"hush", "hu%zzsh", "hu%25zzsh"} {
				if strings.Contains(string(said), secret) {
					t.Errorf("it prints the secret: %s", said)
				}
			}
		})
	}
}
