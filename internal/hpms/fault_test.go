package hpms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ab2d/internal/hpms"
	"ab2d/internal/hpms/hpmstest"
)

// The paths that faults are of.
const (
	tokens        = "AMMtoken"
	organizations = "orgs/info"
	statuses      = "contracts/status"
)

// TestFaultsPass: after a fault that passes, all is as if nothing had been.
func TestFaultsPass(t *testing.T) {
	for name, fault := range map[string]hpmstest.Fault{
		"408":        {Mode: hpmstest.Status, Status: 408},
		"429":        {Mode: hpmstest.Status, Status: 429, RetryAfter: "30"},
		"500":        {Mode: hpmstest.Status, Status: 500},
		"503":        {Mode: hpmstest.Status, Status: 503, RetryAfter: "Tue, 24 Nov 2026 08:00:30 GMT"},
		"gateway":    {Mode: hpmstest.Page},
		"reset":      {Mode: hpmstest.Reset},
		"broken off": {Mode: hpmstest.Stop},
		"cut":        {Mode: hpmstest.Cut},
	} {
		for _, path := range []string{tokens, organizations, statuses} {
			t.Run(name+" of "+path, func(t *testing.T) {
				w := start(t, nil)
				fault.Path, fault.Times = path, 3
				w.Set(fault)
				r, err := w.sync(hpms.Options{})
				if err != nil || len(r.Contracts) != 4 || r.Rejected != 0 {
					t.Fatalf("%v, %+v", err, r)
				}
				pauses := 3
				if fault.Mode == hpmstest.Reset && path != tokens {
					pauses-- // the transport tries a connection that was used before once more itself
				}
				if len(w.pauses) != pauses || fault.Status == 429 && w.pauses[0] != 30*time.Second || fault.Status == 500 && fmt.Sprint(w.pauses) != "[1s 2s 4s]" {
					t.Errorf("pauses of %v", w.pauses)
				}
				quiet(t, w.log.String())
			})
		}
	}
}

// quiet fails if a text has a secret, or what the server wrote.
func quiet(t *testing.T, s string) {
	t.Helper()
	for _, word := range []string{hpmstest.Secret, "token-of-hpms", "text of the server", "back soon"} {
		if strings.Contains(s, word) {
			t.Errorf("%q is in %s", word, s)
		}
	}
}

// TestFaultsStay: a fault that does not pass ends the run after as many calls as make
// sense, with an error that says what to do, and nothing is stored.
func TestFaultsStay(t *testing.T) {
	for name, c := range map[string]struct {
		fault hpmstest.Fault
		kind  hpms.Kind
		text  string
		calls int
	}{
		"key denied":       {hpmstest.Fault{Mode: hpmstest.Status, Status: 403, Path: tokens}, hpms.Denied, "HPMS answered 403; the key is wrong or has expired", 1},
		"key fails":        {hpmstest.Fault{Mode: hpmstest.Status, Status: 500, Path: tokens}, hpms.Failed, "HPMS also answers so to a wrong key", 4},
		"token is no JSON": {hpmstest.Fault{Mode: hpmstest.Page, Path: tokens}, hpms.Malformed, "it is not a token in JSON", 4},
		"denied":           {hpmstest.Fault{Mode: hpmstest.Status, Status: 403, Path: organizations}, hpms.Denied, "orgs/info of HPMS (denied): HPMS answered 403", 2},
		"wrong token":      {hpmstest.Fault{Mode: hpmstest.Forget, Path: organizations}, hpms.Denied, "HPMS answered 401", 4},
		"not there":        {hpmstest.Fault{Mode: hpmstest.Status, Status: 404, Path: organizations}, hpms.Refused, "HPMS answered 404", 2},
		"429 for an hour":  {hpmstest.Fault{Mode: hpmstest.Status, Status: 429, RetryAfter: "3600", Path: organizations}, hpms.Busy, "HPMS answered 429", 2},
		"503":              {hpmstest.Fault{Mode: hpmstest.Status, Status: 503, Path: organizations}, hpms.Busy, "HPMS answered 503", 5},
		"gateway":          {hpmstest.Fault{Mode: hpmstest.Page, Path: organizations}, hpms.Malformed, "it is not a list in JSON", 5},
		"broken off":       {hpmstest.Fault{Mode: hpmstest.Stop, Path: organizations}, hpms.Cut, "it ends in the middle", 5},
		"cut":              {hpmstest.Fault{Mode: hpmstest.Cut, Path: organizations}, hpms.Cut, "it ends in the middle", 5},
		"slow":             {hpmstest.Fault{Mode: hpmstest.Slow, Path: organizations}, hpms.Late, "no answer in time", 5},
		"big":              {hpmstest.Fault{Mode: hpmstest.Big, Path: organizations}, hpms.TooLong, "longer than 65536 bytes", 2},
		"redirect":         {hpmstest.Fault{Mode: hpmstest.Redirect, Path: tokens}, hpms.Refused, "HPMS answered 307", 1},
		"reset":            {hpmstest.Fault{Mode: hpmstest.Reset, Path: organizations}, hpms.Lost, "the connection broke", 6}, // one is the transport's own
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, func(config *hpms.Config) {
				config.Tries, config.MaxBytes = 4, 64<<10
				if c.kind == hpms.Late {
					config.Deadline = time.Second
				}
			})
			w.Set(c.fault)
			_, err := w.sync(hpms.Options{})
			var e *hpms.Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			if got := len(w.Requests()); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
			w.is("S0001", "none")
			quiet(t, w.log.String()+err.Error())
		})
	}
}

// TestStatusFails: one status that cannot be read sets its contract aside, as it is
// stored; many end the run. AB2D takes each of them for a lapse.
func TestStatusFails(t *testing.T) {
	w := start(t, func(c *hpms.Config) { c.Tries, c.MaxFailures = 2, 2 })
	if _, err := w.sync(hpms.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]hpmstest.Fault{
		"500":   {Mode: hpmstest.Status, Status: 500, Path: statuses, Skip: 1, Times: 2}, // of the second contract
		"404":   {Mode: hpmstest.Status, Status: 404, Path: statuses, Skip: 1, Times: 1},
		"cut":   {Mode: hpmstest.Cut, Path: statuses, Skip: 1, Times: 2},
		"other": {Mode: hpmstest.Other, Path: statuses, Skip: 1, Times: 1},
	} {
		w.Set(fault)
		r, err := w.sync(hpms.Options{Force: true})
		if err != nil || r.Rejected != 1 || fmt.Sprint(r.SetAside) != "[S0002]" || len(r.Changes)+len(r.Absent) != 0 || r.Unchanged != 3 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
		w.is("S0002", "2024-01-15")
	}
	w.Set(hpmstest.Fault{Mode: hpmstest.Empty, Path: statuses}) // nothing is known of any
	if r, err := w.sync(hpms.Options{Force: true}); err != nil || r.Silent != 4 || len(r.Changes) != 0 {
		t.Errorf("%v, %+v", err, r)
	}
	w.Set(hpmstest.Fault{Mode: hpmstest.Status, Status: 500, Path: statuses})
	if _, err := w.sync(hpms.Options{Force: true}); err == nil || !strings.Contains(err.Error(), "status of contract S0003, after 2 that failed") {
		t.Errorf("got %v", err)
	}
	w.is("S0001", "2020-03-01")
}

// TestToken: one token is used for a run, is replaced when it has lived four fifths of its
// life or is refused, and its cookies are sent back. The secret goes nowhere else.
func TestToken(t *testing.T) {
	w := start(t, nil)
	asked := func() (n int) {
		for _, r := range w.Requests() {
			if strings.Contains(r.Path, tokens) {
				n++
			}
			if strings.Contains(fmt.Sprint(r.Header), hpmstest.Secret) {
				t.Error("the secret is in a header")
			}
		}
		return n
	}
	for _, c := range []struct {
		wait  time.Duration
		fault hpmstest.Fault
		want  int
	}{{0, hpmstest.Fault{}, 1}, {47 * time.Minute, hpmstest.Fault{}, 0}, {2 * time.Minute, hpmstest.Fault{}, 1}, {0, hpmstest.Fault{Mode: hpmstest.Forget, Path: statuses, Times: 1}, 1}} {
		if err := w.sleep(t.Context(), c.wait); err != nil {
			t.Fatal(err)
		}
		w.Set(c.fault)
		if _, err := w.sync(hpms.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != c.want {
			t.Errorf("after %s and %+v: asked for %d tokens, want %d", c.wait, c.fault, got, c.want)
		}
	}
	wrong := start(t, func(c *hpms.Config) { c.KeySecret = "hunter2-hunter2" })
	_, err := wrong.sync(hpms.Options{})
	var e *hpms.Error
	if !errors.As(err, &e) || e.Kind != hpms.Denied || e.Status != http.StatusForbidden || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// TestSync_Stopped: a context that ends is the error, at once.
func TestSync_Stopped(t *testing.T) {
	w := start(t, nil)
	w.Set(hpmstest.Fault{Mode: hpmstest.Slow, Path: organizations})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := hpms.Sync(ctx, w.db, w.client, hpms.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(w.pauses) != 0 {
		t.Error("it was tried again")
	}
}

// TestNew: what the client cannot work with is refused, and no secret is quoted.
func TestNew(t *testing.T) {
	good := hpms.Config{Base: "https://hpms.example", KeyID: "id", KeySecret: "hunter2"}
	for want, change := range map[string]func(*hpms.Config){
		"":                          func(*hpms.Config) {},
		"must begin with https":     func(c *hpms.Config) { c.Base = "http://hpms.example" },
		"host and a path only":      func(c *hpms.Config) { c.Base = "https://me:hunter2@hpms.example" },
		"not a URL with a host":     func(c *hpms.Config) { c.Base = "hpms.example" },
		"id of the key is missing":  func(c *hpms.Config) { c.KeyID = "" },
		"than printable ASCII":      func(c *hpms.Config) { c.KeyID = "a\nb" },
		"secret of the key is miss": func(c *hpms.Config) { c.KeySecret = "" },
		"negative":                  func(c *hpms.Config) { c.Tries = -1 },
	} {
		c := good
		change(&c)
		_, err := hpms.New(c)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: got %v", want, err)
		}
	}
}
