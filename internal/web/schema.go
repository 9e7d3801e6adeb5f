package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// schema is a shape of JSON, as a list of fields.
type schema struct {
	Name        string
	Description template.HTML
	Fields      []field
}

// field is a field of a schema, a parameter or a header.
type field struct {
	Name        string // of a field: from the schema's top, as output[].url
	In          string // of a parameter: path, query or header
	Type        string
	Schema      string // the schema that Type is, or is an array of
	Required    bool
	Description template.HTML
	Values      []string // the only ones
	Default     string
	Example     string
}

// ShowExample tells whether the example says more than the rest.
func (f field) ShowExample() bool {
	return f.Example != "" && f.Example != f.Default && !slices.Contains(f.Values, f.Example)
}

func (doc *openAPI) schema(name string, s apiSchema) (schema, error) {
	text, err := doc.markdown.text(s.Description)
	if err != nil {
		return schema{}, err
	}
	out := schema{Name: name, Description: text}
	out.Fields, err = doc.fields("", s)
	return out, err
}

// fields lists what an object has, and what the objects in it have.
func (doc *openAPI) fields(prefix string, s apiSchema) ([]field, error) {
	var all []field
	for _, p := range s.Properties {
		f, err := doc.field(prefix+p.Name, p.Value, p.Value.Description)
		if err != nil {
			return nil, err
		}
		f.Required = slices.Contains(s.Required, p.Name)
		all = append(all, f)
		inner, below := p.Value, prefix+p.Name+"."
		if inner.Items != nil {
			inner, below = *inner.Items, prefix+p.Name+"[]."
		}
		more, err := doc.fields(below, inner)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (doc *openAPI) field(name string, s apiSchema, description string) (field, error) {
	text, err := doc.markdown.text(description)
	if err != nil {
		return field{}, fmt.Errorf("%s: %w", name, err)
	}
	f := field{Name: name, Type: typeText(s), Description: text, Values: values(s.Enum), Default: plain(s.Default)}
	switch {
	case s.Ref != "":
		f.Schema = refName(s.Ref)
	case s.Items != nil:
		f.Values = values(s.Items.Enum)
		if s.Items.Ref != "" {
			f.Schema = refName(s.Items.Ref)
		}
	}
	return f, nil
}

func values(enum []jsontext.Value) []string {
	var all []string
	for _, v := range enum {
		all = append(all, plain(v))
	}
	return all
}

// typeText is the type in words.
func typeText(s apiSchema) string {
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case s.Items != nil:
		return "array of " + typeText(*s.Items)
	case s.Format != "" && !strings.HasPrefix(s.Format, "int"):
		return s.Type + ", " + s.Format
	}
	return s.Type
}
