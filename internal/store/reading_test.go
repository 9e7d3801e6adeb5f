package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/store"
)

// TestReadings: the queue, as workers take a job, fail at it and end it.
func TestReadings(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		ctx, clock := t.Context(), exporttest.NewClock()
		db := open(t, clock.Now)
		want := obs.Readings{Jobs: jobs("", 0), Expiring: []obs.Expiring{{Within: "7d"}, {Within: "30d"}}}
		check := func(what string) {
			t.Helper()
			r, err := db.Readings(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if r.Database < 4096 || r.Database > 1<<30 {
				t.Errorf("%s: the database has %d bytes", what, r.Database)
			}
			want.Database, want.AuditNumber = r.Database, r.AuditNumber
			if d := cmp.Diff(&want, r); d != "" {
				t.Errorf("%s: -want +got\n%s", what, d)
			}
		}
		check("an empty database")
		if err := db.Accept(ctx, &export.Job{ID: "a", Contract: "Z0000", Client: "c", Version: fhir.V2, Request: "r", TransactionTime: clock.Now(), State: export.Accepted}, 1); err != nil {
			t.Fatal(err)
		}
		clock.Add(time.Minute)
		want.Jobs, want.Waiting, want.WaitingAge = jobs("accepted", 1), 1, time.Minute
		check("an accepted job")
		task := lease(t, db)
		want.Waiting, want.WaitingAge = 0, 0
		check("a job that is being planned")
		if err := db.SavePlan(ctx, task.Lease, "s", []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}, {Number: 2, First: 3, Last: 3, Enrollees: 1}}); err != nil {
			t.Fatal(err)
		}
		part := lease(t, db)
		want.Jobs, want.PartsRunning, want.PartsWaiting = jobs("running", 1), 1, 1
		check("a part that is running")
		if err := db.Release(ctx, part.Lease, &export.StepFailure{Text: "no", Pause: time.Second}); err != nil {
			t.Fatal(err)
		}
		want.PartsRunning, want.PartsRetrying, want.Waiting, want.WaitingAge = 0, 1, 1, time.Minute
		check("a part that failed")
		clock.Add(time.Hour)
		if _, err := db.Delete(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		want.Jobs, want.PartsRetrying, want.PartsWaiting, want.Waiting, want.WaitingAge = jobs("cancelled", 1), 0, 0, 0, 0
		check("a canceled job")
	})
}

// jobs counts n jobs in a state, and none in the others.
func jobs(state string, n int64) (counts []obs.Count) {
	for _, s := range []string{"accepted", "running", "completed", "failed", "cancelled", "expired"} {
		c := obs.Count{State: s}
		if s == state {
			c.N = n
		}
		counts = append(counts, c)
	}
	return counts
}

func lease(t *testing.T, db *store.DB) *export.Task {
	t.Helper()
	task, err := db.Lease(t.Context(), "w", "", 15*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestReadingsOfWhatExpires: a client loses access only if nothing else lets it in.
func TestReadingsOfWhatExpires(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		ctx, clock := context.Background(), exporttest.NewClock()
		db := open(t, clock.Now)
		in := func(days int) auth.Secret {
			return auth.Secret{ID: "s", Hash: "h", Created: clock.Now(), Expires: clock.Now().Add(time.Duration(days) * 24 * time.Hour)}
		}
		for id, c := range map[string]auth.Client{
			"soon": {Secrets: []auth.Secret{in(3)}}, "later": {Secrets: []auth.Secret{in(20)}}, "never": {Secrets: []auth.Secret{{ID: "s", Hash: "h"}}},
			"rotated": {Secrets: []auth.Secret{in(3), {ID: "n", Hash: "h"}}}, "keys": {Secrets: []auth.Secret{in(3)}, KeysURL: "https://example.org/keys"},
			"expired": {Secrets: []auth.Secret{in(-1)}},
		} {
			c.ID, c.Contract, c.Enabled = id, "Z0000", true
			if err := db.AddClient(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.AddAdminToken(ctx, store.AdminToken{ID: "t", Name: "n", Scopes: []string{"read"}, Created: clock.Now(), Expires: clock.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		created := clock.Now().Truncate(time.Millisecond)
		if _, err := db.AddKey(ctx, auth.StoredKey{ID: "k", Sealed: "x", Created: created}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		r, err := db.Readings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := []obs.Expiring{{Within: "7d", Secrets: 3, LosingClients: 1, AdminTokens: 1}, {Within: "30d", Secrets: 4, LosingClients: 2, AdminTokens: 1}}
		if d := cmp.Diff(want, r.Expiring); d != "" || !r.SigningKey.Equal(created) {
			t.Errorf("%s, signing key of %s", d, r.SigningKey)
		}
	})
}
