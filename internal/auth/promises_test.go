package auth

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// TestFiguresOfTheSecurityPage holds the numbers that docs/security.md names.
func TestFiguresOfTheSecurityPage(t *testing.T) {
	g := NewGuard(time.Now)
	for what, figure := range map[string][2]int{
		"wrong secrets for a client":        {g.pairs.Burst, 10},
		"seconds until another":             {int(g.pairs.Interval / time.Second), 6},
		"keys of a set":                     {maxKeys, 32},
		"keys with a kid":                   {maxKeysOfID, 2},
		"slots for hashes":                  {cap(g.slow.slots), max(1, runtime.GOMAXPROCS(0)/2)},
		"minutes a client is remembered":    {int(rememberSecret / time.Minute), 10},
		"minutes of an assertion":           {int(assertionLife / time.Minute), 5},
		"KiB of a token request":            {maxFormBytes >> 10, 64},
		"KiB of fetched keys":               {maxFetchBytes >> 10, 256},
		"seconds for fetching keys":         {int(fetchTime / time.Second), 5},
		"minutes that fetched keys stay":    {int(keysFresh / time.Minute), 5},
		"seconds between two fetches":       {int(keysPause / time.Second), 10},
		"characters of a secret for bcrypt": {maxSecretBytes, 72},
	} {
		if figure[0] != figure[1] {
			t.Errorf("%s: got %d, docs/security.md says %d", what, figure[0], figure[1])
		}
	}
}

// TestFetchingEnds: an address of keys that never answers is given up after
// five seconds, and no proxy of the environment is asked, which could connect to
// what this process may not.
func TestFetchingEnds(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(released)
	f := NewFetcher(true, time.Now)
	ours, ok := f.client.Transport.(*http.Transport)
	if !ok || ours.Proxy != nil {
		t.Error("keys are fetched through a proxy")
	}
	f.client.Transport = s.Client().Transport
	began := time.Now()
	if _, err := f.get(t.Context(), s.URL); err == nil || time.Since(began) > 8*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
