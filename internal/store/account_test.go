package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// TestAccount: what the account of a sponsor reads and changes.
func TestAccount(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		clock := exporttest.NewClock()
		db := open(t, clock.Now) // one for all, as each has a contract of its own
		for name, test := range map[string]func(*testing.T, *store.DB, *exporttest.Clock){"requests": accountRequests, "networks": operatorNetworks, "entries": entriesOf, "jobs": listBefore} {
			t.Run(name, func(t *testing.T) { test(t, db, clock) })
		}
	})
}

// accountRequests: what clients ask operators for waits, one of a kind, until it is
// decided once.
func accountRequests(t *testing.T, db *store.DB, clock *exporttest.Clock) {
	for _, id := range []string{"a", "b"} {
		if err := db.AddClient(t.Context(), auth.Client{ID: id, Contract: "S1001", Enabled: true, MaxJobs: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range []string{"a networks", "a keysUrl", "b networks", "a networks"} {
		clock.Add(time.Second)
		if err := db.AddAccountRequest(t.Context(), store.AccountRequest{ID: fmt.Sprint("R", i), Client: r[:1], Contract: "S1001", Kind: r[2:], Wanted: json.RawMessage(`{"n":1}`)}, "wish"); err != nil {
			t.Fatal(err)
		}
	}
	listed(t, db, "a", "", "R3 waiting", "R1 waiting", "R0 withdrawn")
	listed(t, db, "", store.RequestWaiting, "R3 waiting", "R2 waiting", "R1 waiting")
	decided(t, db)
	listed(t, db, "", "", "R3 approved", "R2 rejected", "R1 waiting", "R0 withdrawn")
	r, err := db.AccountRequest(t.Context(), "R2")
	if err != nil || r.Reason != "no" || r.DecidedBy != "admin alice" || r.Decided.IsZero() || string(r.Wanted) != `{"n":1}` {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := db.AccountRequest(t.Context(), "R9"); !errors.Is(err, store.ErrNoRequest) {
		t.Errorf("one that is not there: %v", err)
	}
}

// decided approves R3, and rejects R2.
func decided(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := audit.With(t.Context(), &audit.Facts{Actor: "admin alice"})
	refusal := errors.New("it cannot be")
	approve := func(id string, fault error) error {
		_, err := db.DecideAccountRequest(ctx, id, store.RequestApproved, "", audit.Entry{Event: audit.RequestApproved}, func(r *store.AccountRequest, c *auth.Client) error {
			c.MaxJobs += len(r.Wanted)
			return fault
		})
		return err
	}
	if err := approve("R3", refusal); !errors.Is(err, refusal) {
		t.Errorf("a change that fails: %v", err)
	}
	listed(t, db, "a", store.RequestWaiting, "R3 waiting", "R1 waiting")
	if err := approve("R3", nil); err != nil {
		t.Fatal(err)
	}
	if err := approve("R3", nil); !errors.Is(err, store.ErrNoRequest) {
		t.Errorf("approved twice: %v", err)
	}
	if c, err := db.Client(ctx, "a"); err != nil || c.MaxJobs != 8 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := db.DecideAccountRequest(ctx, "R2", store.RequestRejected, "no", audit.Entry{Event: audit.RequestRejected}, nil); err != nil {
		t.Error(err)
	}
	entries, err := db.EntriesOf(ctx, "S1001", "", 0, 2)
	if err != nil || len(entries) != 2 || eventOf(t, entries[0]).Event != audit.RequestRejected || eventOf(t, entries[1]).Client != "a" {
		t.Errorf("%s, %v", entries, err)
	}
}

// listed holds the requests of a client against those that are wanted.
func listed(t *testing.T, db *store.DB, client string, state store.RequestState, want ...string) {
	t.Helper()
	list, err := db.AccountRequests(t.Context(), client, state, 10)
	var got []string
	for _, r := range list {
		got = append(got, r.ID+" "+string(r.State))
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("requests of %q that are %q: %q, %v, want %q", client, state, got, err, want)
	}
}

func eventOf(t *testing.T, l audit.Link) (e audit.Entry) {
	t.Helper()
	if err := json.Unmarshal(l.Body, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestAccountRequestsAreBounded: a client that asks for ever has the newest 50 stored.
func TestAccountRequestsAreBounded(t *testing.T) {
	clock := exporttest.NewClock()
	db := openDB(t, databases["sqlite"](t), clock.Now)
	for i := range 55 {
		clock.Add(time.Second)
		if err := db.AddAccountRequest(t.Context(), store.AccountRequest{ID: fmt.Sprint("R", i), Client: "a", Contract: "S1001", Kind: "networks", Wanted: json.RawMessage(`{}`)}, ""); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.AccountRequests(t.Context(), "a", "", 100)
	if err != nil || len(list) != 51 || list[0].ID != "R54" || list[50].ID != "R4" {
		t.Errorf("%d, %v", len(list), err)
	}
}

// operatorNetworks: what a client chooses stays within what an operator set, until an
// operator sets it again.
func operatorNetworks(t *testing.T, db *store.DB, _ *exporttest.Clock) {
	wide, narrow, other := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.0/24")
	if err := db.AddClient(t.Context(), auth.Client{ID: "c", Contract: "S1002", Enabled: true, MaxJobs: 1, Networks: []netip.Prefix{wide}}); err != nil {
		t.Fatal(err)
	}
	for what, step := range []struct {
		change         func(*auth.Client)
		networks, most netip.Prefix
	}{
		{func(c *auth.Client) { c.Networks = []netip.Prefix{narrow} }, narrow, wide},
		{func(c *auth.Client) { c.Name = "renamed" }, narrow, wide},
		{func(c *auth.Client) { c.Networks, c.OperatorNetworks = []netip.Prefix{other}, []netip.Prefix{other} }, other, other},
	} {
		if _, err := db.ChangeClient(t.Context(), "c", audit.Entry{Event: audit.ClientChanged}, func(c *auth.Client) error {
			step.change(c)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		c, err := db.Client(t.Context(), "c")
		if err != nil || !slices.Equal(c.Networks, []netip.Prefix{step.networks}) || !slices.Equal(c.OperatorNetworks, []netip.Prefix{step.most}) {
			t.Errorf("step %d: %v within %v, %v", what, c.Networks, c.OperatorNetworks, err)
		}
	}
}

// entriesOf: a contract's entries are found by the contract that they are about, not
// by what they mention, in pages and by event.
func entriesOf(t *testing.T, db *store.DB, _ *exporttest.Clock) {
	head, err := db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []audit.Entry{
		{Event: audit.TokenGranted, Contract: "S1234"}, {Event: audit.TokenGranted, Contract: "S9999", Detail: `{"contract":"S1234"}`}, {Event: audit.Refused, Contract: "S1234"},
		{Event: audit.TokenGranted, Detail: `"contract":"S1234"`}, {Event: audit.TokenGranted, Contract: "S1234"},
	} {
		e.Client = fmt.Sprint(i)
		if err := db.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		contract string
		event    audit.Event
		before   int64
		limit    int
		want     string
	}{
		{"S1234", "", 0, 10, "[4 2 0]"}, {"S1234", "", 0, 2, "[4 2]"}, {"S1234", "", 3, 2, "[0]"}, {"S1234", audit.TokenGranted, 0, 9, "[4 0]"},
		{"S9999", "", 0, 9, "[1]"}, {"", "", 0, 9, "[]"}, {"S1234' or '1'='1", "", 0, 9, "[]"},
	} {
		if c.before > 0 {
			c.before += head.Number // of what was there before
		}
		links, err := db.EntriesOf(t.Context(), c.contract, c.event, c.before, c.limit)
		got := []string{}
		for _, l := range links {
			got = append(got, eventOf(t, l).Client)
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

// listBefore: the jobs of a contract in pages, also where several began at once.
func listBefore(t *testing.T, db *store.DB, clock *exporttest.Clock) {
	var want []string
	for i := range 7 {
		if i%3 == 0 {
			clock.Add(time.Second)
		}
		j := &export.Job{ID: uuid.NewString(), Contract: "S2001", Client: "c", Version: fhir.V2, Request: fmt.Sprint(i), TransactionTime: clock.Now(), State: export.Accepted}
		if i == 3 {
			j.Contract = "S2002"
		}
		if err := db.Accept(t.Context(), j, 9); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.List(t.Context(), "S2001", 100)
	if err != nil || len(all) != 6 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for _, j := range all {
		want = append(want, j.ID)
	}
	var got []string
	for before := ""; ; before = got[len(got)-1] {
		page, err := db.ListBefore(t.Context(), "S2001", before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, j := range page {
			got = append(got, j.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("in pages %v, at once %v", got, want)
	}
	if page, err := db.ListBefore(t.Context(), "S2002", want[0], 2); err != nil || len(page) != 0 {
		t.Errorf("before a job of another contract: %d, %v", len(page), err)
	}
}
