package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"ab2d/client/clienttest"
)

// TestTokenEndpointStalls: a token endpoint that answers half is given up, as the
// API is.
func TestTokenEndpointStalls(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"in its answer": clienttest.Stall(`{"access_token":`),
		"in its refusal": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			clienttest.Stall(`{"error":`)(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(answer)
			t.Cleanup(s.Close)
			c, err := New(Config{BaseURL: s.URL, TokenURL: s.URL, ClientID: "id", ClientSecret: "secret", IdleTimeout: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			if _, err := c.Start(ctx, Request{}); err == nil || ctx.Err() != nil {
				t.Errorf("got %v, context %v", err, ctx.Err())
			}
		})
	}
}

// drip is a body that brings some bytes after each pause, until it is ended.
type drip struct {
	ctx   context.Context
	bytes int
	pause time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
		return min(d.bytes, len(p)), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (d drip) Close() error { return nil }

// TestIdleBody: a body that comes in drops is given up after the time for one that
// stalls; a slow one is not, nor one whose reader is slow.
func TestIdleBody(t *testing.T) {
	for _, tt := range []struct {
		name          string
		bytes         int
		pause, reader time.Duration
		ok            bool
	}{
		{"slow", 4 << 10, 10 * time.Second, 0, true},
		{"slow reader", minBytes, time.Second, time.Hour, true},
		{"drops", 1, 10 * time.Second, 0, false},
		{"nothing", 1, time.Hour, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				b := newIdleBody(drip{ctx, tt.bytes, tt.pause}, time.Minute, cancel)
				defer b.Close()
				began, got := time.Now(), 0
				var err error
				for err == nil && got < 1<<20 && time.Since(began) < 1000*time.Hour {
					var n int
					n, err = b.Read(make([]byte, 64<<10))
					got += n
					time.Sleep(tt.reader)
				}
				if (err == nil) != tt.ok || !tt.ok && time.Since(began) > time.Minute {
					t.Errorf("got %v after %v and %d bytes", err, time.Since(began), got)
				}
			})
		})
	}
}
