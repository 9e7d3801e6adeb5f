package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/store"
)

func TestAttestationHistory(t *testing.T) { each(t, testAttestationHistory) }

// testAttestationHistory: each change of an attestation is an event with who did it and
// from where, and what changes nothing is none.
func testAttestationHistory(t *testing.T, open opener) {
	c := newClaims(t, open)
	const number = "S1234"
	as := func(actor string) context.Context {
		return audit.With(t.Context(), &audit.Facts{Actor: actor})
	}
	march, april := coverage.DateOf(2020, time.March, 1), coverage.DateOf(2020, time.April, 1)
	attested := func(day coverage.Date) []coverage.Contract {
		return []coverage.Contract{{Number: number, Sponsor: "Acme", Attested: day, HasAttested: true}}
	}
	none := []coverage.Contract{{Number: number, Sponsor: "Acme"}}
	hpms := func(s coverage.Statement) {
		t.Helper()
		_, err := c.SyncContracts(as("worker"), []store.UpstreamContract{{Number: number, Sponsor: "Acme", Statement: s}}, store.SyncOptions{Force: true})
		c.ok(err)
	}
	began := c.clock.Now()
	c.ok(c.PutContracts(as("operator ann"), none, false))
	c.ok(c.PutContracts(as("operator ann"), attested(march), false))
	c.ok(c.ImportContracts(as("operator bob"), attested(march), false))
	c.ok(c.ImportContracts(as("operator bob"), attested(april), false))
	hpms(coverage.Statement{})
	hpms(coverage.Statement{Known: true, Attested: true, Day: april})
	hpms(coverage.Statement{Known: true, Day: april + 90})
	hpms(coverage.Statement{Known: true, Day: april + 91})
	hpms(coverage.Statement{Known: true, Attested: true, Day: march})
	c.ok(c.PutContracts(as("admin eve"), none, true))
	hpms(coverage.Statement{Known: true, Attested: true, Day: march})
	got, err := c.AttestationHistory(t.Context(), number, 100)
	c.ok(err)
	today := coverage.DateOf(began.UTC().Date())
	want := []coverage.AttestationEvent{
		{Kind: coverage.AttestationGiven, Effective: march, Source: coverage.FromOperator, Actor: "operator ann", Recorded: began.UTC()},
		{Kind: coverage.AttestationGiven, Effective: april, Source: coverage.FromFile, Actor: "operator bob", Recorded: began.UTC()},
		{Kind: coverage.AttestationLapsed, Effective: april + 90, Source: coverage.FromHPMS, Actor: "worker", Recorded: began.UTC()},
		{Kind: coverage.AttestationGiven, Effective: march, Source: coverage.FromHPMS, Actor: "worker", Recorded: began.UTC()},
		{Kind: coverage.AttestationWithdrawn, Effective: today, Source: coverage.FromOperator, Actor: "admin eve", Recorded: began.UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	newest, err := c.AttestationHistory(t.Context(), number, 2)
	c.ok(err)
	if diff := cmp.Diff(want[3:], newest); diff != "" {
		t.Errorf("the newest two (-want +got)\n%s", diff)
	}
	if other, err := c.AttestationHistory(t.Context(), "S9999", 2); err != nil || len(other) != 0 {
		t.Errorf("of an unknown contract: %v, %v", other, err)
	}
}

func TestAttestationAgainstModel(t *testing.T) { each(t, testAttestationAgainstModel) }

// attestationModel is what a contract should be, told without any history.
type attestationModel struct {
	stored, attested, removedByOperator bool
	day                                 coverage.Date
}

// act draws what happens next, does it to the store, and says it to the model.
func (m *attestationModel) act(t *rapid.T, c *claims, number string) {
	day := coverage.Date(rapid.IntRange(18000, 18003).Draw(t, "day"))
	yes := rapid.Bool().Draw(t, "attested")
	put := func(f func(context.Context, []coverage.Contract, bool) error) {
		contract := coverage.Contract{Number: number, Sponsor: "Acme"}
		if yes {
			contract.Attested, contract.HasAttested = day, true
		}
		if err := f(t.Context(), []coverage.Contract{contract}, true); err != nil {
			t.Fatal(err)
		}
	}
	switch who := rapid.SampledFrom([]string{"operator", "file", "hpms", "hpms", "hpms", "silent"}).Draw(t, "who"); who {
	case "operator", "file":
		if who == "operator" {
			put(c.PutContracts)
		} else {
			put(c.ImportContracts)
		}
		if m.attested && !yes {
			m.removedByOperator = who == "operator"
		}
		m.stored, m.attested, m.day = true, yes, day
	default:
		known := who == "hpms"
		u := store.UpstreamContract{Number: number, Sponsor: "Acme", Statement: coverage.Statement{Known: known, Attested: known && yes, Day: day}}
		if _, err := c.SyncContracts(t.Context(), []store.UpstreamContract{u}, store.SyncOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		m.stored = true
		switch {
		case !known:
		case !yes && m.attested:
			m.attested, m.removedByOperator = false, false
		case yes && (m.attested || !m.removedByOperator):
			m.attested, m.day = true, day
		}
	}
}

// testAttestationAgainstModel: whatever happens in whichever order, a contract is what
// the model says, its list entry and its history say the same, and the history has an
// event for each change and no other.
func testAttestationAgainstModel(t *testing.T, open opener) {
	c := newClaims(t, open)
	next := 0
	rapid.Check(t, func(t *rapid.T) {
		next++
		number := fmt.Sprintf("S%04d", next)
		var m attestationModel
		changes := 0
		for range rapid.IntRange(1, 8).Draw(t, "acts") {
			before := m
			m.act(t, c, number)
			if m.attested != before.attested || m.attested && m.day != before.day {
				changes++
			}
			got, err := c.Contract(t.Context(), number)
			if err != nil {
				t.Fatal(err)
			}
			if got.HasAttested != m.attested || m.attested && got.Attested != m.day {
				t.Fatalf("got %+v, the model is %+v", got, m)
			}
		}
		history, err := c.AttestationHistory(t.Context(), number, 100)
		if err != nil {
			t.Fatal(err)
		}
		day, attested := coverage.Attestation(history)
		if attested != m.attested || attested && day != m.day || len(history) != changes {
			t.Fatalf("the history says %d, %t, and has %d events; the model is %+v with %d changes", day, attested, len(history), m, changes)
		}
	})
}
