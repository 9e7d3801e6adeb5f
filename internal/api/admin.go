package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// Admin is what the administration works on. The command line uses the same
// handlers: over HTTP with an admin token, or, on the machine that has the
// database, within its own process. All fields have to be set.
type Admin struct {
	DB     *store.DB
	Keys   func(context.Context) (*auth.KeyRing, error)
	Intake *export.Intake
	Now    func() time.Time
}

// Scope is what an admin token lets its holder do.
type Scope string

// The scopes. Each but the last can be given to a token; to read is part of none.
const (
	ScopeRead        Scope = "read"
	ScopeContract    Scope = "contract"
	ScopeClient      Scope = "client"
	ScopeJob         Scope = "job"
	ScopeKey         Scope = "key"
	ScopeMaintenance Scope = "maintenance"
	scopeToken       Scope = "token" // to give tokens: only on the machine that has the database
)

// Scopes are those that can be given to a token.
func Scopes() []string {
	return []string{string(ScopeRead), string(ScopeContract), string(ScopeClient), string(ScopeJob), string(ScopeKey), string(ScopeMaintenance)}
}

// adminRoutes stand under /admin/v1.
var adminRoutes = []route{
	{method: "GET", path: "/openapi.yaml", admin: ScopeRead, handle: adminDocument},
	{method: "GET", path: "/sponsors", admin: ScopeRead, handle: adminSponsors},
	{method: "POST", path: "/sponsors/{name}/enable", admin: ScopeContract, handle: adminSponsorSwitch(true)},
	{method: "POST", path: "/sponsors/{name}/disable", admin: ScopeContract, handle: adminSponsorSwitch(false)},
	{method: "GET", path: "/contracts", admin: ScopeRead, handle: adminContracts},
	{method: "GET", path: "/contracts/{contract}", admin: ScopeRead, handle: adminContract},
	{method: "PUT", path: "/contracts/{contract}", admin: ScopeContract, handle: adminPutContract},
	{method: "POST", path: "/contracts/{contract}/attest", admin: ScopeContract, handle: adminAttest},
	{method: "POST", path: "/contracts/{contract}/unattest", admin: ScopeContract, handle: adminUnattest},
	{method: "POST", path: "/contracts/{contract}/enable", admin: ScopeContract, handle: adminContractSwitch(true)},
	{method: "POST", path: "/contracts/{contract}/disable", admin: ScopeContract, handle: adminContractSwitch(false)},
	{method: "GET", path: "/clients", admin: ScopeRead, handle: adminClients},
	{method: "POST", path: "/clients", admin: ScopeClient, handle: adminAddClient},
	{method: "GET", path: "/clients/{client}", admin: ScopeRead, handle: adminClient},
	{method: "PATCH", path: "/clients/{client}", admin: ScopeClient, handle: adminChangeClient},
	{method: "POST", path: "/clients/{client}/enable", admin: ScopeClient, handle: adminClientSwitch(true)},
	{method: "POST", path: "/clients/{client}/disable", admin: ScopeClient, handle: adminClientSwitch(false)},
	{method: "POST", path: "/clients/{client}/rotate", admin: ScopeClient, handle: adminRotateSecret},
	{method: "DELETE", path: "/clients/{client}/secrets/{secret}", admin: ScopeClient, handle: adminRevokeSecret},
	{method: "GET", path: "/jobs", admin: ScopeRead, handle: adminJobs},
	{method: "POST", path: "/jobs", admin: ScopeJob, handle: adminStartJob},
	{method: "GET", path: "/jobs/{job}", admin: ScopeRead, handle: adminJob},
	{method: "DELETE", path: "/jobs/{job}", admin: ScopeJob, handle: adminCancelJob},
	{method: "POST", path: "/jobs/{job}/extend", admin: ScopeJob, handle: adminExtendJob},
	{method: "GET", path: "/workers", admin: ScopeRead, handle: adminWorkers},
	{method: "GET", path: "/troubles", admin: ScopeRead, handle: adminTroubles},
	{method: "GET", path: "/downloads", admin: ScopeRead, handle: adminDownloads},
	{method: "GET", path: "/audit", admin: ScopeRead, handle: adminAudit},
	{method: "GET", path: "/keys", admin: ScopeRead, handle: adminKeys},
	{method: "POST", path: "/keys", admin: ScopeKey, handle: adminRotateKey},
	{method: "DELETE", path: "/keys/{key}", admin: ScopeKey, handle: adminRemoveKey},
	{method: "GET", path: "/maintenance", admin: ScopeRead, handle: adminMaintenance},
	{method: "PUT", path: "/maintenance", admin: ScopeMaintenance, handle: adminMaintenanceOn},
	{method: "DELETE", path: "/maintenance", admin: ScopeMaintenance, handle: adminMaintenanceOff},
	{method: "GET", path: "/tokens", admin: scopeToken, handle: adminTokens},
	{method: "POST", path: "/tokens", admin: scopeToken, handle: adminAddToken},
	{method: "DELETE", path: "/tokens/{token}", admin: scopeToken, handle: adminRemoveToken},
}

// LocalAdmin serves the administration to somebody who works on the database
// itself, and so may do everything. It is not for a network.
func (a *API) LocalAdmin(operator string) http.Handler {
	b := *a
	b.operator = "operator " + operator
	mux := http.NewServeMux()
	b.mount(mux, "/admin/v1", 0, adminRoutes)
	mux.Handle("/", b.answering(func(*API, http.ResponseWriter, *http.Request, call) error { return errNoRoute }, call{}))
	return b.withFacts(mux)
}

// tokenMark begins an admin token, so that one that strayed is found.
const tokenMark = "ab2d_admin_"

// newAdminToken makes a token: its mark, its id and 260 random bits, which
// nobody guesses, so that a fast hash of it is kept.
func newAdminToken() (id, token, digest string) {
	id = rand.Text()[:10]
	token = tokenMark + id + "_" + rand.Text() + rand.Text()
	return id, token, digestOf(token)
}

func digestOf(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:])
}

// withAdmin lets a request through that has an admin token with the scope.
func withAdmin(scope Scope, h handler) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, c call) error {
		actor, err := a.admitAdmin(r, scope)
		if err != nil {
			return err
		}
		audit.FactsOf(r.Context()).Actor = actor
		return h(a, w, r, c)
	}
}

func (a *API) admitAdmin(r *http.Request, scope Scope) (actor string, err error) {
	if a.operator != "" {
		return a.operator, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, _, ok := strings.Cut(strings.TrimPrefix(token, tokenMark), "_")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(token, tokenMark) || !ok || !adminTokenID(id) {
		return "", noAdmin()
	}
	t, err := a.Admin.DB.AdminToken(r.Context(), id)
	if errors.Is(err, store.ErrNoAdminToken) {
		return "", noAdmin()
	}
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(t.Digest), []byte(digestOf(token))) != 1 || !a.Now().Before(t.Expires) {
		return "", noAdmin()
	}
	audit.FactsOf(r.Context()).Actor = "admin " + t.Name
	if !slices.Contains(t.Scopes, string(scope)) {
		return "", refuse(http.StatusForbidden, fhir.CodeForbidden, "This admin token has no scope %s.", scope)
	}
	return "admin " + t.Name, nil
}

func adminTokenID(id string) bool {
	return len(id) == 10 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func noAdmin() *refusal {
	f := refuse(http.StatusUnauthorized, fhir.CodeLogin, "The administration needs an admin token that is known here and has not expired, in the header "+
		"Authorization: Bearer {token}. ab2d admin token add makes one, on the machine that has the database.")
	f.headers = map[string]string{"WWW-Authenticate": "Bearer"}
	return f
}

// readJSON reads the body of an act of administration. An empty one is {}.
func readJSON(r *http.Request, into any) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return refuse(http.StatusBadRequest, fhir.CodeInvalid, "The body is too large, or ended before it was complete.")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, fhir.CodeInvalid, "The body is not what is wanted here: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// limit is how many rows are asked for.
func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1000 {
		return 0, refuse(http.StatusBadRequest, fhir.CodeInvalid, "limit=%s: give a number from 1 to 1000.", shown(s))
	}
	return n, nil
}

// dryRun tells whether only to say what would be done.
func dryRun(r *http.Request) bool { return r.URL.Query().Get("dryRun") == "true" }

// AdminEffect is the answer to an act that takes something away.
type AdminEffect struct {
	Effect string `json:"effect"` // what it does, as a sentence without a subject
	Done   bool   `json:"done"`   // false after a dry run
}

// effect does an act that takes something away, or with dryRun only says what
// it would do.
func effect(w http.ResponseWriter, r *http.Request, text string, do func() error) error {
	e := AdminEffect{Effect: text}
	if !dryRun(r) {
		if err := do(); err != nil {
			return err
		}
		e.Done = true
	}
	return answer(w, http.StatusOK, e)
}

func answer(w http.ResponseWriter, status int, body any) error {
	return writeJSON(w, status, "application/json", body)
}

// invalidField refuses what a field says.
func invalidField(field, format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, fhir.CodeInvalid, "%s: %s", field, fmt.Sprintf(format, args...))
}

func notFound(format string, args ...any) *refusal {
	return refuse(http.StatusNotFound, fhir.CodeNotFound, format, args...)
}

func conflict(format string, args ...any) *refusal {
	return refuse(http.StatusConflict, fhir.CodeConflict, format, args...)
}

// duration reads one that may be left out.
func duration(field, s string, otherwise time.Duration) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, invalidField(field, "%s is not a duration, for example 336h.", shown(s))
	}
	return d, nil
}
