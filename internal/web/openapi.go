package web

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// openAPI is what the reference shows of an OpenAPI 3 document. References to
// components are followed by component.
type openAPI struct {
	markdown   *markdown // of the descriptions
	prefix     string    // of the paths: that of the first server's address
	Servers    []struct{ URL string }
	Info       struct{ Title, Description string }
	Security   []map[string][]string
	Tags       []struct{ Name, Description string }
	Paths      ordered[ordered[apiOperation]] // by path, by method
	Components struct {
		Parameters    ordered[apiParameter]
		Headers       ordered[apiParameter]
		Responses     ordered[apiResponse]
		RequestBodies ordered[apiBody] `json:"requestBodies"`
		Examples      ordered[apiExample]
		Schemas       ordered[apiSchema]
	}
}

// pathPrefix is the path of the first server's address.
func (doc *openAPI) pathPrefix() string {
	if len(doc.Servers) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(doc.Servers[0].URL, documentOrigin), "/")
}

type apiOperation struct {
	Tags        []string
	OperationID string `json:"operationId"`
	Summary     string
	Description string
	Security    *[]map[string][]string
	Parameters  []apiParameter
	RequestBody *apiBody `json:"requestBody"`
	Responses   ordered[apiResponse]
}

// apiParameter is a parameter or a header.
type apiParameter struct {
	Ref         string `json:"$ref"`
	Name, In    string
	Required    bool
	Description string
	Schema      apiSchema
	Example     jsontext.Value
}

type apiBody struct {
	Ref         string `json:"$ref"`
	Description string
	Required    bool
	Content     ordered[apiContent]
}

type apiResponse struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     ordered[apiParameter]
	Content     ordered[apiContent]
}

type apiContent struct {
	Schema   apiSchema
	Example  jsontext.Value
	Examples ordered[apiExample]
}

type apiExample struct {
	Ref     string `json:"$ref"`
	Summary string
	Value   jsontext.Value
}

type apiSchema struct {
	Ref          string `json:"$ref"`
	Type, Format string
	Description  string
	Enum         []jsontext.Value
	Default      jsontext.Value
	Required     []string
	Properties   ordered[apiSchema]
	Example      jsontext.Value
	Items        *apiSchema
}

// ordered is a JSON object that keeps its order.
type ordered[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// UnmarshalJSONFrom reads an object.
func (o *ordered[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if start, err := d.ReadToken(); err != nil || start.Kind() != '{' {
		return fmt.Errorf("at %s: not an object, %w", d.StackPointer(), err)
	}
	for d.PeekKind() != '}' {
		var e named[T]
		if err := json.UnmarshalDecode(d, &e.Name); err != nil {
			return err
		}
		if err := json.UnmarshalDecode(d, &e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	_, err := d.ReadToken()
	return err
}

func (o ordered[T]) get(name string) (T, bool) {
	for _, e := range o {
		if e.Name == name {
			return e.Value, true
		}
	}
	var none T
	return none, false
}

// component follows a reference into one of the kinds of components; an empty
// one gives the value itself.
func component[T any](components ordered[T], ref string, own T) (T, error) {
	if ref == "" {
		return own, nil
	}
	c, ok := components.get(refName(ref))
	if !ok {
		return c, fmt.Errorf("there is no component %s", ref)
	}
	return c, nil
}

// refName is the last part of a reference.
func refName(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// plain is a value as people write it: text without quotes, a list with
// commas, anything else as JSON.
func plain(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return string(v)
		}
		return strings.TrimRight(string(text), "\n")
	case '[':
		var list []jsontext.Value
		if err := json.Unmarshal(v, &list); err != nil {
			return string(v)
		}
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = plain(e)
		}
		return strings.Join(parts, ",")
	}
	return string(v)
}

// exampleText is an example of a body: text as it is, anything else as
// indented JSON.
func exampleText(v jsontext.Value) (string, error) {
	if v.Kind() == '"' {
		return plain(v), nil
	}
	own := v.Clone()
	err := own.Indent(jsontext.WithIndent("  "))
	return string(own), err
}
