package api_test

import (
	"net/http"
	"testing"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/auth"
)

// TestOneClientsRateLeavesOthersAlone: when a client has used up its requests of all
// kinds, another client still has all of its own.
func TestOneClientsRateLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	c := newContract(newServer(t, func(s *server) { s.workers = 0 }))
	const factor = 0.01 // 30 polls and downloads, 3 lists, 1 change in a row
	s := newServer(t, func(s *server) { s.workers = 0; s.config.RateFactor = factor })
	refused := func(client string) (n int) {
		token := "Authorization: Bearer " + s.token(client, auth.Scope)
		for _, o := range c.operations("/api/v2/") {
			if !o.public && s.ask("", o, token).status == http.StatusTooManyRequests {
				n++
			}
		}
		return n
	}
	alone := refused(one)
	for range 40 {
		refused(one)
	}
	private := 0
	for _, o := range c.operations("/api/v2/") {
		if !o.public {
			private++
		}
	}
	if got := refused(one); got != private {
		t.Errorf("of %d requests of the client that sends too many, %d were rejected", private, got)
	}
	if got := refused(two); got != alone {
		t.Errorf("%d requests of the other client were rejected, %d of one that is alone", got, alone)
	}
}

// TestOneClientsTokensLeaveOthersAlone: the same of tokens.
func TestOneClientsTokensLeaveOthersAlone(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	rate := api.TokenRate(1, func() time.Time { return now })
	for range 1000 {
		rate(one)
	}
	if wait, ok := rate(one); ok || wait <= 0 {
		t.Errorf("a client that asked a thousand times in a row: %v, wait %s", ok, wait)
	}
	if wait, ok := rate(two); !ok {
		t.Errorf("another client has to wait %s", wait)
	}
}
