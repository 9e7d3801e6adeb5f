package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// maxSecret bounds a file with a secret or key.
const maxSecret = 64 << 10

// environmentOnly is a client's secret, which is not taken from the command line.
type environmentOnly string

// BeforeApply refuses it there.
func (*environmentOnly) BeforeApply(ctx *kong.Context) error {
	return notOnCommandLine(ctx, "client-secret", "AB2D_CLIENT_SECRET")
}

// notOnCommandLine refuses a flag with a secret: what came from the environment is not in
// the path that was parsed. The flag with -file at its end takes a file.
func notOnCommandLine(ctx *kong.Context, flag, variable string) error {
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == flag {
			return fmt.Errorf("--%s: other users of this machine could read it in the process list. "+
				"Put it into a file for --%s-file, or into the environment variable %s", flag, flag, variable)
		}
	}
	return nil
}

// readSecret reads a file with a secret. Its errors quote nothing of it.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")) // as Windows editors begin a file
	if s == "" || len(b) > maxSecret {
		return "", fmt.Errorf("%s does not contain a secret: it is empty or longer than %d bytes", path, maxSecret)
	}
	return s, nil
}

// readAuth reads the file that CMS hands out: the Base64 text of id:secret.
func readAuth(path string) (id, secret string, err error) {
	s, err := readSecret(path)
	if err != nil {
		return "", "", err
	}
	s = strings.TrimRight(strings.TrimPrefix(s, "Basic "), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	id, secret, ok := strings.Cut(string(b), ":")
	if err != nil || !ok || id == "" || secret == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", errors.New(path + " does not contain id:secret in Base64. Check that it is complete")
	}
	return id, secret, nil
}
