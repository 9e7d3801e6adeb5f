package web_test

import (
	"html"
	"strings"
	"testing"

	"ab2d/internal/web"
)

// TestReference is what becomes of an OpenAPI document.
func TestReference(t *testing.T) {
	body := html.UnescapeString(ask(site(t, settings(t)), "GET", "/reference").Body.String())
	for what, want := range map[string]string{
		"title":              "<h1>A small API</h1>",
		"own address":        "<p>It lives at <code>http://ab2d.example.org</code>.</p>",
		"heading":            `<h2 id="the-way"><a href="#the-way">The way</a></h2>`,
		"contents":           `<a href="#exportV2"><span class="method GET">GET</span> Export<span class="version">v2</span></a>`,
		"operation":          `<h3 id="exportV2"><a href="#exportV2">Export <span class="version">v2</span></a></h3>`,
		"description":        "<p>Starts <em>one</em>.</p>",
		"referred parameter": `<code>_type</code> <span class="type">query</span>`,
		"values":             "<p>Always <code>ExplanationOfBenefit</code></p>",
		"bearer by default":  "<code>Authorization: Bearer …</code>",
		"basic":              "<code>Authorization: Basic …</code>",
		"form":               "<code>scope=a+b&client_id=0oa2t0lsrdZw5uWRx297</code>",
		"token command":      `curl -i -X POST "http://ab2d.example.org/oauth2/server7/v1/token?scope=clientCreds" \` + "\n" + `    -H "Authorization: Basic ${AUTH}"`,
		"export command": `curl -i "http://ab2d.example.org/api/v2/fhir/Patient/\$export?_type=ExplanationOfBenefit&_typeFilter=E%3Fservice-date%3Dge2023" \` + "\n" +
			`    -H "Authorization: Bearer ${BEARER_TOKEN}"`,
		"body command":     "--data '{\n  \"resourceType\": \"Parameters\"\n}'",
		"head command":     `curl -I "http://ab2d.example.org/api/v2/fhir/metadata"<`,
		"header":           `For example <code>http://ab2d.example.org/api/v2/fhir/Job/1</code>`,
		"shared response":  `<a class="type" href="#response-Bad">Bad</a>`,
		"its own section":  `<h3 id="response-Bad"><a href="#response-Bad">Bad</a></h3>`,
		"example in order": "{\n  \"token_type\": \"Bearer\",\n  \"expires_in\": 3600\n}",
		"nested field":     `<code>issue[].code</code> <span class="must">required</span>`,
		"link to a schema": `<a href="#schema-Outcome">Outcome</a>`,
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
