package web

import (
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/dustin/go-humanize"

	"ab2d/internal/synth"
)

// tutorial is what the tutorial and the try page show, for the choice in the
// query string. A script changes the choice without loading the page anew.
type tutorial struct {
	Sponsors   []sponsor
	Chosen     sponsor // without a name in production
	Shell      string  // bash or powershell
	API        string  // v1, v2 or v3
	AuthServer string
	TypeFilter bool // whether an export takes _typeFilter
}

// sponsor is one of the sandbox, with what the tutorial's commands need.
type sponsor struct {
	Name, Contract   string
	Enrollees        int
	ClientID, Secret string
	Auth             string // both, as HTTP Basic wants them
}

// EnrolleesText is their number for people: 10,000.
func (s sponsor) EnrolleesText() string { return humanize.Comma(int64(s.Enrollees)) }

func newSponsor(s synth.Sponsor) sponsor {
	c := s.Credentials[0]
	return sponsor{Name: s.Name, Contract: s.Contract, Enrollees: s.Enrollees, ClientID: c.ID, Secret: c.Secrets[0],
		Auth: base64.StdEncoding.EncodeToString([]byte(c.ID + ":" + c.Secrets[0]))}
}

// concealed are the sandbox's credentials, which documents mention, and what
// stands in their place where this is no sandbox; by turns, for a Replacer.
func (s *Site) concealed() []string {
	if len(s.Sponsors) > 0 {
		return nil
	}
	var pairs []string
	for _, p := range synth.Sponsors() {
		for _, c := range p.Credentials {
			pairs = append(pairs, c.ID, "your-client-id")
			for _, secret := range c.Secrets {
				pairs = append(pairs, secret, "your-secret")
			}
		}
	}
	return pairs
}

// tutorial reads the choice.
func (s *Site) tutorial(r *http.Request, _ view) any {
	q := r.URL.Query()
	t := tutorial{AuthServer: s.AuthServer, Shell: "bash", API: "v1", TypeFilter: s.reference.takes("_typeFilter")}
	if q.Get("shell") == "powershell" {
		t.Shell = "powershell"
	}
	if v := q.Get("api"); v == "v2" || v == "v3" {
		t.API = v
	}
	for i, p := range s.Sponsors {
		own := newSponsor(p)
		t.Sponsors = append(t.Sponsors, own)
		if i == 0 || own.Name == q.Get("sponsor") {
			t.Chosen = own
		}
	}
	return t
}

// fill is a piece of a command that depends on the choice. The scripts find it
// by name.
func fill(name, text string) template.HTML {
	return template.HTML(`<span class="fill" data-fill="` + template.HTMLEscapeString(name) + `">` + template.HTMLEscapeString(text) + `</span>`)
}
