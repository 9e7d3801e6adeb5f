package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reference is the API reference, read from the OpenAPI document.
type reference struct {
	Title     string
	About     template.HTML
	Groups    []group
	Responses []answer // that several operations give
	Schemas   []schema
}

// group is the operations of one tag.
type group struct {
	Name        string
	Description template.HTML
	Operations  []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Description               template.HTML
	Access                    string // what has to be sent: Bearer, Basic or nothing
	Parameters                []field
	Body                      []content
	Responses                 []answer
	Curl                      string
}

// Version is the API's version that the operation belongs to, or "".
func (o operation) Version() string {
	rest, ok := strings.CutPrefix(o.Path, "/api/")
	if !ok {
		return ""
	}
	version, _, _ := strings.Cut(rest, "/")
	return version
}

// answer is a response. Where several operations share it, Shared is its name.
type answer struct {
	Status, Shared string
	Description    template.HTML
	Headers        []field
	Contents       []content
}

// Good tells whether the request was understood.
func (a answer) Good() bool { return a.Status < "400" }

type content struct {
	Type, Schema string
	Examples     []example
}

type example struct{ Name, Text string }

// The address and the authorization server that the OpenAPI document has in
// its examples.
const (
	documentOrigin     = "http://localhost:8080"
	documentAuthServer = "aus2r7y3gdaFMKBol297"
)

// local is the reference for one reader: with the server's own address.
type local struct {
	reference
	replace *strings.Replacer
}

// Own is a text with the server's own address in it.
func (l local) Own(text string) string { return l.replace.Replace(text) }

// OwnHTML is the same for HTML: what replaces cannot have markup.
func (l local) OwnHTML(text template.HTML) template.HTML {
	return template.HTML(l.replace.Replace(string(text)))
}

// part is a list of fields or contents, for a template of its own.
type part struct {
	local
	Fields   []field
	Contents []content
}

// With is for the template fields.
func (l local) With(f []field) part { return part{local: l, Fields: f} }

// Show is for the template contents-of.
func (l local) Show(c []content) part { return part{local: l, Contents: c} }

// takes tells whether some operation has a parameter in its query.
func (r reference) takes(parameter string) bool {
	for _, g := range r.Groups {
		for _, o := range g.Operations {
			if slices.ContainsFunc(o.Parameters, func(f field) bool { return f.In == "query" && f.Name == parameter }) {
				return true
			}
		}
	}
	return false
}

// referenceBody puts what is this server's into the document, and takes out
// what is the sandbox's where this is none.
func (s *Site) referenceBody(_ *http.Request, v view) any {
	pairs := append(s.concealed(), documentOrigin, template.HTMLEscapeString(v.Origin), documentAuthServer, s.AuthServer)
	return local{s.reference, strings.NewReplacer(pairs...)}
}

// newReference reads an OpenAPI document.
func newReference(source []byte) (reference, error) {
	doc := openAPI{markdown: newMarkdown()}
	if err := json.Unmarshal(source, &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
		return reference{}, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	ref := reference{Title: doc.Info.Title}
	var err error
	if ref.About, err = doc.markdown.text(doc.Info.Description); err != nil {
		return reference{}, err
	}
	for _, t := range doc.Tags {
		text, err := doc.markdown.text(t.Description)
		if err != nil {
			return reference{}, err
		}
		ref.Groups = append(ref.Groups, group{Name: t.Name, Description: text})
	}
	if err := doc.operations(&ref); err != nil {
		return reference{}, err
	}
	for _, r := range doc.Components.Responses {
		a, err := doc.answer("", apiResponse{Ref: "/" + r.Name})
		if err != nil {
			return reference{}, err
		}
		ref.Responses = append(ref.Responses, a)
	}
	for _, s := range doc.Components.Schemas {
		shape, err := doc.schema(s.Name, s.Value)
		if err != nil {
			return reference{}, err
		}
		ref.Schemas = append(ref.Schemas, shape)
	}
	return ref, nil
}

// operations puts each operation into the group of its tag.
func (doc *openAPI) operations(ref *reference) error {
	for _, p := range doc.Paths {
		for _, m := range p.Value {
			o, err := doc.operation(strings.ToUpper(m.Name), p.Name, m.Value)
			if err != nil {
				return fmt.Errorf("%s %s: %w", m.Name, p.Name, err)
			}
			i := slices.IndexFunc(ref.Groups, func(g group) bool { return slices.Contains(m.Value.Tags, g.Name) })
			if i < 0 {
				return fmt.Errorf("%s %s: its tag %v is not in tags", m.Name, p.Name, m.Value.Tags)
			}
			ref.Groups[i].Operations = append(ref.Groups[i].Operations, o)
		}
	}
	return nil
}

func (doc *openAPI) operation(method, path string, a apiOperation) (operation, error) {
	o := operation{ID: a.OperationID, Method: method, Path: path, Summary: a.Summary, Access: doc.access(a)}
	var err error
	if o.Description, err = doc.markdown.text(a.Description); err != nil {
		return o, err
	}
	for _, p := range a.Parameters {
		f, err := doc.parameter(p, doc.Components.Parameters)
		if err != nil {
			return o, err
		}
		o.Parameters = append(o.Parameters, f)
	}
	if a.RequestBody != nil {
		body, err := component(doc.Components.RequestBodies, a.RequestBody.Ref, *a.RequestBody)
		if err != nil {
			return o, err
		}
		if o.Body, err = doc.contents(body.Content); err != nil {
			return o, err
		}
	}
	for _, r := range a.Responses {
		answer, err := doc.answer(r.Name, r.Value)
		if err != nil {
			return o, err
		}
		o.Responses = append(o.Responses, answer)
	}
	o.Curl = o.curl()
	return o, nil
}

// access tells what an operation's security asks for.
func (doc *openAPI) access(a apiOperation) string {
	security := doc.Security
	if a.Security != nil {
		security = *a.Security
	}
	for _, s := range security {
		for name := range s {
			if name == "basic" {
				return "Basic"
			}
			return "Bearer"
		}
	}
	return ""
}

func (doc *openAPI) parameter(p apiParameter, components ordered[apiParameter]) (field, error) {
	own, err := component(components, p.Ref, p)
	if err != nil {
		return field{}, err
	}
	f, err := doc.field(own.Name, own.Schema, own.Description)
	if err != nil {
		return field{}, err
	}
	f.In, f.Required = own.In, own.Required
	f.Example = plain(own.Example) // of a list: style form, not exploded
	return f, nil
}

func (doc *openAPI) answer(status string, r apiResponse) (answer, error) {
	own, err := component(doc.Components.Responses, r.Ref, r)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: status}
	if r.Ref != "" {
		a.Shared = refName(r.Ref)
	}
	if a.Description, err = doc.markdown.text(own.Description); err != nil {
		return a, err
	}
	for _, h := range own.Headers {
		f, err := doc.parameter(h.Value, doc.Components.Headers)
		if err != nil {
			return a, err
		}
		f.Name = h.Name
		a.Headers = append(a.Headers, f)
	}
	a.Contents, err = doc.contents(own.Content)
	return a, err
}

func (doc *openAPI) contents(all ordered[apiContent]) ([]content, error) {
	var out []content
	for _, c := range all {
		f, err := doc.field("", c.Value.Schema, "")
		if err != nil {
			return nil, err
		}
		item := content{Type: c.Name, Schema: f.Schema}
		examples := c.Value.Examples
		if c.Value.Example != nil {
			examples = ordered[apiExample]{{Value: apiExample{Value: c.Value.Example}}}
		}
		for _, e := range examples {
			own, err := component(doc.Components.Examples, e.Value.Ref, e.Value)
			if err != nil {
				return nil, err
			}
			text, err := exampleText(own.Value)
			if c.Name == formType {
				text, err = formText(own.Value)
			}
			if err != nil {
				return nil, fmt.Errorf("example %s: %w", e.Name, err)
			}
			name := own.Summary
			if name == "" {
				name = e.Name
			}
			item.Examples = append(item.Examples, example{Name: name, Text: text})
		}
		out = append(out, item)
	}
	return out, nil
}

const formType = "application/x-www-form-urlencoded"

// formText is an example of a form as it is sent.
func formText(v jsontext.Value) (string, error) {
	var form ordered[jsontext.Value]
	if err := json.Unmarshal(v, &form); err != nil {
		return "", err
	}
	var pairs []string
	for _, e := range form {
		pairs = append(pairs, url.QueryEscape(e.Name)+"="+url.QueryEscape(plain(e.Value)))
	}
	return strings.Join(pairs, "&"), nil
}

// curl is the operation as a command for bash, with the examples of its
// parameters. $ is escaped within the double quotes.
func (o operation) curl() string {
	path, query := o.Path, []string{}
	for _, p := range o.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", p.Example)
		case p.In == "query" && p.Example != "":
			query = append(query, p.Name+"="+url.QueryEscape(p.Example))
		}
	}
	address := documentOrigin + strings.ReplaceAll(path, "$", `\$`)
	if len(query) > 0 {
		address += "?" + strings.Join(query, "&")
	}
	options := map[string]string{"GET": "-i", "HEAD": "-I"}[o.Method]
	if options == "" {
		options = "-i -X " + o.Method
	}
	lines := []string{fmt.Sprintf(`curl %s "%s"`, options, address)}
	if o.Access != "" {
		lines = append(lines, fmt.Sprintf(`-H "Authorization: %s ${%s}"`, o.Access, map[string]string{"Basic": "AUTH", "Bearer": "BEARER_TOKEN"}[o.Access]))
	}
	if len(o.Body) > 0 && len(o.Body[0].Examples) > 0 && strings.HasSuffix(o.Body[0].Type, "json") {
		lines = append(lines, fmt.Sprintf(`-H "Content-Type: %s"`, o.Body[0].Type), "--data '"+o.Body[0].Examples[0].Text+"'")
	}
	return strings.Join(lines, " \\\n    ")
}
