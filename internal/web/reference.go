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

// reference is the reference of an API, read from its OpenAPI document.
type reference struct {
	Base      string // the path of its first page
	Name      string // for people: API reference
	Title     string
	Tokens    string // what Authorization has: access token, admin token
	OpenAPI   string // the path of the document, if everybody may read it
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
	Scopes                    string // that an admin token needs
	Parameters                []field
	Body                      []content
	Responses                 []answer
	Samples                   []sample
	bodyText                  string // of the samples
}

// Head tells whether it gives the headers of a GET, whose page is enough for a list.
func (g group) Head(o operation) bool {
	return o.Method == http.MethodHead && slices.ContainsFunc(g.Operations, func(other operation) bool { return other.Method == http.MethodGet && other.Path == o.Path })
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

// content is a body. Types are those that it is sent as, with commas.
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
	view    view
	replace *strings.Replacer
	One     operation // that a page is about
}

// Schema is the way to a schema.
func (l local) Schema(name string) string { return l.view.To(l.Base+"/schemas") + "#schema-" + name }

// Response is the way to a response that operations share.
func (l local) Response(name string) string {
	return l.view.To(l.Base+"/schemas") + "#response-" + name
}

// Operation is the way to an operation.
func (l local) Operation(o operation) string { return l.view.To(l.Base + "/" + o.ID) }

// Of says whose reference it is: sponsors, operators or account.
func (l local) Of() string {
	switch l.Base {
	case adminBase:
		return "operators"
	case accountBase:
		return "account"
	}
	return "sponsors"
}

// The paths of the first pages of the references beside that of the API.
const (
	adminBase   = "/reference/admin"
	accountBase = "/reference/account"
)

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

// referencePages adds the pages of a reference: the list of operations, a page for
// each, and one for what they share.
func (s *Site) referencePages(pages map[string]page, ref reference) {
	show := func(o operation) func(*http.Request, view) any {
		return func(_ *http.Request, v view) any { return s.local(ref, v, o) }
	}
	pages[ref.Base] = page{template: "reference", title: ref.Name, body: show(operation{})}
	pages[ref.Base+"/schemas"] = page{template: "schemas", title: "Schemas, " + ref.Name, body: show(operation{})}
	for _, g := range ref.Groups {
		for _, o := range g.Operations {
			name := o.Summary
			if v := o.Version(); v != "" {
				name += " (" + v + ")"
			}
			pages[ref.Base+"/"+o.ID] = page{template: "operation", title: name, body: show(o)}
		}
	}
}

// local puts what is this server's into a reference, and takes out what is the
// sandbox's where this is none.
func (s *Site) local(ref reference, v view, o operation) local {
	pairs := append(s.concealed(), documentOrigin, template.HTMLEscapeString(v.Origin), documentAuthServer, s.AuthServer)
	return local{reference: ref, view: v, replace: strings.NewReplacer(pairs...), One: o}
}

// newReference reads an OpenAPI document. base is the path of its first page.
func newReference(source []byte, base string) (reference, error) {
	doc := openAPI{markdown: newMarkdown()}
	if err := json.Unmarshal(source, &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
		return reference{}, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	doc.prefix = doc.pathPrefix()
	ref := reference{Base: base, Name: "API reference", Title: doc.Info.Title, Tokens: "an access token", OpenAPI: "/openapi.json"}
	switch base {
	case adminBase:
		ref.Name, ref.Tokens, ref.OpenAPI = "Administration API", "an admin token", ""
	case accountBase:
		ref.Name, ref.Tokens, ref.OpenAPI = "Account API", "an access token with the scope account", "/account/v1/openapi.yaml"
	}
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
			o, err := doc.operation(strings.ToUpper(m.Name), doc.prefix+p.Name, m.Value)
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
	o := operation{ID: a.OperationID, Method: method, Path: path, Summary: a.Summary}
	o.Access, o.Scopes = doc.access(a)
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
	err = doc.samples(&o, a)
	return o, err
}

// access tells what an operation's security asks for, and the scopes of an admin
// token.
func (doc *openAPI) access(a apiOperation) (kind, scopes string) {
	security := doc.Security
	if a.Security != nil {
		security = *a.Security
	}
	for _, s := range security {
		for name, needs := range s {
			switch name {
			case "basic":
				return "Basic", ""
			case "admin":
				return "Bearer", strings.Join(needs, ", ")
			}
			return "Bearer", ""
		}
	}
	return "", ""
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
		if last := len(out) - 1; last >= 0 && out[last].Schema == item.Schema && slices.Equal(out[last].Examples, item.Examples) {
			out[last].Type += ", " + item.Type // the same body under two names is shown once
			continue
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
