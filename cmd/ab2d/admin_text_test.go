package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// runner is a command.
type runner interface {
	Run(ctx context.Context, s streams) error
}

// TestAdminTextIsHarmless: nothing that a server sends can act on the terminal.
func TestAdminTextIsHarmless(t *testing.T) {
	const evil = "\x1b]0;owned\a\x1b[2J\u009b31m\u202e"
	escaped := `\u001b]0;owned\u0007\u001b[2J` + "\u009b31m\u202e"
	outcome := `{"resourceType":"OperationOutcome","issue":[{"details":{"text":"No such` + escaped + ` client."}}]}`
	for name, tt := range map[string]struct {
		answer, path string
		json         bool
		run          func(adminConfig) runner
		want         string
	}{
		"reason":   {answer: raw("403 Keep" + evil + " out")},
		"outcome":  {answer: raw("404 Not Found", outcome), want: "No such"},
		"redirect": {answer: raw("307 Over" + evil + " there"), want: "redirect"},
		"not http": {answer: "HTTP" + evil + "\r\n\r\n"},
		"not json": {answer: raw("200 OK", evil), want: "read the answer"},
		"list": {answer: raw("200 OK", `[{"name":"Acme`+escaped+`\nforged\trow","contracts":["Z0000`+escaped+`"]}]`), want: "Acme",
			run: func(c adminConfig) runner { return &adminSponsorListCommand{c} }},
		"json": {answer: raw("200 OK", `[{"name":"Acme`+escaped+`"}]`), want: `"name": "Acme\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e"`, json: true},
		"fault": {answer: raw("200 OK", `[{"job":"j","fault":"it`+escaped+` broke\nstack"}]`), want: "broke",
			run: func(c adminConfig) runner { return &adminFailureListCommand{adminConfig: c} }},
		"download": {answer: raw("200 OK", `[{"entry":{"file":"a`+escaped+`","client":"c`+escaped+`"},"hash":""}]`), want: "c]0;owned",
			run: func(c adminConfig) runner { return &adminDownloadListCommand{adminConfig: c} }},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.run == nil {
				tt.run = func(c adminConfig) runner { return &adminSponsorListCommand{c} }
			}
			var out bytes.Buffer
			err := tt.run(adminConfig{Server: talking(t, tt.answer), TokenFile: tokenFile(t), JSON: tt.json}).Run(t.Context(), streams{out: &out, err: &out})
			fmt.Fprintln(&out, err)
			if strings.ContainsFunc(out.String(), acts) || strings.Contains(out.String(), "\nforged") || strings.Contains(out.String(), "stack") {
				t.Errorf("got %q", out.String())
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("got %q, want %q in it", out.String(), tt.want)
			}
		})
	}
}

// acts tells whether a character does more than show itself.
func acts(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// raw is an answer, byte for byte.
func raw(status string, body ...string) string {
	text := strings.Join(body, "")
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
}

// talking is a server that gives the same answer to every request, byte for byte.
func talking(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, answer)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func tokenFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte("secret-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
