package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"ab2d/internal/admin"
	"ab2d/internal/fhir"
)

// TestContractsByAdministrators.
func TestContractsByAdministrators(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("contract", "read")
	var c admin.Contract
	s.admin(token, "PUT", "/contracts/S1234", `{"sponsor":"Acme Health"}`).to(t, http.StatusOK, &c)
	s.admin(token, "PUT", "/contracts/S1235", `{"sponsor":"Acme Health"}`).to(t, http.StatusOK, &c)
	if c.Attested != "" || c.Sponsor != "Acme Health" {
		t.Errorf("%+v", c)
	}
	s.admin(token, "POST", "/contracts/S1234/attest", `{"date":"2025-12-01"}`).to(t, http.StatusOK, &c)
	s.admin(token, "PUT", "/contracts/S1234", `{"sponsor":"Acme"}`).to(t, http.StatusOK, &c)
	if c.Attested != "2025-12-01" || c.Sponsor != "Acme" {
		t.Errorf("%+v", c)
	}
	var e admin.Effect
	s.admin(token, "POST", "/contracts/S1234/unattest", "").to(t, http.StatusOK, &e)
	c = admin.Contract{}
	s.admin(token, "PATCH", "/contracts/S1234", `{"hpms":false}`).to(t, http.StatusOK, &c)
	if c.Attested != "" || !e.Done || c.HPMS {
		t.Errorf("%+v %+v", c, e)
	}
	var events []string
	for _, h := range c.History {
		events = append(events, fmt.Sprintf("%s %s %s by %s", h.Event, h.Effective, h.Source, h.Actor))
	}
	want := "[attested 2025-12-01 operator by admin alice withdrawn " + s.clock.Now().UTC().Format(time.DateOnly) + " operator by admin alice]"
	if got := fmt.Sprint(events); got != want {
		t.Errorf("got the history %s, want %s", got, want)
	}
	var list []admin.Contract
	s.admin(token, "GET", "/contracts", "").to(t, http.StatusOK, &list)
	for _, one := range list {
		if len(one.History) > 0 || one.HPMS != (one.Number != "S1234") {
			t.Errorf("in the list: %+v", one)
		}
	}
	var sponsors []admin.Sponsor
	s.admin(token, "POST", "/sponsors/Acme%20Health/disable", "").to(t, http.StatusOK, &e)
	s.admin(token, "GET", "/sponsors", "").to(t, http.StatusOK, &sponsors)
	if fmt.Sprint(sponsors) == "" || len(sponsors) != 2 || sponsors[1].Name != "Acme Health" || sponsors[1].Disabled != 1 || sponsors[0].Disabled != 0 {
		t.Errorf("%+v", sponsors)
	}
	s.admin(token, "POST", "/contracts/S1234/attest", `{"date":"2199-01-01"}`).is(t, http.StatusBadRequest, fhir.CodeInvalid, "date")
	s.admin(token, "POST", "/contracts/S9999/attest", "").is(t, http.StatusNotFound, fhir.CodeNotFound)
	s.admin(token, "PUT", "/contracts/nine", "{}").is(t, http.StatusBadRequest, fhir.CodeInvalid, "contract")
}
