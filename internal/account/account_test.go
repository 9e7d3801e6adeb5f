package account

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
)

func prefixes(text string) (list []netip.Prefix) {
	for _, s := range strings.Fields(text) {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// TestPartOf: which networks a client may choose of those that an operator set.
func TestPartOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		chosen, operator string
		want             bool
	}{
		{"", "", true}, {"10.0.0.0/8", "", true}, {"", "10.0.0.0/8", false}, {"10.0.0.0/8", "10.0.0.0/8", true}, {"10.1.2.3/32", "10.0.0.0/8", true},
		{"10.0.0.0/7", "10.0.0.0/8", false}, {"0.0.0.0/0", "10.0.0.0/8", false}, {"10.1.0.0/16 192.0.2.7/32", "192.0.2.0/24 10.0.0.0/8", true},
		{"10.1.0.0/16 11.0.0.0/16", "10.0.0.0/8", false}, {"2001:db8:1::/48", "2001:db8::/32", true}, {"2001:db8::/31", "2001:db8::/32", false},
		{"::/0", "0.0.0.0/0", false}, {"10.1.2.3/32", "::/0", false}, {"::ffff:10.0.0.1/128", "10.0.0.0/8", false},
		{"10.0.0.0/7", "10.0.0.0/8 11.0.0.0/8", false}, // they are together, but in no single one: decision 0141
	} {
		if got := partOf(prefixes(c.chosen), prefixes(c.operator)); got != c.want {
			t.Errorf("%q within %q: %v", c.chosen, c.operator, got)
		}
	}
}

// TestReadOnly: what a client may not change is that of a sandbox, and what another server
// decides.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	own, outside := &handler{}, &handler{Config: Config{Issuer: "https://idp.example.org"}}
	for _, c := range []struct {
		h       *handler
		sandbox bool
		needs   need
		want    bool
	}{
		{own, false, secrets, false}, {own, true, secrets, true}, {own, true, settings, true}, {own, true, changing, false}, {own, true, reading, false},
		{outside, false, secrets, true}, {outside, false, settings, false}, {outside, true, settings, true},
	} {
		if why := c.h.readOnly(&auth.Client{Sandbox: c.sandbox}, c.needs); (why != "") != c.want {
			t.Errorf("%+v: %q", c, why)
		}
	}
}

// TestSameHost: which addresses of keys do not wait for an operator.
func TestSameHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://keys.example.org/b", "https://keys.example.org/a", true}, {"https://KEYS.example.org/b", "https://keys.example.org/a", true},
		{"https://keys.example.org:8443/b", "https://keys.example.org/a", false}, {"https://keys.example.org.evil.example/b", "https://keys.example.org/a", false},
		{"https://evil.example/keys.example.org", "https://keys.example.org/a", false}, {"https://keys.example.org/b", "", false},
	} {
		if got := sameHost(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

// TestEntryOf: names and addresses of operators are not shown, those of clients and of
// whoever guessed a secret are.
func TestEntryOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, actor, from string }{
		{`{"actor":"client one","from":"192.0.2.1"}`, "client one", "192.0.2.1"}, {`{"from":"192.0.2.1","event":"refused"}`, "", "192.0.2.1"},
		{`{"actor":"admin alice","from":"192.0.2.1"}`, "operator", ""}, {`{"actor":"operator root","from":"192.0.2.1"}`, "operator", ""},
		{`{"actor":"worker","from":"192.0.2.1"}`, "worker", ""}, {`{"actor":"worker w-1","from":"192.0.2.1"}`, "operator", ""}, {`{"actor":"client","from":"192.0.2.1"}`, "client", "192.0.2.1"},
	} {
		e, err := entryOf(audit.Link{Body: []byte(c.body)})
		if err != nil || e.Actor != c.actor || e.From != c.from {
			t.Errorf("%s: %+v, %v", c.body, e, err)
		}
	}
	if _, err := entryOf(audit.Link{Body: []byte("nonsense")}); err == nil {
		t.Error("nonsense is an entry")
	}
}

// TestRead: bodies that are refused, without their values: they may be secrets.
func TestRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"overlap":"1h"}`: "", `{"overlap":5}`: "overlap", `{"s3cret":1}`: "not known", `s3cret`: "not one JSON object", ``: "not one JSON object", `["s3cret"]`: "array", `{} {"s3cret":1}`: "not one JSON object", `{}s3cret`: "not one JSON object", "{}\n": "",
		`{"overlap":"` + strings.Repeat("x", maxBody) + `"}`: "larger than 65536 bytes",
	} {
		r := httptest.NewRequest(http.MethodPost, "/secrets", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		_, err := read[Rotation](call{Request: r})
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%.40s: %v, want %q", body, err, want)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		r := httptest.NewRequest(http.MethodPost, "/secrets", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", kind)
		if _, err := read[Rotation](call{Request: r}); err == nil {
			t.Errorf("a body of %q is taken", kind)
		}
	}
}

// TestLimitOf: how many rows a page may have.
func TestLimitOf(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{"": 50, "?limit=1": 1, "?limit=200": 200, "?limit=201": 0, "?limit=0": 0, "?limit=-1": 0, "?limit=x": 0, "?limit=99999999999999999999": 0} {
		n, err := call{Request: httptest.NewRequest(http.MethodGet, "/jobs"+query, nil)}.limitOf()
		if n != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", query, n, err)
		}
	}
}
