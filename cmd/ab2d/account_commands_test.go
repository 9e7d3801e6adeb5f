package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ab2d/client"
	"ab2d/internal/admin"
	"ab2d/internal/synth"
)

// session runs commands in this process, against a server. In arguments, PUBLISHED stands
// for a client of the sandbox, OWN for one that an operator added, ADMIN for the data of
// the server, and WAITING for the request that waits.
type session struct {
	*testing.T
	words map[string][]string
	data  string
}

// ab2d runs a command and gives what it prints.
func (s *session) ab2d(command string) (code int, out, errs string) {
	s.Helper()
	var args []string
	for _, word := range strings.Fields(command) {
		switch {
		case word == "WAITING":
			args = append(args, s.waiting())
		case s.words[word] != nil:
			args = append(args, s.words[word]...)
		default:
			args = append(args, strings.ReplaceAll(word, "_", " "))
		}
	}
	var o, e bytes.Buffer
	code = run(s.Context(), args, streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

// waiting is the id of the request that waits.
func (s *session) waiting() string {
	s.Helper()
	_, out, errs := s.ab2d("admin request list --json ADMIN")
	var list []admin.Request
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
		s.Fatalf("%v: %s %s", err, out, errs)
	}
	return list[0].ID
}

// newSession starts a sandbox with an export, and adds a client of one's own.
func newSession(t *testing.T) *session {
	t.Helper()
	dir := t.TempDir()
	p := startProcess(t, nil, "--listen=127.0.0.1:0", "--data="+filepath.Join(dir, "data"))
	sponsor := synth.Sponsors()[0]
	api := p.newClient(t, sponsor)
	job, err := api.Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := api.Wait(t.Context(), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Download(t.Context(), m.Output[0], dir, nil); err != nil {
		t.Fatal(err)
	}
	s := &session{T: t, data: dir, words: map[string][]string{"ADMIN": {"--data=" + filepath.Join(dir, "data")}, "PUBLISHED": {"--url=" + p.url, "--sponsor=" + sponsor.Name}}}
	_, out, errs := s.ab2d("admin client add Z0000 --name own --network 127.0.0.0/8 --json ADMIN")
	var own admin.Client
	if err := json.Unmarshal([]byte(out), &own); err != nil {
		t.Fatalf("%v: %s %s", err, out, errs)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(own.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	s.words["OWN"] = []string{"--url=" + p.url + "/api/v2/fhir/", "--client-id=" + own.ID, "--client-secret-file=" + secret}
	s.words["SAVED"], s.words["SECOND"] = []string{"--save=" + secret}, []string{"--save=" + filepath.Join(dir, "second")}
	return s
}

// TestAccountCommands: what a sponsor does in a terminal with a client of the sandbox and
// with its own, and what an operator decides. No secret is printed.
func TestAccountCommands(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for _, c := range []struct {
		command string
		code    int
		want    string // a regular expression of what is printed, or of the error
	}{
		{"account show PUBLISHED", exitOK, `(?s)^client id +0oa2t0lsrdZw5uWRx297\n.*contract +Z0000\n.*read only +Everybody may know the secret`},
		{"account secret rotate PUBLISHED", exitFailed, `Everybody may know the secret`},
		{"account job list PUBLISHED", exitOK, `v1 +20.* UTC +completed +100 %`},
		{"account download list PUBLISHED", exitOK, `Z0000_0001.ndjson`},
		{"account audit list --event token.granted --limit 1 PUBLISHED", exitOK, `There may be more: --before=[0-9]+\n$`},
		// What is wrong with a command is said before a request.
		{"account show --url http://127.0.0.1:1", exitUsage, `your client is not known`},
		{"account show --url nonsense --sponsor PDP-100", exitUsage, `--url: set it to the address of an ab2d server`},
		{"account secret revoke " + synth.Sponsors()[0].Credentials[0].Secrets[0] + " PUBLISHED", exitUsage, `give the secret's name, not the secret`},
		{"account secret rotate --overlap 0s PUBLISHED", exitUsage, `--overlap: must be more than 0`},
		{"account key add missing.pem PUBLISHED", exitUsage, `missing.pem`},
		// What goes beyond the operator's networks waits for an operator.
		{"account networks set 127.0.0.1 OWN", exitOK, `networks +127.0.0.1/32\nset by operator +127.0.0.0/8\n`},
		{"account networks set 192.0.2.0/24 OWN", exitFailed, `the client would lock itself out`},
		{"account networks set anywhere OWN", exitOK, `waiting +[A-Z2-7]{12}  networks: anywhere, since 20`},
		{"admin request approve WAITING --dry-run ADMIN", exitOK, `^would give client [A-Z2-7]{26} of contract Z0000 what it asks for: networks: anywhere\n`},
		{"admin request reject WAITING --reason Too_wide. ADMIN", exitOK, `^rejected: networks: anywhere for client [A-Z2-7]{26}\n`},
		{"account request list OWN", exitOK, `[A-Z2-7]{12} .* rejected +networks: anywhere +Too wide.\n`},
		{"admin request list ADMIN", exitOK, `There are none`},
		{"account networks set 127.0.0.0/8 192.0.2.0/24 OWN", exitOK, `waiting`},
		{"account request withdraw WAITING OWN", exitOK, `^withdrawn: networks: \[127.0.0.0/8 192.0.2.0/24\]\n`},
		{"account request withdraw ABC OWN", exitFailed, `There is no request "ABC" that waits`},
		{"account networks set 127.0.0.0/8 10.0.0.0/8 OWN", exitOK, `waiting`},
		{"admin request approve WAITING ADMIN", exitOK, `^done: give client [A-Z2-7]{26} of contract Z0000 what it asks for: networks: \[127.0.0.0/8 10.0.0.0/8\]\n`},
		{"account show OWN", exitOK, `networks +127.0.0.0/8 10.0.0.0/8\nset by operator +127.0.0.0/8 10.0.0.0/8\n`},
		// A file that is there is not written over, and no secret is made for it.
		{"account secret rotate SAVED OWN", exitFailed, `--save: open .*secret: file exists`},
		{"account secret rotate --leaked SECOND OWN", exitOK, `secret [A-Z2-7]{6} +created .* expires never\n$`},
		{"account show OWN", exitFailed, `secret is wrong`},
	} {
		code, out, errs := s.ab2d(c.command)
		if code != c.code || !regexp.MustCompile(c.want).MatchString(out+errs) || strings.Contains(out+errs, "ab2ds_") || strings.Contains(out+errs, synth.Sponsors()[0].Credentials[0].Secrets[0]) {
			t.Errorf("%s: %d, want %d and %s\n%s%s", c.command, code, c.code, c.want, out, errs)
		}
	}
}
