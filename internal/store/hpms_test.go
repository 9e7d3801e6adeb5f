package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/store"
)

// says is what HPMS says of a contract: a day, "no", or "" for nothing.
func says(number, sponsor, status string) store.UpstreamContract {
	u := store.UpstreamContract{Number: number, Sponsor: sponsor}
	switch status {
	case "":
	case "no":
		u.Statement = coverage.Statement{Known: true, Day: coverage.DateOf(2025, time.June, 30)}
	default:
		day, err := coverage.ParseDay(status)
		if err != nil {
			panic(err)
		}
		u.Statement = coverage.Statement{Known: true, Attested: true, Day: day}
	}
	return u
}

// newSync is a store with contracts that are attested 2020-03-01, or not.
func newSync(t *testing.T, open opener) *claims {
	c := newClaims(t, open)
	c.ok(c.PutContracts(t.Context(), []coverage.Contract{{Number: contract, Sponsor: "PDP"}}, true))
	march := coverage.DateOf(2020, time.March, 1)
	c.ok(c.ImportContracts(t.Context(), []coverage.Contract{
		{Number: "S0001", Sponsor: "Acme", Attested: march, HasAttested: true},
		{Number: "S0002", Sponsor: "Acme", Attested: march, HasAttested: true},
		{Number: "S0003", Sponsor: "Acme", Attested: march, HasAttested: true},
		{Number: "S0004", Sponsor: "Acme"},
		{Number: "S0005", Sponsor: "Acme", Attested: march, HasAttested: true},
	}, false))
	return c
}

func TestSyncContracts(t *testing.T) { each(t, testSyncContracts) }

// testSyncContracts: what HPMS says is counted, stored and recorded; what it does not say
// changes nothing; and to say it again changes nothing.
func testSyncContracts(t *testing.T, open opener) {
	c := newSync(t, open)
	c.ok(c.PutContracts(t.Context(), []coverage.Contract{{Number: "S0005", Sponsor: "Acme"}}, true)) // by an operator
	list := []store.UpstreamContract{
		says("S0009", "New", "2026-01-15"), says("S0001", "Acme", "no"), says("S0002", "Acme Inc.", "2020-03-01"),
		says("S0004", "Acme", "2025-01-01"), says("S0005", "Acme", "2020-03-01"), says("S0008", "New", ""),
	}
	want := []string{
		"lapsed S0001 2020-03-01 none", "changed S0002 2020-03-01 2020-03-01", "changed S0004 none 2025-01-01",
		"new S0008 none none", "new S0009 none 2026-01-15",
	}
	check := func(when string, r store.SyncResult, want []string, unchanged int) {
		t.Helper()
		var got []string
		for _, ch := range r.Changes {
			got = append(got, fmt.Sprintf("%s %s %s %s", ch.Kind, ch.Contract, dayOf(ch.Before), dayOf(ch.After)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", when, diff)
		}
		if diff := cmp.Diff([]string{"S0003"}, r.Absent); diff != "" || r.Unchanged != unchanged || r.Silent != 1 || len(r.Held) != 1 || r.Held[0] != "S0005" {
			t.Errorf("%s: %+v %s", when, r, diff)
		}
	}
	dry, err := c.SyncContracts(t.Context(), list, store.SyncOptions{DryRun: true, MaxLapse: 100})
	c.ok(err)
	check("dry run", dry, want, 0)
	if one, err := c.Contract(t.Context(), "S0001"); err != nil || !one.HasAttested {
		t.Error("a dry run changed a contract")
	}
	done, err := c.SyncContracts(t.Context(), list, store.SyncOptions{MaxLapse: 100})
	c.ok(err)
	check("run", done, want, 0)
	again, err := c.SyncContracts(t.Context(), list, store.SyncOptions{})
	c.ok(err)
	check("again", again, nil, 5)
	returned, err := c.SyncContracts(t.Context(), []store.UpstreamContract{says("S0001", "Acme", "2026-01-01"), list[2], list[4], says("S0008", "New", "")}, store.SyncOptions{SetAside: []string{"S0004", "S0009"}})
	c.ok(err)
	check("returned", returned, []string{"returned S0001 none 2026-01-01"}, 2)
	var details []string
	for l, err := range c.Links(t.Context(), 0) {
		c.ok(err)
		if body := string(l.Body); strings.Contains(body, "as HPMS says") || strings.Contains(body, string(audit.ContractSponsor)) {
			details = append(details, body[strings.Index(body, `"event"`):])
		}
	}
	if len(details) != 5 {
		t.Errorf("%d audit entries: %v", len(details), details)
	}
}

func dayOf(c coverage.Contract) string {
	if !c.HasAttested {
		return "none"
	}
	return c.Attested.String()
}

func TestSyncContracts_Guard(t *testing.T) { each(t, testSyncContractsGuard) }

// testSyncContractsGuard: of four attested contracts, one may lapse if a quarter may, and
// two may not. Contracts that HPMS must not touch do not count.
func testSyncContractsGuard(t *testing.T, open opener) {
	c := newSync(t, open)
	one := []store.UpstreamContract{says("S0001", "Acme", "no")}
	two := []store.UpstreamContract{says("S0001", "Acme", "no"), says("S0002", "Acme", "no"), says("S0007", "New", "")}
	var guard *store.LapseError
	for _, o := range []store.SyncOptions{{MaxLapse: 24.9}, {MaxLapse: 24.9, DryRun: true}, {}} {
		if _, err := c.SyncContracts(t.Context(), one, o); !errors.As(err, &guard) || guard.Attested != 4 {
			t.Errorf("%+v: got %v, want *LapseError", o, err)
		}
	}
	r, err := c.SyncContracts(t.Context(), two, store.SyncOptions{MaxLapse: 25})
	if !errors.As(err, &guard) || len(guard.Contracts) != 2 || r.Count(store.ContractLapsed) != 2 || !strings.Contains(err.Error(), "2 of 4 attested contracts would lapse at once, and 25 % is allowed: [S0001 S0002]") {
		t.Errorf("%v, %+v", err, r)
	}
	if _, err := c.Contract(t.Context(), "S0007"); err == nil {
		t.Error("what was stopped was stored in part")
	}
	c.ok(c.SetHPMS(t.Context(), "S0001", false))
	r, err = c.SyncContracts(t.Context(), two, store.SyncOptions{MaxLapse: 34}) // one of three
	c.ok(err)
	if r.Manual != 1 || r.Count(store.ContractLapsed) != 1 {
		t.Errorf("%+v", r)
	}
	r, err = c.SyncContracts(t.Context(), two[2:], store.SyncOptions{})
	c.ok(err)
	if diff := cmp.Diff([]string{"S0003", "S0005"}, r.Absent); diff != "" {
		t.Error(diff)
	}
	if con, err := c.Contract(t.Context(), "S0001"); err != nil || !con.HasAttested {
		t.Error("HPMS changed a contract that it must not touch")
	}
	c.ok(c.SetHPMS(t.Context(), "S0001", true))
	_, err = c.SyncContracts(t.Context(), two, store.SyncOptions{Force: true})
	c.ok(err)
	if con, err := c.Contract(t.Context(), "S0001"); err != nil || con.HasAttested {
		t.Errorf("forced: %+v, %v", con, err)
	}
}

func TestSyncContracts_AtTheSameTime(t *testing.T) { each(t, testSyncContractsAtTheSameTime) }

// testSyncContractsAtTheSameTime: two runs and an operator at once do not fail, and record
// each change once: no event repeats the one before it.
func testSyncContractsAtTheSameTime(t *testing.T, open opener) {
	c := newSync(t, open)
	list := func(day string) (list []store.UpstreamContract) {
		for n := range 30 { // more contracts take longer
			list = append(list, says(fmt.Sprintf("S%04d", n), "Acme", day))
		}
		return list
	}
	var group errgroup.Group
	for n := range 4 {
		group.Go(func() error {
			for round := range 6 {
				if n == 3 {
					con := coverage.Contract{Number: "S0001", Sponsor: "Acme", Attested: coverage.DateOf(2024, time.May, round), HasAttested: true}
					if err := c.PutContracts(t.Context(), []coverage.Contract{con}, true); err != nil {
						return err
					}
					continue
				}
				if _, err := c.SyncContracts(t.Context(), list(fmt.Sprintf("2025-01-%02d", 1+round)), store.SyncOptions{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.ok(group.Wait())
	history, err := c.AttestationHistory(t.Context(), "S0001", 100)
	c.ok(err)
	for i := 1; i < len(history); i++ {
		if history[i].Effective == history[i-1].Effective {
			t.Errorf("event %d repeats the one before it: %+v", i+1, history[i])
		}
	}
	if len(history) < 4 {
		t.Errorf("only %d events", len(history))
	}
}
