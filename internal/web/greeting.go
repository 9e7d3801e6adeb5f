package web

import (
	"bytes"
	"net/http"
	"text/template"

	"ab2d/internal/obs"
)

// greeting is what a terminal shows of /.
var greeting = template.Must(template.New("greeting").Parse(`ab2d {{.Version}}{{if .Sandbox}}, a sandbox with synthetic claims{{end}}: Medicare claims data to Part D sponsors

  Tutorial      open {{.Origin}}/ in a browser
  Client        ab2d export --url {{.Origin}}{{if .Sandbox}} --sponsor {{.Sponsor}}{{else}} --auth-file auth.base64{{end}}
  API           {{.Origin}}/api/v2/fhir/metadata
  OpenAPI       {{.Origin}}/openapi.json
  Health        {{.Origin}}/health
`))

// greet answers who asks for / without a browser, in a few lines of text.
func (s *Site) greet(w http.ResponseWriter, r *http.Request) {
	origin, ok := s.origin(r)
	if !ok {
		http.Error(w, badHost, http.StatusBadRequest)
		return
	}
	facts := struct {
		Version, Origin, Sponsor string
		Sandbox                  bool
	}{Version: s.Version, Origin: origin, Sandbox: len(s.Sponsors) > 0}
	if facts.Sandbox {
		facts.Sponsor = s.Sponsors[0].Name
	}
	var b bytes.Buffer
	if err := greeting.Execute(&b, facts); err != nil {
		s.Log.Error("write the greeting", "request", obs.RequestID(r.Context()), "error", err)
		http.Error(w, "The text cannot be shown.", http.StatusInternalServerError)
		return
	}
	s.send(w, r, "text/plain; charset=utf-8", b.Bytes())
}

// send sends what was made for an answer.
func (s *Site) send(w http.ResponseWriter, r *http.Request, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	if _, err := w.Write(b); err != nil {
		s.Log.Debug("send a page", "request", obs.RequestID(r.Context()), "error", err)
	}
}
