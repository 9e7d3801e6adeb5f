package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// download is a file that people save.
type download struct {
	contentType, name string
	body              []byte
}

// downloads are all of them, by their addresses.
func (s *Site) downloads() (map[string]download, error) {
	files := map[string]download{"/docs/data-dictionary.csv": {contentType: "text/csv; charset=utf-8", name: "ab2d-data-dictionary.csv", body: dictionaryCSV}}
	names := map[*reference]string{&s.reference: "ab2d", &s.admin: "ab2d-admin"}
	if s.AccountAPI != nil {
		names[&s.account] = "ab2d-account"
	}
	for ref, name := range names {
		body, err := ref.postman(s)
		if err != nil {
			return nil, fmt.Errorf("write the Postman collection: %w", err)
		}
		files[ref.Base+"/postman.json"] = download{contentType: "application/json", name: name + ".postman_collection.json", body: body}
	}
	return files, s.attachments(files)
}

// attachments adds the files that documents give to their readers: those in a folder.
func (s *Site) attachments(files map[string]download) error {
	return fs.WalkDir(s.Docs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Dir(name) == "." || path.Ext(name) == ".md" {
			return err
		}
		body, err := fs.ReadFile(s.Docs, name)
		if err != nil {
			return fmt.Errorf("read the documents: %w", err)
		}
		files["/docs/"+name] = download{contentType: "text/plain; charset=utf-8", name: path.Base(name), body: body}
		return nil
	})
}

// save sends a file, with this server's address in it.
func (s *Site) save(w http.ResponseWriter, r *http.Request, f download) {
	origin, ok := s.origin(r)
	if !ok {
		http.Error(w, badHost, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	pairs := append(s.concealed(), documentOrigin, origin)
	s.send(w, r, f.contentType, []byte(strings.NewReplacer(pairs...).Replace(string(f.body))))
}

// The parts of a Postman collection, format 2.1, that are used here.
type (
	collection struct {
		Info     collectionInfo `json:"info"`
		Auth     *postmanAuth   `json:"auth,omitempty"`
		Variable []pair         `json:"variable"`
		Item     []folder       `json:"item"`
	}
	collectionInfo struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Schema      string `json:"schema"`
	}
	pair struct {
		Key      string `json:"key"`
		Value    string `json:"value"`
		Disabled bool   `json:"disabled,omitzero"`
	}
	postmanAuth struct {
		Type   string `json:"type"`
		Bearer []pair `json:"bearer,omitempty"`
		Basic  []pair `json:"basic,omitempty"`
	}
	folder struct {
		Name string        `json:"name"`
		Item []postmanItem `json:"item"`
	}
	postmanItem struct {
		Name    string         `json:"name"`
		Event   []postmanEvent `json:"event,omitempty"`
		Request postmanRequest `json:"request"`
	}
	postmanEvent struct {
		Listen string        `json:"listen"`
		Script postmanScript `json:"script"`
	}
	postmanScript struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	postmanRequest struct {
		Method string       `json:"method"`
		Auth   *postmanAuth `json:"auth,omitempty"`
		Header []pair       `json:"header"`
		URL    postmanURL   `json:"url"`
		Body   *postmanBody `json:"body,omitempty"`
	}
	postmanURL struct {
		Raw      string   `json:"raw"`
		Host     []string `json:"host"`
		Path     []string `json:"path"`
		Query    []pair   `json:"query,omitempty"`
		Variable []pair   `json:"variable,omitempty"`
	}
	postmanBody struct {
		Mode       string         `json:"mode"`
		Raw        string         `json:"raw,omitempty"`
		URLEncoded []pair         `json:"urlencoded,omitempty"`
		Options    jsontext.Value `json:"options,omitempty"`
	}
)

// postman is the reference as a Postman collection. Its variables are the address, the
// credentials and the token; the request for a token keeps the token, and a kick-off the
// job, for the requests after it.
func (r *reference) postman(s *Site) ([]byte, error) {
	c := collection{
		Info:     collectionInfo{Name: r.Title, Description: "Made from the OpenAPI document. Set the variables of the collection first.", Schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		Auth:     &postmanAuth{Type: "bearer", Bearer: []pair{{Key: "token", Value: "{{token}}"}}},
		Variable: []pair{{Key: "origin", Value: documentOrigin}, {Key: "token"}},
	}
	if r.Base == "/reference" {
		var id, secret string
		if len(s.Sponsors) > 0 { // which are published
			own := newSponsor(s.Sponsors[0])
			id, secret = own.ClientID, own.Secret
		}
		c.Variable = append(c.Variable, pair{Key: "clientId", Value: id}, pair{Key: "clientSecret", Value: secret}, pair{Key: "authServer", Value: s.AuthServer}, pair{Key: "job"})
	}
	for _, g := range r.Groups {
		f := folder{Name: g.Name}
		for _, o := range g.Operations {
			f.Item = append(f.Item, o.postman())
		}
		c.Item = append(c.Item, f)
	}
	return json.Marshal(c, jsontext.WithIndent("  "))
}

// postman is an operation as a request.
func (o operation) postman() postmanItem {
	name := o.Summary
	if v := o.Version(); v != "" {
		name += " (" + v + ")"
	}
	item := postmanItem{Name: name, Request: postmanRequest{Method: o.Method, Header: []pair{}, URL: o.postmanURL()}}
	switch o.Access {
	case "":
		item.Request.Auth = &postmanAuth{Type: "noauth"}
	case "Basic":
		item.Request.Auth = &postmanAuth{Type: "basic", Basic: []pair{{Key: "username", Value: "{{clientId}}"}, {Key: "password", Value: "{{clientSecret}}"}}}
		item.Event = onAnswer(`if (pm.response.code === 200) pm.collectionVariables.set("token", pm.response.json().access_token);`)
	}
	for _, p := range o.Parameters {
		if p.In == "header" {
			item.Request.Header = append(item.Request.Header, pair{Key: p.Name, Value: p.Example, Disabled: p.Name != "Prefer" && !p.Required})
		}
	}
	if strings.HasSuffix(o.Path, "/$export") {
		item.Event = onAnswer(`const at = pm.response.headers.get("Content-Location");`, `if (at) pm.collectionVariables.set("job", at.split("/Job/")[1].split("/")[0]);`)
	}
	if len(o.Body) > 0 && o.Access != "Basic" {
		kind, _, _ := strings.Cut(o.Body[0].Type, ",")
		item.Request.Header = append(item.Request.Header, pair{Key: "Content-Type", Value: kind})
		item.Request.Body = &postmanBody{Mode: "raw", Raw: o.bodyText, Options: jsontext.Value(`{"raw":{"language":"json"}}`)}
	}
	return item
}

// onAnswer runs a script when the answer is there.
func onAnswer(lines ...string) []postmanEvent {
	return []postmanEvent{{Listen: "test", Script: postmanScript{Type: "text/javascript", Exec: lines}}}
}

// postmanURL has the examples of the parameters. Those that are not required are off.
func (o operation) postmanURL() postmanURL {
	u := postmanURL{Host: []string{"{{origin}}"}}
	for _, part := range strings.Split(strings.TrimPrefix(o.Path, "/"), "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			part = ":" + strings.TrimSuffix(name, "}")
		}
		u.Path = append(u.Path, part)
	}
	u.Raw = "{{origin}}/" + strings.Join(u.Path, "/")
	var query []string
	for _, p := range o.Parameters {
		switch p.In {
		case "path":
			value := p.Example
			if p.Name == "job" || p.Name == "authServer" {
				value = "{{" + p.Name + "}}"
			}
			u.Variable = append(u.Variable, pair{Key: p.Name, Value: value})
		case "query":
			on := p.Required || o.Access == "Basic" || p.Name == "_type" || p.Name == "_outputFormat"
			u.Query = append(u.Query, pair{Key: p.Name, Value: p.Example, Disabled: !on})
			if on {
				query = append(query, p.Name+"="+url.QueryEscape(p.Example))
			}
		}
	}
	if len(query) > 0 {
		u.Raw += "?" + strings.Join(query, "&")
	}
	return u
}
