package bfd_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/fhir"
)

// TestPing: a server that is well is so in all versions, and one call finds out.
func TestPing(t *testing.T) {
	w := start(t)
	c := w.client(t, nil)
	for _, v := range fhir.Versions() {
		if err := c.Ping(t.Context(), v); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		if r := w.Requests(); len(r) != 1 || r[0].Path != "/"+v.String()+"/fhir/metadata" {
			t.Errorf("%s: %d calls", v, len(r))
		}
	}
	// The base URL of another version has another release of FHIR.
	crossed := w.client(t, func(c *bfd.Config) { c.Bases[fhir.V1], c.Bases[fhir.V2] = c.Bases[fhir.V2], c.Bases[fhir.V1] })
	for _, v := range []fhir.Version{fhir.V1, fhir.V2} {
		if err := crossed.Ping(t.Context(), v); !errors.Is(err, bfd.ErrInactive) {
			t.Errorf("%s: %v", v, err)
		}
	}
	old := w.client(t, func(c *bfd.Config) { delete(c.Bases, fhir.V3) })
	if err := old.Ping(t.Context(), fhir.V3); err == nil || !strings.Contains(err.Error(), "v3 has no base URL") {
		t.Error(err)
	}
}

// TestPingFaults: a failure is told at once, without another try.
func TestPingFaults(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		mode bfdtest.Mode
		kind bfd.Kind
		is   error
	}{
		{bfdtest.Status, bfd.Busy, nil}, {bfdtest.Reset, bfd.Lost, nil}, {bfdtest.Page, bfd.Malformed, nil}, {bfdtest.Redirect, bfd.Refused, nil},
		{bfdtest.Stop, bfd.Cut, nil}, {bfdtest.Cut, bfd.Cut, nil}, {bfdtest.Tail, bfd.Cut, nil}, {bfdtest.Slow, bfd.Late, nil},
		{bfdtest.Inactive, 0, bfd.ErrInactive}, {bfdtest.Unproven, bfd.Denied, nil},
	} {
		w.Set(bfdtest.Fault{Mode: c.mode, Status: 503})
		w.Requests()
		client := w.client(t, func(config *bfd.Config) { config.Deadline = 200 * time.Millisecond })
		err := client.Ping(t.Context(), fhir.V3)
		if err == nil || kindOf(err) != c.kind || c.is != nil && !errors.Is(err, c.is) || !strings.HasPrefix(err.Error(), "ask for the metadata of the server: ") {
			t.Errorf("mode %d: %v", c.mode, err)
		}
		if n := len(w.Requests()); n != 1 {
			t.Errorf("mode %d: %d calls", c.mode, n)
		}
	}
}

// TestPingBounds: a CapabilityStatement without an end is not read to the end, and a
// Bundle is none.
func TestPingBounds(t *testing.T) {
	for body, kind := range map[string]bfd.Kind{
		`{"resourceType":"CapabilityStatement","status":"` + strings.Repeat("x", 5<<20) + `"}`: bfd.TooLong,
		`{"resourceType":"Bundle","status":"active"}`:                                          bfd.Malformed,
		`[]`: bfd.Malformed, ``: bfd.Cut, `{"resourceType":"CapabilityStatement","status":"active"}`: 0,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		client, err := bfd.New(bfd.Config{Bases: map[fhir.Version]string{fhir.V2: server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Ping(t.Context(), fhir.V2); kindOf(err) != kind || (err == nil) != (kind == 0) {
			t.Errorf("%.60s: %v", body, err)
		}
		server.Close()
	}
}

// TestPingBreaker: a ping finds out whether a server that was left alone is back.
func TestPingBreaker(t *testing.T) {
	w := start(t)
	c := w.client(t, func(c *bfd.Config) { c.BreakAfter, c.Cooldown = 2, time.Minute })
	w.Set(bfdtest.Fault{Mode: bfdtest.Status, Status: 500})
	for _, want := range []bfd.Kind{bfd.Failed, bfd.Failed, 0} {
		if err := c.Ping(t.Context(), fhir.V2); err == nil || kindOf(err) != want || (want == 0) != errors.Is(err, bfd.ErrOpen) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	w.Set(bfdtest.Fault{})
	_ = w.clock.Sleep(t.Context(), time.Minute)
	if err := c.Ping(t.Context(), fhir.V2); err != nil {
		t.Error(err)
	}
}
