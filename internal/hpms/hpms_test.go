package hpms_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/hpms"
	"ab2d/internal/hpms/hpmstest"
	"ab2d/internal/store"
)

// world is a stand-in for HPMS behind TLS, a client of it, and a store.
type world struct {
	*testing.T
	*hpmstest.Server
	client *hpms.Client
	db     *store.DB
	log    bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
}

// contracts are what the stand-in holds at first.
func contracts() []hpmstest.Contract {
	return []hpmstest.Contract{
		{Number: "S0001", Sponsor: "Acme", Attested: true, AttestationDate: "2020-03-01 9:05:00"},
		{Number: "S0002", Sponsor: "Acme", Attested: true, AttestationDate: "2024-01-15 23:59:59"},
		{Number: "S0003", Sponsor: "Beta", Attested: false},
		{Number: "S0004", Sponsor: "Beta", NoStatus: true},
	}
}

func start(t *testing.T, adapt func(*hpms.Config)) *world {
	w := &world{T: t, Server: hpmstest.New(contracts()...), now: time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewTLSServer(w.Server)
	t.Cleanup(server.Close)
	c := hpms.Config{
		Base: server.URL, KeyID: hpmstest.KeyID, KeySecret: hpmstest.Secret, Transport: server.Client().Transport, Now: w.time, Sleep: w.sleep,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	if adapt != nil {
		adapt(&c)
	}
	var err error
	if w.client, err = hpms.New(c); err != nil {
		t.Fatal(err)
	}
	if w.db, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), w.time); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// sleep lets the time of the world pass, and no other.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.pauses = append(w.pauses, d)
	return ctx.Err()
}

func (w *world) sync(o hpms.Options) (hpms.Report, error) {
	o.Now = w.time
	return hpms.Sync(audit.With(w.Context(), &audit.Facts{Actor: "worker"}), w.db, w.client, o)
}

// is compares a stored contract with "none", "not attested" or its day.
func (w *world) is(number, want string) {
	w.Helper()
	c, err := w.db.Contract(w.Context(), number)
	got := "not attested"
	switch {
	case err != nil:
		got = "none"
	case c.HasAttested:
		got = c.Attested.String()
	}
	if got != want {
		w.Errorf("%s: got %s, want %s", number, got, want)
	}
}

// text is what a report prints.
func text(t *testing.T, r hpms.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSync: the life of contracts, from run to run.
func TestSync(t *testing.T) {
	w := start(t, nil)
	o := hpms.Options{MaxLapse: 50}
	run := func(want string, change func([]hpmstest.Contract) []hpmstest.Contract) {
		t.Helper()
		w.Put(change(contracts())...)
		r, err := w.sync(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, r); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	same := func(c []hpmstest.Contract) []hpmstest.Contract { return c }
	lapse := func(c []hpmstest.Contract) []hpmstest.Contract {
		c[0].Attested, c[0].EndDate = false, "2026-10-31 23:59:59"
		c[1].Sponsor = "Acme Inc."
		return c
	}
	run("S0001 new: Acme, attested 2020-03-01\nS0002 new: Acme, attested 2024-01-15\nS0003 new: Beta, not attested\nS0004 new: Beta, not attested\n"+
		"4 contracts: 4 new, 0 changed, 0 lapsed, 0 returned, 0 unchanged; 0 records rejected\n1 without a status: the attestation stays as it is\n", same)
	run("4 contracts: 0 new, 0 changed, 0 lapsed, 0 returned, 4 unchanged; 0 records rejected\n1 without a status: the attestation stays as it is\n", same)
	run("S0001 lapsed: attested 2020-03-01 -> not attested\nS0002 changed: attested 2024-01-15, sponsor Acme -> Acme Inc.\n"+
		"4 contracts: 0 new, 1 changed, 1 lapsed, 0 returned, 2 unchanged; 0 records rejected\n1 without a status: the attestation stays as it is\n", lapse)
	w.is("S0001", "not attested")
	run("S0001 returned: not attested -> attested 2026-11-02\n2 contracts: 0 new, 0 changed, 0 lapsed, 1 returned, 1 unchanged; 1 record rejected\n"+
		"[S0002]: attested here, but missing in HPMS's answer; nothing was changed. ab2d admin contract unattest withdraws the attestation\n"+
		"[S0004]: set aside because of a rejected record; nothing was changed\n"+
		"rejected: contract S0004: attestationDate 2026-12-01 is in the future\n", func(c []hpmstest.Contract) []hpmstest.Contract {
		c[0].AttestationDate = "2026-11-02 00:00:00"
		c[3] = hpmstest.Contract{Number: "S0004", Sponsor: "Beta", Attested: true, AttestationDate: "2026-12-01 00:00:00"}
		return []hpmstest.Contract{c[0], c[2], c[3]}
	})
	w.is("S0001", "2026-11-02")
	w.is("S0002", "2024-01-15")
	w.is("S0004", "not attested")
	history, err := w.db.AttestationHistory(t.Context(), "S0001", 9)
	if err != nil || len(history) != 3 || history[1].Effective != coverage.DateOf(2026, time.October, 31) || history[1].Actor != "worker" {
		t.Errorf("%+v, %v", history, err)
	}
}

// TestSync_DryRun: it says what would change, and leaves the store alone.
func TestSync_DryRun(t *testing.T) {
	w := start(t, nil)
	r, err := w.sync(hpms.Options{DryRun: true})
	if err != nil || !strings.Contains(text(t, r), "4 contracts: 4 new, 0 changed, 0 lapsed, 0 returned, 0 unchanged; 0 records rejected (dry run: nothing was changed)\n") {
		t.Errorf("%v: %s", err, text(t, r))
	}
	w.is("S0001", "none")
	for range w.db.Links(t.Context(), 0) {
		t.Error("a dry run is in the audit log")
	}
}

// TestSync_Lapses: many lapses at once are stopped, and so is an answer without
// contracts, which is no lapse of all of them.
func TestSync_Lapses(t *testing.T) {
	w := start(t, nil)
	if _, err := w.sync(hpms.Options{}); err != nil {
		t.Fatal(err)
	}
	lapsed := contracts()
	lapsed[0].Attested = false
	w.Put(lapsed...)
	r, err := w.sync(hpms.Options{MaxLapse: hpms.DefaultMaxLapse})
	if !hpms.Stopped(err) || r.Count(store.ContractLapsed) != 1 || r.Stored || !strings.Contains(text(t, r), "0 records rejected (nothing was changed)") {
		t.Errorf("got %v: %s", err, text(t, r))
	}
	w.is("S0001", "2020-03-01")
	w.Put()
	if _, err := w.sync(hpms.Options{Force: true}); err != hpms.ErrNothing { //nolint:errorlint // it is this one
		t.Errorf("got %v, want ErrNothing", err)
	}
	w.is("S0001", "2020-03-01")
	w.Put(lapsed...)
	if _, err := w.sync(hpms.Options{Force: true}); err != nil {
		t.Error(err)
	}
	w.is("S0001", "not attested")
}

// TestFiles: saved answers say the same as HPMS itself.
func TestFiles(t *testing.T) {
	w := start(t, nil)
	orgs := `[{"contractId":"S0001","parentOrgName":"Acme"},{"contractId":"S0002","parentOrgName":"Acme"},{"contractId":"S0003","parentOrgName":"Beta"},
		{"contractId":"S0003","parentOrgName":"Gamma"},{"contractId":"S0005"}]`
	statuses := `[{"contractId":"S0001","attested":true,"attestationDate":"2020-03-01 9:05:00","endDate":"2026-01-01 00:00:00"}]
		[{"contractId":"S0002","attested":true,"attestationDate":"2021-03-01 9:05:00"},{"contractId":"S0002","attested":false}]
		[{"contractId":"S0003","attested":false},{"contractId":"S0003","attested":false},{"contractId":"S0008","attested":false}]`
	files := hpms.Files{Name: "orgs.json", Organizations: strings.NewReader(orgs), Statuses: strings.NewReader(statuses)}
	r, err := hpms.Sync(t.Context(), w.db, &files, hpms.Options{Now: w.time})
	if err != nil {
		t.Fatal(err)
	}
	want := "S0001 new: Acme, attested 2020-03-01\nS0003 new: Beta, not attested\n" +
		"2 contracts: 2 new, 0 changed, 0 lapsed, 0 returned, 0 unchanged; 4 records rejected\n" +
		"[S0002 S0005]: set aside because of a rejected record; nothing was changed\n" +
		"[S0001]: attested although the contract has ended; the attestation holds until HPMS says otherwise\n" +
		"rejected: organization 5: contract S0005: parentOrgName, orgMarketingName and contractName are empty\n" +
		"rejected: contract S0003: it has two organizations in the answer; the first one is taken\n" +
		"rejected: contract S0002: it has two statuses that differ\n" +
		"rejected: contract S0008: it has a status, but no organization\n"
	if got := text(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for source, want := range map[string]string{"[": "organizations: it ends in the middle", "<html>": "organizations: it is not a list"} {
		_, err := hpms.Sync(t.Context(), w.db, &hpms.Files{Organizations: strings.NewReader(source)}, hpms.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
}
