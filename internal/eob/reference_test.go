package eob

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"ab2d/internal/fhir"
)

// The reference does what a Minimizer does, slowly and in the most obvious
// way: jsontext reads the claim strictly into a tree, and a set of full paths
// says which leaves stay.

// member is a field of an object: its name, and the name as it is written.
type member struct {
	name, raw string
	value     any // []member, []any or scalar
}

// scalar is a string, number or literal as it is written.
type scalar struct {
	kind jsontext.Kind
	raw  string
}

// parse reads one JSON value and nothing after it.
func parse(raw []byte) (any, error) {
	if len(raw) > MaxSize {
		return nil, errors.New("too large")
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("after the value: %w", err)
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{', '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		if d.StackDepth() > MaxDepth {
			return nil, errors.New("too deep")
		}
		if kind, _ := d.StackIndex(d.StackDepth()); kind == '{' {
			return parseObject(d)
		}
		return parseArray(d)
	}
	raw, err := d.ReadValue()
	return scalar{raw.Kind(), string(raw)}, err
}

func parseObject(d *jsontext.Decoder) (any, error) {
	members := []member{}
	for d.PeekKind() != '}' {
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m := member{name: unquote(string(raw)), raw: string(raw)}
		if m.value, err = parseValue(d); err != nil {
			return nil, err
		}
		if members = append(members, m); len(members) > MaxFields {
			return nil, errors.New("too many fields")
		}
	}
	_, err := d.ReadToken()
	return members, err
}

func parseArray(d *jsontext.Decoder) (any, error) {
	values := []any{}
	for d.PeekKind() != ']' {
		v, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	_, err := d.ReadToken()
	return values, err
}

func unquote(raw string) string {
	b, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		panic(err) // the decoder has accepted it
	}
	return string(b)
}

// leaves has the full path of every leaf that stays, such as
// .item[].extension[]<url>.valueCoding.code, and what it is.
func leaves(v fhir.Version) map[string]shape {
	all := map[string]shape{}
	for _, table := range tables(v) {
		for _, e := range table {
			for _, path := range spell(e) {
				addLeaves(all, path, e.holds)
			}
		}
	}
	return all
}

func addLeaves(all map[string]shape, path string, s shape) {
	if _, ok := parts[s]; !ok {
		all[path] = s
	}
	for _, p := range parts[s] {
		addLeaves(all, path+"."+p.path, p.holds)
	}
}

// spell writes an element's path in full, once for each it stands for.
func spell(e element) []string {
	before, name, isExtension := strings.Cut("."+e.path, "extension[")
	if !isExtension {
		return []string{before}
	}
	name = strings.TrimSuffix(name, "]")
	if !strings.HasPrefix(name, "http") {
		name = "https://bluebutton.cms.gov/resources/variables/" + name
	}
	names := []string{name}
	if stem, last, ok := strings.Cut(name, "1.."); ok {
		names = nil
		for i := 1; len(names) == 0 || !strings.HasSuffix(names[len(names)-1], stem+last); i++ {
			names = append(names, stem+strconv.Itoa(i))
		}
	}
	for i := range names {
		names[i] = before + "extension[]<" + names[i] + ">." + extensionValue[e.holds]
	}
	return names
}

// reference applies an allow-list.
type reference struct {
	leaves map[string]shape
	stays  func(path string, object any) bool // decides on what is left of an object
	refers func(path, to string) bool         // decides on a text; nil if all stay
}

// references has those of the versions. With every, what decides about objects by
// their values is left out, because all of them count for substance use.
func references(v fhir.Version, every bool) reference {
	r := reference{leaves: allLeaves[v], stays: func(string, any) bool { return true }}
	switch {
	case every:
	case v == fhir.V2:
		r.stays = func(path string, object any) bool { return path != ".supportingInfo[]" || hasDRG(object) }
	case v == fhir.V3:
		r.stays, r.refers = staysV3, refersV3
	}
	return r
}

var allLeaves = map[fhir.Version]map[string]shape{fhir.V1: leaves(fhir.V1), fhir.V2: leaves(fhir.V2), fhir.V3: leaves(fhir.V3)}

var primitive = map[jsontext.Kind]shape{'"': text, '0': number, 't': boolean, 'f': boolean}

// keep writes what stays of a value; nothing if nothing does.
func (r reference) keep(path string, value any) string {
	switch v := value.(type) {
	case scalar:
		if s := r.leaves[path]; s == object || s != primitive[v.kind] || r.refers != nil && s == text && !r.refers(path, unquote(v.raw)) {
			return ""
		}
		return v.raw
	case []any:
		return r.keepArray(path, v)
	}
	return r.keepObject(path, value.([]member))
}

func (r reference) keepArray(path string, values []any) string {
	var kept []string
	for _, v := range values {
		p := path + "[]"
		if strings.HasSuffix(path, "extension") {
			p += "<" + urlOf(v) + ">"
		}
		if k := r.keep(p, v); k != "" {
			kept = append(kept, k)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return "[" + strings.Join(kept, ",") + "]"
}

// urlOf gives the url of an extension.
func urlOf(v any) string {
	members, _ := v.([]member)
	for _, m := range members {
		if s, ok := m.value.(scalar); ok && m.name == "url" && s.kind == '"' {
			return unquote(s.raw)
		}
	}
	return ""
}

func (r reference) keepObject(path string, members []member) string {
	var kept []string
	values := 0
	for _, m := range members {
		k := r.keep(path+"."+m.name, m.value)
		isURL := strings.HasSuffix(path, ">") && m.name == "url" && urlOf(members) != ""
		if isURL {
			k = m.value.(scalar).raw
		}
		if k == "" {
			continue
		}
		kept = append(kept, m.raw+":"+k)
		if !isURL {
			values++
		}
	}
	whole := "{" + strings.Join(kept, ",") + "}"
	if values == 0 || !r.stays(path, tree(whole)) {
		return ""
	}
	return whole
}

// hasDRG tells whether supporting information is a diagnosis related group.
func hasDRG(info any) bool {
	return slices.ContainsFunc(codes(info, "code", "coding"), func(c pair) bool {
		return strings.EqualFold(c.system, "https://bluebutton.cms.gov/resources/variables/clm_drg_cd")
	})
}
