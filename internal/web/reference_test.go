package web_test

import (
	"bytes"
	"encoding/json"
	"go/format"
	"go/parser"
	"go/token"
	"html"
	"os/exec"
	"strings"
	"testing"

	"ab2d/internal/web"
)

// TestReference is what becomes of an OpenAPI document: a list, a page for each
// operation, and one for what they share.
func TestReference(t *testing.T) {
	h, body := site(t, settings(t)), ""
	for _, page := range []string{"", "/token", "/exportV2", "/exportByBodyV2", "/metadataV2", "/schemas", "/admin", "/admin/addClient"} {
		body += html.UnescapeString(ask(h, "GET", "/reference"+page).Body.String())
	}
	for what, want := range map[string]string{
		"title":              "<h1>A small API</h1>",
		"own address":        "<p>It lives at <code>http://ab2d.example.org</code>.</p>",
		"heading":            `<h2 id="the-way"><a href="#the-way">The way</a></h2>`,
		"contents":           `<a href="../reference/exportV2" aria-current="page"><span class="method GET">GET</span> Export<span class="version">v2</span></a>`,
		"list":               `<a href="./reference/exportV2"><span class="method GET">GET</span><span class="summary">Export <span class="version">v2</span></span><code>/<wbr>api/<wbr>v2/<wbr>fhir/<wbr>Patient/<wbr>$export</code></a>`,
		"operation":          `<h1>Export <span class="version">v2</span></h1>`,
		"administration":     `curl -i -X POST "http://ab2d.example.org/admin/v1/clients" \` + "\n" + `    -H "Authorization: Bearer ${BEARER_TOKEN}" \` + "\n" + `    -H "Content-Type: application/json"`,
		"made-up body":       `{` + "\n" + `  "contract": "CONTRACT",` + "\n" + `  "days": 1` + "\n}'",
		"scope":              "Needs an admin token with the scope <code>client</code>",
		"description":        "<p>Starts <em>one</em>.</p>",
		"referred parameter": `<code>_<wbr>type</code> <span class="type">query</span>`,
		"values":             "<p>Always <code>ExplanationOfBenefit</code></p>",
		"bearer by default":  "<code>Authorization: Bearer …</code>",
		"basic":              "<code>Authorization: Basic …</code>",
		"form":               "<code>scope=a+b&client_id=0oa2t0lsrdZw5uWRx297</code>",
		"token command":      `curl -i -X POST "http://ab2d.example.org/oauth2/server7/v1/token?scope=clientCreds" \` + "\n" + `    -H "Authorization: Basic ${AUTH}"`,
		"export command": `curl -i "http://ab2d.example.org/api/v2/fhir/Patient/\$export?_type=ExplanationOfBenefit&_typeFilter=E%3Fservice-date%3Dge2023" \` + "\n" +
			`    -H "Authorization: Bearer ${BEARER_TOKEN}" \` + "\n" + `    -H "Prefer: respond-async"`,
		"body command":     "--data '{\n  \"resourceType\": \"Parameters\"\n}'",
		"head command":     `curl -I "http://ab2d.example.org/api/v2/fhir/metadata"<`,
		"header":           `For example <code>http://ab2d.example.org/api/v2/fhir/Job/1</code>`,
		"shared response":  `<a class="type" href="../reference/schemas#response-Bad">Bad</a>`,
		"its own section":  `<h3 id="response-Bad"><a href="#response-Bad">Bad</a></h3>`,
		"example in order": "{\n  \"token_type\": \"Bearer\",\n  \"expires_in\": 3600\n}",
		"nested field":     `<code>issue<wbr>[].<wbr>code</code> <span class="must">required</span>`,
		"link to a schema": `<a href="../reference/schemas#schema-Outcome">Outcome</a>`,
		"boolean value":    "<p>Always <code>true</code></p>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s: the page lacks %s", what, want)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
	if !strings.Contains(ask(site(t, settings(t)), "GET", "/try").Body.String(), `name="from"`) {
		t.Error("/try does not ask for dates of service, although an export takes _typeFilter")
	}
}

func TestReferenceFaults(t *testing.T) {
	document := string(settings(t).OpenAPI)
	for name, c := range map[string]struct{ old, new, want string }{
		"no JSON":             {"{", "[", "read the OpenAPI document"},
		"unknown component":   {"components/parameters/Type", "components/parameters/Typo", "there is no component #/components/parameters/Typo"},
		"unknown tag":         {`"tags": ["Token"]`, `"tags": ["Tokens"]`, "its tag [Tokens] is not in tags"},
		"paths are no object": {`"paths": {`, `"paths": 7, "x": {`, "not an object"},
	} {
		s := settings(t)
		s.OpenAPI = []byte(strings.Replace(document, c.old, c.new, 1))
		if _, err := web.New(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestSamples: each example is a program that its language understands.
func TestSamples(t *testing.T) {
	h, python := site(t, settings(t)), ""
	for _, page := range []string{"/token", "/exportV2", "/exportByBodyV2", "/metadataV2", "/admin/addClient"} {
		samples := samplesOf(ask(h, "GET", "/reference"+page).Body.String())
		if len(samples) != 4 {
			t.Fatalf("%s has %d examples", page, len(samples))
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", samples["go"], parser.AllErrors); err != nil {
			t.Errorf("%s: %v\n%s", page, err, samples["go"])
		}
		if formatted, err := format.Source([]byte(samples["go"])); err != nil || strings.TrimSpace(string(formatted)) != samples["go"] {
			t.Errorf("%s: the example in Go is not formatted: %v\n%s", page, err, samples["go"])
		}
		if strings.Contains(samples["powershell"], `"$AUTH`) || !strings.Contains(samples["powershell"], "-Uri 'http://ab2d.example.org/") {
			t.Errorf("%s: %s", page, samples["powershell"])
		}
		python += samples["python"] + "\n"
	}
	if path, err := exec.LookPath("python3"); err == nil {
		c := exec.CommandContext(t.Context(), path, "-c", "import ast, sys; ast.parse(sys.stdin.read())")
		c.Stdin = strings.NewReader(python)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, python)
		}
	}
}

// samplesOf are the examples of a page, by their language.
func samplesOf(page string) map[string]string {
	samples := map[string]string{}
	for _, part := range strings.Split(page, `<div class="command sample `)[1:] {
		language, rest, _ := strings.Cut(part, `"><pre><code>`)
		text, _, _ := strings.Cut(rest, "</code>")
		samples[language] = html.UnescapeString(text)
	}
	return samples
}

// TestPostman: the collections have every operation, and no credential of the sandbox
// where this is none.
func TestPostman(t *testing.T) {
	s := settings(t)
	s.Sponsors = nil
	h := site(t, s)
	for path, want := range map[string][]string{
		"/reference/postman.json":       {"Get a token", "Export (v2)", "Export by body (v2)", "What there is (v2)", `"raw":"{{origin}}/api/v2/fhir/Patient/$export?_type=ExplanationOfBenefit"`, `pm.collectionVariables.set(`, `"value":"http://ab2d.example.org"`},
		"/reference/admin/postman.json": {"Make a client", `"raw":"{{origin}}/admin/v1/clients"`, `"type":"bearer"`},
	} {
		w := ask(h, "GET", path)
		var c struct {
			Info struct{ Schema string }
		}
		body := w.Body.Bytes()
		if err := json.Unmarshal(body, &c); err != nil || !strings.HasSuffix(c.Info.Schema, "v2.1.0/collection.json") || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %v, %+v, %v", path, err, c, w.Header())
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, body); err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(compact.String(), part) {
				t.Errorf("%s lacks %s:\n%s", path, part, compact.String())
			}
		}
		if strings.Contains(string(body), "0oa2t0l") {
			t.Errorf("%s has a client id of the sandbox", path)
		}
	}
}
