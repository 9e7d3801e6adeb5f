package bfd_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/fhir"
)

// kindOf is the kind of a call's failure; 0 for another error.
func kindOf(err error) bfd.Kind {
	var e *bfd.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// TestFaultsPass: after a fault that passes, the claims are there as if nothing had
// been, and each once. Some fail on the first page, some on the third.
func TestFaultsPass(t *testing.T) {
	w := start(t, fhir.V2)
	id := w.busiest(fhir.V2)
	for name, fault := range map[string]bfdtest.Fault{
		"408":               {Mode: bfdtest.Status, Status: 408},
		"429":               {Mode: bfdtest.Status, Status: 429, RetryAfter: "5"},
		"500":               {Mode: bfdtest.Status, Status: 500, Text: "an unknown error occurred"},
		"502":               {Mode: bfdtest.Status, Status: 502, Text: "<html>"},
		"503":               {Mode: bfdtest.Status, Status: 503, RetryAfter: "Tue, 24 Nov 2026 08:00:30 GMT"},
		"504":               {Mode: bfdtest.Status, Status: 504},
		"reset":             {Mode: bfdtest.Reset},
		"page of a gateway": {Mode: bfdtest.Page},
		"broken off":        {Mode: bfdtest.Stop},
		"cut":               {Mode: bfdtest.Cut},
		"last byte":         {Mode: bfdtest.Tail}, // all claims of a page came, and come again
		"gzip":              {Mode: bfdtest.Gzip},
		"empty":             {Mode: bfdtest.Empty}, // also a page that an earlier one has a link to
	} {
		for _, skip := range []int{0, 2} {
			t.Run(name+" after "+strconv.Itoa(skip), func(t *testing.T) {
				fault.Skip, fault.Times = skip, 3
				w.Set(fault)
				c := w.client(t, func(c *bfd.Config) { c.PageSize = 5 })
				got, r, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: id, Known: true})
				if err != nil {
					t.Fatal(err)
				}
				if want := w.wanted(fhir.V2, id); !slices.Equal(got, want) || r.Count != len(want) {
					t.Errorf("%d claims, want %d", len(got), len(want))
				}
				if !quiet(w.log.String(), id) {
					t.Error("the log names the patient")
				}
			})
		}
	}
}

// TestFaultsStay: a fault that does not pass ends the search, after as many calls as
// make sense, with an error that says which it is and names nobody.
func TestFaultsStay(t *testing.T) {
	w := start(t, fhir.V2)
	id := w.busiest(fhir.V2)
	outcome := `{"resourceType":"OperationOutcome","issue":[{"code":"not-found","diagnostics":"no patient ` + strconv.FormatInt(int64(id), 10) + `"}]}`
	for name, c := range map[string]struct {
		fault bfdtest.Fault
		kind  bfd.Kind
		is    error
		calls int
	}{
		"400":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 400, Text: outcome}, bfd.Refused, nil, 1},
		"401":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 401, Text: "unauthorized"}, bfd.Denied, nil, 1},
		"403":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 403}, bfd.Denied, nil, 1},
		"404":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 404, Text: outcome}, bfd.Refused, nil, 1},
		"405":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 405}, bfd.Refused, nil, 1},
		"500":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 500, Text: outcome}, bfd.Failed, nil, 4},
		"503":             {bfdtest.Fault{Mode: bfdtest.Status, Status: 503}, bfd.Busy, nil, 4},
		"503 for a day":   {bfdtest.Fault{Mode: bfdtest.Status, Status: 503, RetryAfter: "86400"}, bfd.Busy, nil, 1},
		"redirect":        {bfdtest.Fault{Mode: bfdtest.Redirect}, bfd.Refused, nil, 1},
		"reset":           {bfdtest.Fault{Mode: bfdtest.Reset}, bfd.Lost, nil, 4},
		"gateway":         {bfdtest.Fault{Mode: bfdtest.Page}, bfd.Malformed, nil, 4},
		"broken off":      {bfdtest.Fault{Mode: bfdtest.Stop}, bfd.Cut, nil, 4},
		"cut":             {bfdtest.Fault{Mode: bfdtest.Cut}, bfd.Cut, nil, 4},
		"last byte":       {bfdtest.Fault{Mode: bfdtest.Tail}, bfd.Cut, nil, 4},
		"slow":            {bfdtest.Fault{Mode: bfdtest.Slow}, bfd.Late, nil, 4},
		"big":             {bfdtest.Fault{Mode: bfdtest.Big}, bfd.TooLong, nil, 1},
		"empty":           {bfdtest.Fault{Mode: bfdtest.Empty}, 0, bfd.ErrEmpty, 4},
		"empty later":     {bfdtest.Fault{Mode: bfdtest.Empty, Skip: 1}, 0, bfd.ErrEmpty, 5},
		"foreign host":    {bfdtest.Fault{Mode: bfdtest.ForeignLink}, 0, bfd.ErrLink, 1},
		"foreign patient": {bfdtest.Fault{Mode: bfdtest.ForeignPatient}, 0, bfd.ErrLink, 1},
		"same page":       {bfdtest.Fault{Mode: bfdtest.SelfLink}, 0, bfd.ErrLoop, 1},
		"first page":      {bfdtest.Fault{Mode: bfdtest.FirstLink}, 0, bfd.ErrLoop, 2},
		"empty pages":     {bfdtest.Fault{Mode: bfdtest.EmptyPages}, 0, bfd.ErrLoop, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w.Set(c.fault)
			w.Requests()
			w.log.Reset()
			client := w.client(t, func(config *bfd.Config) {
				config.PageSize, config.MaxPageBytes, config.Tries = 5, 1<<20, 4
				if c.kind == bfd.Late {
					config.Deadline = 50 * time.Millisecond
				}
			})
			_, _, err := lines(t, client, bfd.ClaimQuery{Version: fhir.V2, Patient: id, Known: true})
			if err == nil || kindOf(err) != c.kind || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v", err)
			}
			if got := len(w.Requests()); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "search claims of a patient: ") || !quiet(err.Error(), id)) {
				t.Errorf("the error is %v", err)
			}
			if !quiet(w.log.String(), id) {
				t.Error("the log names the patient")
			}
		})
	}
}

// TestEmptyIsDistinct: an empty answer is an error only where something is known,
// and what else the server says then is kept.
func TestEmptyIsDistinct(t *testing.T) {
	for _, v := range fhir.Versions() {
		w := start(t, v)
		w.Set(bfdtest.Fault{Mode: bfdtest.Empty})
		q := bfd.ClaimQuery{Version: v, Patient: w.busiest(v)}
		if _, r, err := lines(t, w.client(t, nil), q); err != nil || r.Count != 0 {
			t.Errorf("%s: %v, %+v", v, err, r)
		}
		q.Known = true
		if _, _, err := lines(t, w.client(t, nil), q); !errors.Is(err, bfd.ErrEmpty) || !bfd.Temporary(err) {
			t.Errorf("%s: %v", v, err)
		}
		q.Since = asOf()
		if _, _, err := lines(t, w.client(t, nil), q); err == nil || errors.Is(err, bfd.ErrEmpty) {
			t.Errorf("%s: bounded: %v", v, err)
		}
	}
}

// TestPauses: the pauses double up to a bound, and are what the server asks for when
// that is longer.
func TestPauses(t *testing.T) {
	w := start(t, fhir.V2)
	c := w.client(t, func(c *bfd.Config) { c.MaxPause = 4 * time.Second })
	for retryAfter, want := range map[string][]time.Duration{
		"":   {time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second},
		"3":  {3 * time.Second, 3 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second},
		"-1": {time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second},
	} {
		w.Set(bfdtest.Fault{Mode: bfdtest.Status, Status: 503, RetryAfter: retryAfter, Times: 5})
		w.clock.pauses = nil
		if _, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.clock.pauses, want) {
			t.Errorf("Retry-After %q: %v", retryAfter, w.clock.pauses)
		}
	}
}

// TestInnerHost: a link that names a known host behind a proxy is followed at the
// configured one.
func TestInnerHost(t *testing.T) {
	w := start(t, fhir.V3)
	w.Set(bfdtest.Fault{Mode: bfdtest.ForeignLink})
	id := w.busiest(fhir.V3)
	c := w.client(t, func(c *bfd.Config) { c.PageSize, c.LinkHosts = 10, []string{"Elsewhere.example"} })
	got, r, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V3, Patient: id})
	if want := w.wanted(fhir.V3, id); err != nil || !slices.Equal(got, want) || r.Pages < 2 || len(w.Requests()) != r.Pages {
		t.Errorf("%v, %d claims of %d, %+v", err, len(got), len(want), r)
	}
}

// TestParametersStay: a link without the parameters that exclude claims does not
// bring them.
func TestParametersStay(t *testing.T) {
	w := start(t, fhir.V2)
	w.Set(bfdtest.Fault{Mode: bfdtest.Bare})
	c := w.client(t, func(c *bfd.Config) { c.PageSize = 50 })
	if _, r, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: w.busiest(fhir.V2)}); err != nil || r.Pages < 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	for _, r := range w.Requests() {
		if r.Query.Get("excludeSAMHSA") != "true" || r.Query.Get("type") == "" || r.Query.Get("patient") == "" {
			t.Errorf("a page was asked for by %v", r.Query)
		}
	}
}

func TestTooManyPages(t *testing.T) {
	w := start(t, fhir.V2)
	c := w.client(t, func(c *bfd.Config) { c.PageSize, c.MaxPages = 1, 3 })
	_, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: w.busiest(fhir.V2)})
	if !errors.Is(err, bfd.ErrPages) || bfd.Temporary(err) || len(w.Requests()) != 3 {
		t.Error(err)
	}
}

// TestBreaker: a host that fails again and again is left alone, for a while, and
// then one call finds out whether it is back.
func TestBreaker(t *testing.T) {
	w := start(t, fhir.V2)
	c := w.client(t, func(c *bfd.Config) { c.Tries, c.BreakAfter, c.Cooldown = 1, 3, time.Minute })
	ask := func(want bfd.Kind, is error, calls int) {
		t.Helper()
		_, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1})
		if kindOf(err) != want || !errors.Is(err, is) || len(w.Requests()) != calls {
			t.Fatalf("got %v", err)
		}
	}
	wait := func(d time.Duration) { _ = w.clock.Sleep(t.Context(), d) }
	w.Set(bfdtest.Fault{Mode: bfdtest.Status, Status: http.StatusInternalServerError})
	for range 3 {
		_, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1})
		if kindOf(err) != bfd.Failed || len(w.Requests()) != 1 {
			t.Fatal(err)
		}
	}
	ask(0, bfd.ErrOpen, 0)
	wait(59 * time.Second)
	ask(0, bfd.ErrOpen, 0)
	wait(time.Second)
	if _, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1}); kindOf(err) != bfd.Failed || len(w.Requests()) != 1 {
		t.Fatal(err)
	}
	ask(0, bfd.ErrOpen, 0)
	w.Set(bfdtest.Fault{})
	ask(0, bfd.ErrOpen, 0)
	wait(time.Minute)
	ask(0, nil, 1)
	ask(0, nil, 1)
}

// TestBreakerDuringTries: when the host is left alone between two tries, the error
// says so, and also why.
func TestBreakerDuringTries(t *testing.T) {
	w := start(t, fhir.V2)
	w.Set(bfdtest.Fault{Mode: bfdtest.Status, Status: http.StatusBadGateway})
	c := w.client(t, func(c *bfd.Config) { c.BreakAfter, c.Cooldown = 2, time.Hour })
	_, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1})
	if !errors.Is(err, bfd.ErrOpen) || kindOf(err) != bfd.Failed || !bfd.Temporary(err) || len(w.Requests()) != 2 {
		t.Error(err)
	}
}

// TestRefusalsDoNotBreak: a request that is refused says nothing against the host.
func TestRefusalsDoNotBreak(t *testing.T) {
	w := start(t, fhir.V2)
	w.Set(bfdtest.Fault{Mode: bfdtest.Status, Status: 404})
	c := w.client(t, func(c *bfd.Config) { c.BreakAfter = 2 })
	for range 5 {
		if _, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1}); kindOf(err) != bfd.Refused {
			t.Fatal(err)
		}
	}
}

// TestRate: calls begin at the distance that was set.
func TestRate(t *testing.T) {
	w := start(t, fhir.V2)
	c := w.client(t, func(c *bfd.Config) { c.PerSecond = 4 })
	for range 5 {
		if _, _, err := lines(t, c, bfd.ClaimQuery{Version: fhir.V2, Patient: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if took := w.clock.Now().Sub(asOf()); took != time.Second {
		t.Errorf("five calls took %s", took)
	}
}
