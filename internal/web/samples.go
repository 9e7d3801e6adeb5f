package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sample is an operation as a program in a language. Class is the language for style
// sheets and scripts.
type sample struct{ Language, Class, Text string }

// call is what a sample sends.
type call struct {
	method, address string // with the query
	token           string // what Authorization has: Bearer, Basic or nothing
	headers         [][2]string
	body            string
}

// samples shows an operation in each language, with the examples of its parameters.
func (doc *openAPI) samples(o *operation, a apiOperation) error {
	c := call{method: o.Method, token: o.Access}
	path, query := o.Path, []string{}
	for _, p := range o.Parameters {
		switch {
		case p.In == "path" && p.Example != "":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", p.Example)
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", strings.ToUpper(p.Name))
		case p.In == "query" && p.Example != "":
			query = append(query, p.Name+"="+url.QueryEscape(p.Example))
		case p.In == "header" && p.Name == "Prefer" && p.Example != "":
			c.headers = append(c.headers, [2]string{p.Name, p.Example})
		}
	}
	c.address = documentOrigin + path
	if len(query) > 0 {
		c.address += "?" + strings.Join(query, "&")
	}
	if len(o.Body) > 0 && strings.Contains(o.Body[0].Type, "json") {
		kind, _, _ := strings.Cut(o.Body[0].Type, ",")
		c.headers = append(c.headers, [2]string{"Content-Type", kind})
		if len(o.Body[0].Examples) > 0 {
			c.body = o.Body[0].Examples[0].Text
		} else {
			text, err := doc.exampleBody(a)
			if err != nil {
				return err
			}
			c.body = text
		}
	}
	o.bodyText = c.body
	o.Samples = []sample{{"curl", "curl", c.curl()}, {"Python", "python", c.python()}, {"Go", "go", c.golang()}, {"PowerShell", "powershell", c.powershell()}}
	return nil
}

// exampleBody makes a body of the schema, for operations without an example.
func (doc *openAPI) exampleBody(a apiOperation) (string, error) {
	body, err := component(doc.Components.RequestBodies, a.RequestBody.Ref, *a.RequestBody)
	if err != nil {
		return "", err
	}
	v, err := doc.exampleOf("", body.Content[0].Value.Schema, 0)
	if err != nil {
		return "", err
	}
	return exampleText(v)
}

// exampleOf is a value of a schema: its example, its first value, or one of its type.
func (doc *openAPI) exampleOf(name string, s apiSchema, depth int) (jsontext.Value, error) {
	own, err := component(doc.Components.Schemas, s.Ref, s)
	if err != nil || depth > 8 {
		return jsontext.Value("null"), err
	}
	switch {
	case own.Example != nil:
		return own.Example, nil
	case own.Default != nil:
		return own.Default, nil
	case len(own.Enum) > 0:
		return own.Enum[0], nil
	case own.Type == "array" && own.Items != nil:
		v, err := doc.exampleOf(name, *own.Items, depth+1)
		return jsontext.Value("[" + string(v) + "]"), err
	case own.Type == "object":
		return doc.exampleObject(own, depth)
	case own.Type == "boolean":
		return jsontext.Value("true"), nil
	case own.Type == "integer", own.Type == "number":
		return jsontext.Value("1"), nil
	case own.Format == "date":
		return jsontext.Value(`"2026-01-31"`), nil
	case own.Format == "date-time":
		return jsontext.Value(`"2026-01-31T00:00:00Z"`), nil
	}
	return json.Marshal(strings.ToUpper(name))
}

// exampleObject has the fields that an object must have, or all if it must have none.
func (doc *openAPI) exampleObject(s apiSchema, depth int) (jsontext.Value, error) {
	var parts []string
	for _, p := range s.Properties {
		if len(s.Required) > 0 && !slices.Contains(s.Required, p.Name) || p.Value.Type == "object" {
			continue
		}
		v, err := doc.exampleOf(p.Name, p.Value, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		parts = append(parts, strconv.Quote(p.Name)+":"+string(v))
	}
	return jsontext.Value("{" + strings.Join(parts, ",") + "}"), nil
}

// variables are what the samples call the credentials, by what Authorization has.
var variables = map[string]string{"Basic": "AUTH", "Bearer": "BEARER_TOKEN"}

// curl is for bash. $ is escaped within the double quotes.
func (c call) curl() string {
	options := map[string]string{"GET": "-i", "HEAD": "-I"}[c.method]
	if options == "" {
		options = "-i -X " + c.method
	}
	lines := []string{fmt.Sprintf(`curl %s "%s"`, options, strings.ReplaceAll(c.address, "$", `\$`))}
	if c.token != "" {
		lines = append(lines, fmt.Sprintf(`-H "Authorization: %s ${%s}"`, c.token, variables[c.token]))
	}
	for _, h := range c.headers {
		lines = append(lines, fmt.Sprintf(`-H "%s: %s"`, h[0], h[1]))
	}
	if c.body != "" {
		lines = append(lines, "--data '"+strings.ReplaceAll(c.body, "'", `'\''`)+"'")
	}
	return strings.Join(lines, " \\\n    ")
}

// python uses requests.
func (c call) python() string {
	var headers []string
	if c.token != "" {
		headers = append(headers, fmt.Sprintf(`"Authorization": "%s " + os.environ["%s"]`, c.token, variables[c.token]))
	}
	for _, h := range c.headers {
		headers = append(headers, fmt.Sprintf("%q: %q", h[0], h[1]))
	}
	lines := []string{fmt.Sprintf("%q", c.method), fmt.Sprintf("%q", c.address)}
	if len(headers) > 0 {
		lines = append(lines, "headers={"+strings.Join(headers, ", ")+"}")
	}
	if c.body != "" {
		lines = append(lines, `data=r"""`+c.body+`""".encode()`)
	}
	lines = append(lines, "timeout=60")
	imports := "import requests\n"
	if c.token != "" {
		imports = "import os\nimport requests\n"
	}
	return imports + "\nresponse = requests.request(\n    " + strings.Join(lines, ",\n    ") + ",\n)\nprint(response.status_code, dict(response.headers))\nprint(response.text)"
}

// golang is a complete program.
func (c call) golang() string {
	imports := []string{"fmt", "io", "log", "net/http", "os"}
	body := "nil"
	if c.body != "" {
		imports = append(imports, "strings")
		body = "strings.NewReader(`" + strings.ReplaceAll(c.body, "`", "`+\"`\"+`") + "`)"
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for _, i := range imports {
		fmt.Fprintf(&b, "\t%q\n", i)
	}
	fmt.Fprintf(&b, ")\n\nfunc main() {\n\trequest, err := http.NewRequest(%q, %q, %s)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", c.method, c.address, body)
	if c.token != "" {
		fmt.Fprintf(&b, "\trequest.Header.Set(\"Authorization\", \"%s \"+os.Getenv(%q))\n", c.token, variables[c.token])
	}
	for _, h := range c.headers {
		fmt.Fprintf(&b, "\trequest.Header.Set(%q, %q)\n", h[0], h[1])
	}
	b.WriteString("\tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdefer response.Body.Close()\n" +
		"\tfmt.Println(response.Status, response.Header)\n\tif _, err := io.Copy(os.Stdout, response.Body); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}")
	return b.String()
}

// powershell is for Windows PowerShell 5.1 and PowerShell 7.
func (c call) powershell() string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	var b strings.Builder
	if c.body != "" {
		b.WriteString("$Body = @'\n" + c.body + "\n'@\n")
	}
	method := c.method[:1] + strings.ToLower(c.method[1:])
	lines := []string{"$Response = Invoke-WebRequest -UseBasicParsing -Method " + method, "-Uri " + quote(c.address)}
	var headers []string
	if c.token != "" {
		headers = append(headers, fmt.Sprintf(`Authorization = "%s $%s"`, c.token, map[string]string{"Basic": "Auth", "Bearer": "Token"}[c.token]))
	}
	for _, h := range c.headers {
		if h[0] == "Content-Type" {
			lines = append(lines, "-ContentType "+quote(h[1])+" -Body $Body")
			continue
		}
		headers = append(headers, h[0]+" = "+quote(h[1]))
	}
	if len(headers) > 0 {
		lines = append(lines, "-Headers @{ "+strings.Join(headers, "; ")+" }")
	}
	b.WriteString(strings.Join(lines, " `\n    ") + "\n$Response.StatusCode\n$Response.Content")
	return b.String()
}
