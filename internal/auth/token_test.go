package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call is a request as curl would make it, and its answer.
type call struct {
	method, query, body, contentType string
	authorization                    []string
}

func (c call) do(t *testing.T, base string) (*http.Response, string) {
	t.Helper()
	url := base
	if c.query != "" {
		url += "?" + c.query
	}
	r, err := http.NewRequestWithContext(t.Context(), c.method, url, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	for _, a := range c.authorization {
		r.Header.Add("Authorization", a)
	}
	r.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// tutorial is the token request of the sandbox's tutorial: everything is in
// the query string, and the body is empty.
func tutorial() call {
	return call{
		method: "POST", query: "grant_type=client_credentials&scope=clientCreds", contentType: formType,
		authorization: []string{sandboxBasic},
	}
}

func TestTokenOfTheTutorial(t *testing.T) {
	w := newWorld(t)
	resp, body := tutorial().do(t, w.url+TokenPath)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	want := `{"token_type":"Bearer","expires_in":3600,"access_token":"` + answer.AccessToken + `","scope":"clientCreds"}`
	if body != want {
		t.Errorf("got %s\nwant %s", body, want)
	}
	client, scopes, err := w.checker.Check(t.Context(), "Bearer "+answer.AccessToken)
	if err != nil || client.ID != sandboxID || client.Contract != "Z0000" || !cmp.Equal(scopes, []string{Scope}) {
		t.Errorf("Check = %v, %v, %v", client, scopes, err)
	}
	checkTokenContent(t, w, answer.AccessToken)
}

func checkTokenContent(t *testing.T, w *world, token string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var got [2]map[string]any
	for i := range got {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &got[i]); err != nil {
			t.Fatal(err)
		}
	}
	if jti, _ := got[1]["jti"].(string); len(jti) != 36 {
		t.Errorf("jti is %q, not a UUID", jti)
	}
	delete(got[1], "jti")
	at := float64(w.clock.now().Unix())
	want := [2]map[string]any{
		{"alg": "ES256", "typ": "JWT", "kid": w.store.keys[0].ID},
		{"iss": issuer, "aud": "AB2D", "sub": sandboxID, "cred": "secret:first", "cid": sandboxID, "scp": []any{Scope}, "iat": at, "exp": at + 3600},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("content of the token (-want +got):\n%s", diff)
	}
}

func TestGranted(t *testing.T) {
	w := newWorld(t)
	w.server.Lifetime = 90 * time.Second
	const inForm = "client_id=" + sandboxID + "&client_secret=" + sandboxSecret
	for name, c := range map[string]struct {
		call
		scope string
	}{
		"form body":            {call{body: "grant_type=client_credentials&scope=clientCreds", authorization: []string{sandboxBasic}}, Scope},
		"secret in the form":   {call{body: "grant_type=client_credentials&" + inForm}, Scope},
		"query and form":       {call{query: "grant_type=client_credentials", body: inForm}, Scope},
		"client named again":   {call{body: "grant_type=client_credentials&client_id=" + sandboxID, authorization: []string{sandboxBasic}}, Scope},
		"no scope":             {call{query: "grant_type=client_credentials&scope=", authorization: []string{sandboxBasic}}, Scope},
		"SMART 1":              {call{query: "grant_type=client_credentials&scope=system/*.read", authorization: []string{sandboxBasic}}, "system/*.read"},
		"SMART 2, twice":       {call{query: "grant_type=client_credentials&scope=system/*.rs+system/ExplanationOfBenefit.rs+system/*.rs", authorization: []string{sandboxBasic}}, "system/*.rs system/ExplanationOfBenefit.rs"},
		"both versions":        {call{query: "grant_type=client_credentials&scope=system/*.read+system/ExplanationOfBenefit.rs", authorization: []string{sandboxBasic}}, "system/*.read system/ExplanationOfBenefit.rs"},
		"as far as they go":    {call{query: "grant_type=client_credentials&scope=system/Patient.read+system/ExplanationOfBenefit.rs+system/Group.rs", authorization: []string{sandboxBasic}}, "system/ExplanationOfBenefit.rs"},
		"said twice":           {call{query: "grant_type=client_credentials&scope=clientCreds", body: "grant_type=client_credentials&scope=clientCreds", authorization: []string{sandboxBasic}}, Scope},
		"unknown parameter":    {call{query: "grant_type=client_credentials&resource=x", authorization: []string{sandboxBasic}}, Scope},
		"small letters":        {call{query: "grant_type=client_credentials", authorization: []string{"basic" + strings.TrimPrefix(sandboxBasic, "Basic")}}, Scope},
		"type with a charset":  {call{body: "grant_type=client_credentials", contentType: formType + "; charset=UTF-8", authorization: []string{sandboxBasic}}, Scope},
		"no type, empty body":  {call{query: "grant_type=client_credentials", contentType: " ", authorization: []string{sandboxBasic}}, Scope},
		"JSON type, no body":   {call{query: "grant_type=client_credentials", contentType: "application/json", authorization: []string{sandboxBasic}}, Scope},
		"body of 64 KiB":       {call{body: "grant_type=client_credentials&x=" + strings.Repeat("x", maxFormBytes-len("grant_type=client_credentials&x=")), authorization: []string{sandboxBasic}}, Scope},
		"Base64 without an =":  {call{query: "grant_type=client_credentials", authorization: []string{strings.TrimRight(sandboxBasic, "=")}}, Scope},
		"parameter without is": {call{query: "grant_type=client_credentials&client_id", authorization: []string{sandboxBasic}}, Scope},
	} {
		t.Run(name, func(t *testing.T) {
			c.method = "POST"
			if c.contentType == "" {
				c.contentType = formType
			}
			resp, body := c.do(t, w.url+TokenPath)
			var got grant
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d, %v: %s", resp.StatusCode, err, body)
			}
			if got.Scope != c.scope || got.ExpiresIn != 90 {
				t.Errorf("got scope %q for %d s", got.Scope, got.ExpiresIn)
			}
			if _, scopes, err := w.checker.Check(t.Context(), "Bearer "+got.AccessToken); err != nil || strings.Join(scopes, " ") != c.scope {
				t.Errorf("Check = %v, %v", scopes, err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	wrong := basic(sandboxID, "x"+sandboxSecret[1:])
	for name, c := range map[string]struct {
		change func(*call)
		status int
		code   string
		says   string
	}{
		"GET":                       {func(c *call) { c.method = "GET" }, 405, InvalidRequest, "has to be POST"},
		"OPTIONS":                   {func(c *call) { c.method = "OPTIONS" }, 405, InvalidRequest, "has to be POST"},
		"no grant type":             {func(c *call) { c.query = "scope=clientCreds" }, 400, InvalidRequest, "grant_type is missing"},
		"empty grant type":          {func(c *call) { c.query = "grant_type=" }, 400, InvalidRequest, "grant_type is missing"},
		"password grant":            {func(c *call) { c.query = "grant_type=password" }, 400, UnsupportedGrantType, "client_credentials"},
		"unknown scope":             {func(c *call) { c.query += "+openid" }, 400, InvalidScope, "clientCreds, system/*.read"},
		"repeated in the query":     {func(c *call) { c.query += "&scope=clientCreds" }, 400, InvalidRequest, "more than once"},
		"repeated in the body":      {func(c *call) { c.body = "scope=system/*.rs" }, 400, InvalidRequest, "more than once"},
		"repeated within the body":  {func(c *call) { c.body = "scope=clientCreds&scope=clientCreds" }, 400, InvalidRequest, "more than once"},
		"scopes of other types":     {func(c *call) { c.query = "grant_type=client_credentials&scope=system/Patient.read+system/Patient.rs" }, 400, InvalidScope, "clientCreds, system/*.read"},
		"unknown one repeated":      {func(c *call) { c.query += "&a=1&a=1" }, 400, InvalidRequest, "more than once"},
		"no client":                 {func(c *call) { c.authorization = nil }, 401, InvalidClient, "not named"},
		"no secret":                 {func(c *call) { c.authorization, c.body = nil, "client_id="+sandboxID }, 401, InvalidClient, "client_secret is missing"},
		"secret but no id":          {func(c *call) { c.authorization, c.body = nil, "client_secret="+sandboxSecret }, 401, InvalidClient, "not named"},
		"secret in the URL":         {func(c *call) { c.query += "&client_id=" + sandboxID + "&client_secret=" + sandboxSecret }, 400, InvalidRequest, "must not be in the URL"},
		"Basic and form":            {func(c *call) { c.body = "client_id=" + sandboxID + "&client_secret=" + sandboxSecret }, 400, InvalidRequest, "more than one way"},
		"Basic twice":               {func(c *call) { c.authorization = append(c.authorization, sandboxBasic) }, 400, InvalidRequest, "more than one way"},
		"another client named":      {func(c *call) { c.body = "client_id=disabled" }, 400, InvalidRequest, "is not the client"},
		"bearer":                    {func(c *call) { c.authorization = []string{"Bearer x"} }, 401, InvalidClient, "has to be Basic"},
		"empty authorization":       {func(c *call) { c.authorization = []string{""} }, 401, InvalidClient, "has to be Basic"},
		"five characters cut":       {func(c *call) { c.authorization = []string{"Basic " + sandboxBasic[11:]} }, 401, InvalidClient, "no character was lost"},
		"line break in the secret":  {func(c *call) { c.authorization = []string{basic(sandboxID, sandboxSecret+"\n")} }, 401, InvalidClient, "echo -n"},
		"wrong secret":              {func(c *call) { c.authorization = []string{wrong} }, 401, InvalidClient, "unknown or the secret is wrong"},
		"wrong secret, disabled":    {func(c *call) { c.authorization = []string{basic("disabled", "x")} }, 401, InvalidClient, "unknown or the secret is wrong"},
		"unknown client":            {func(c *call) { c.authorization = []string{basic("nobody", sandboxSecret)} }, 401, InvalidClient, "unknown or the secret is wrong"},
		"empty secret":              {func(c *call) { c.authorization = []string{basic(sandboxID, "")} }, 401, InvalidClient, "unknown or the secret is wrong"},
		"disabled":                  {func(c *call) { c.authorization = []string{basic("disabled", sandboxSecret)} }, 401, InvalidClient, "is disabled"},
		"JSON body":                 {func(c *call) { c.body, c.contentType = `{"grant_type":"client_credentials"}`, "application/json" }, 400, InvalidRequest, "has to be a form"},
		"body without type":         {func(c *call) { c.body, c.contentType = "a=b", "" }, 400, InvalidRequest, "has to be a form"},
		"body with a wrong escape":  {func(c *call) { c.body = "a=%zz" }, 400, InvalidRequest, "well-formed"},
		"query with a wrong escape": {func(c *call) { c.query += "&a=%zz" }, 400, InvalidRequest, "query string"},
		"body over 64 KiB":          {func(c *call) { c.body = "x=" + strings.Repeat("x", maxFormBytes-1) }, 413, InvalidRequest, "larger than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			request := tutorial()
			c.change(&request)
			resp, body := request.do(t, w.url+TokenPath)
			checkRefusal(t, resp, body, c.status, c.code, c.says)
		})
	}
	if len(w.faults) > 0 {
		t.Errorf("taken for a fault of the server: %v", <-w.faults)
	}
}

func checkRefusal(t *testing.T, resp *http.Response, body string, status int, code, says string) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	description := got["error_description"]
	if resp.StatusCode != status || got["error"] != code || !strings.Contains(description, says) || len(got) != 2 {
		t.Errorf("status %d, %s; want %d, %s, %q", resp.StatusCode, body, status, code, says)
	}
	if !printable(description) || strings.ContainsAny(description, `"\`) {
		t.Errorf("description with characters that RFC 6749 §5.2 excludes: %q", description)
	}
	challenge := ""
	if status == http.StatusUnauthorized {
		challenge = `Basic realm="the \"sandbox\""`
	}
	allow := ""
	if status == http.StatusMethodNotAllowed {
		allow = "POST"
	}
	for name, want := range map[string]string{
		"WWW-Authenticate": challenge, "Allow": allow,
		"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if shown(body) {
		t.Errorf("the secret is shown: %s", body)
	}
}

func TestFaultOfTheStore(t *testing.T) {
	w := newWorld(t)
	fault := errors.New("disk on fire")
	w.store.fail(fault)
	resp, body := tutorial().do(t, w.url+TokenPath)
	if resp.StatusCode != http.StatusInternalServerError || body != `{"error":"server_error"}` {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	if got := <-w.faults; !errors.Is(got, fault) {
		t.Errorf("told of %v, want %v", got, fault)
	}
}
