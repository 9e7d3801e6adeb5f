package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// fetchPage gets a page as a browser does, and parses it.
func fetchPage(t *testing.T, address string) *html.Node {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	n, err := html.Parse(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", address, a.StatusCode, err)
	}
	return n
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// commandsOf are a page's commands for a terminal, or those for any with "",
// as they are copied.
func commandsOf(page *html.Node, terminal string) []string {
	var commands []string
	for n := range page.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "class") == strings.TrimSpace("command "+terminal) {
			commands = append(commands, textOf(n))
		}
	}
	return commands
}

// TestTutorialPage types the commands of the tutorial's page into bash, one
// after the other, for each version of the API.
func TestTutorialPage(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not there", tool)
		}
	}
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+t.TempDir())
	check := commandsOf(fetchPage(t, p.url+"/setup/linux"), "")
	if out := typeCommands(t, check[len(check)-1:]); out != "FHIR 4.0.1, ab2d "+version+"\n" {
		t.Errorf("the set-up page's check says %s", out)
	}
	for version, want := range map[string]string{"v1": `/api/v1/fhir/Job/`, "v2": `/api/v2/fhir/Job/`, "v3": `/api/v3/fhir/Job/`} {
		t.Run(version, func(t *testing.T) {
			commands := commandsOf(fetchPage(t, p.url+"/?sponsor=PDP-100&shell=bash&api="+version), "bash")
			if len(commands) != 9 {
				t.Fatalf("the page has %d commands:\n%s", len(commands), strings.Join(commands, "\n\n"))
			}
			out := typeCommands(t, commands)
			for _, want := range []string{"HTTP/1.1 202", want, "HTTP/1.1 200", `"transactionTime"`, "Z0000_0001.ndjson: OK", `"billablePeriod"`} {
				if !strings.Contains(out, want) {
					t.Errorf("the terminal does not show %s", want)
				}
			}
			if strings.Count(out, "HTTP/1.1 202") < 2 {
				t.Error("the second export was not accepted")
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestTheTutorialLeadsToParquet: the page's last command, as it stands.
func TestTheTutorialLeadsToParquet(t *testing.T) {
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+t.TempDir())
	commands := commandsOf(fetchPage(t, p.url+"/?sponsor=PDP-1000"), "program")
	if len(commands) != 1 || !strings.Contains(commands[0], "--sponsor PDP-1000") {
		t.Fatalf("the page says %q", commands)
	}
	t.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out := typeCommands(t, append(commands, "ls claims/*/parquet/claims.parquet claims/*/parquet/lines.parquet"))
	if !strings.Contains(out, "complete and verified") || strings.Count(out, ".parquet") != 2 {
		t.Errorf("the terminal shows %s", out)
	}
}

// typeCommands runs commands in one shell, in a directory of its own, and
// gives what the terminal shows.
func typeCommands(t *testing.T, commands []string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "-c", strings.Join(commands, "\n"))
	c.Dir = t.TempDir()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return string(out)
}

// TestPagesInProduction: serve has them behind a flag, and they tell nobody's
// credentials; the first command asks for the reader's own.
func TestPagesInProduction(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "serve", "--listen=localhost:0", "--data="+t.TempDir(), "--pages")
	commands := commandsOf(fetchPage(t, p.url+"/"), "bash")
	c := exec.CommandContext(t.Context(), "bash", "-eu", "-c", commands[0]+"\n"+`echo; echo "AUTH is ${AUTH}"`)
	c.Stdin = strings.NewReader("client-7\nsecret\\with $signs\n")
	out, err := c.CombinedOutput()
	if want := "AUTH is Y2xpZW50LTc6c2VjcmV0XHdpdGggJHNpZ25z"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: %s", err, out)
	}
	bare := startProcess(t, nil, "serve", "--listen=localhost:0", "--data="+t.TempDir())
	r, err := http.NewRequestWithContext(t.Context(), "GET", bare.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusNotFound || a.Header.Get("Content-Type") != "application/fhir+json" {
		t.Errorf("without --pages / is answered %d %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
}

// TestPagesLinks follows every link of every page, and finds what it leads to.
func TestPagesLinks(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+t.TempDir())
	start, err := url.Parse(p.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]map[string]bool{} // by page
	links := map[string][]*url.URL{}        // by the page that has them
	for todo := []*url.URL{start}; len(todo) > 0; todo = todo[1:] {
		at := *todo[0]
		at.Fragment, at.RawQuery = "", ""
		if _, seen := anchors[at.String()]; seen {
			continue
		}
		anchors[at.String()] = map[string]bool{}
		if strings.HasSuffix(at.Path, ".json") {
			get(t, at.String())
			continue
		}
		for n := range fetchPage(t, at.String()).Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if id := attribute(n, "id"); id != "" {
				if anchors[at.String()][id] {
					t.Errorf("%s has the id %s twice", at.String(), id)
				}
				anchors[at.String()][id] = true
			}
			for _, name := range []string{"href", "src"} {
				ref := attribute(n, name)
				target, err := at.Parse(ref)
				switch {
				case err != nil:
					t.Errorf("%s: %v", at.String(), err)
				case ref == "" || target.Host != start.Host:
				case n.Data == "a":
					links[at.String()] = append(links[at.String()], target)
					todo = append(todo, target)
				default:
					get(t, target.String())
				}
			}
		}
	}
	if len(anchors) < 16 {
		t.Errorf("only %d pages were found", len(anchors))
	}
	for page, targets := range links {
		for _, to := range targets {
			fragment := to.Fragment
			at := *to
			at.Fragment, at.RawQuery = "", ""
			if fragment != "" && !anchors[at.String()][fragment] {
				t.Errorf("%s leads to %s, and there is no %s", page, at.String(), fragment)
			}
		}
	}
}

// get fetches what is not a page.
func get(t *testing.T, address string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != http.StatusOK {
		t.Errorf("%s: %d, %v", address, a.StatusCode, err)
	}
}

// lines counts the lines of a file.
func lines(t *testing.T, dir, name string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}
