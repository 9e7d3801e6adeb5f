package api

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// AdminKey is a signing key without the key.
type AdminKey struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Newest  bool      `json:"newest"`
}

// AdminMaintenance tells whether new exports are taken.
type AdminMaintenance struct {
	On      bool       `json:"on"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Message string     `json:"message,omitempty"`
}

// MaintenanceFields begin a maintenance.
type MaintenanceFields struct {
	For     string `json:"for,omitempty"` // how long it is expected to take, as a duration
	Message string `json:"message,omitempty"`
}

// AdminToken is an admin token without the token.
type AdminToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Token is the new one, shown this once.
	Token string `json:"token,omitempty"`
}

// NewAdminToken asks for an admin token.
type NewAdminToken struct {
	Name     string   `json:"name"`
	Scopes   []string `json:"scopes"`
	Lifetime string   `json:"lifetime,omitempty"` // by default 2160h
}

func actorOf(r *http.Request) string { return audit.FactsOf(r.Context()).Actor }

func adminKeys(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	keys, err := a.Admin.DB.Keys(r.Context())
	if err != nil {
		return err
	}
	list := []AdminKey{}
	for i, k := range keys {
		list = append(list, AdminKey{ID: k.ID, Created: k.Created, Newest: i == 0})
	}
	return answer(w, http.StatusOK, list)
}

// adminRotateKey stores a new signing key, which signs in a minute. The old one
// goes by itself when its tokens have expired.
func adminRotateKey(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	ring, err := a.Admin.Keys(r.Context())
	if err != nil {
		return err
	}
	id, err := ring.Rotate(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, AdminKey{ID: id, Created: a.Now().UTC(), Newest: true})
}

// adminRemoveKey takes a key away that others may know: every token that it
// signed is refused from then on.
func adminRemoveKey(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	id := r.PathValue("key")
	keys, err := a.Admin.DB.Keys(r.Context())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k auth.StoredKey) bool { return k.ID == id }) {
		return notFound("There is no signing key %s.", shown(id))
	}
	if len(keys) == 1 {
		return conflict("It is the only signing key: rotate before, so that there is another one.")
	}
	return effect(w, r, "remove key "+id+": every token that it signed is refused within a minute", func() error {
		return a.Admin.DB.RemoveKeys(r.Context(), []string{id})
	})
}

func adminMaintenance(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	m, err := a.Admin.DB.Maintenance(r.Context())
	if err != nil {
		return err
	}
	shown := AdminMaintenance{On: m != nil}
	if m != nil {
		shown.Since, shown.Message = &m.Since, m.Message
		if !m.Until.IsZero() {
			shown.Until = &m.Until
		}
	}
	return answer(w, http.StatusOK, shown)
}

func adminMaintenanceOn(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var f MaintenanceFields
	if err := readJSON(r, &f); err != nil {
		return err
	}
	if !clientName.MatchString(f.Message) {
		return invalidField("message", "it may have 100 characters on one line.")
	}
	takes, err := duration("for", f.For, 0)
	if err != nil {
		return err
	}
	m := store.Maintenance{Since: a.Now(), Message: f.Message}
	if takes > 0 {
		m.Until = m.Since.Add(takes)
	}
	if err := a.Admin.DB.SetMaintenance(r.Context(), &m); err != nil {
		return err
	}
	return adminMaintenance(a, w, r, call{})
}

func adminMaintenanceOff(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	if err := a.Admin.DB.SetMaintenance(r.Context(), nil); err != nil {
		return err
	}
	return adminMaintenance(a, w, r, call{})
}

// adminAudit gives the newest entries, of one event if it is named.
func adminAudit(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.entries(w, r, audit.Event(r.URL.Query().Get("event")))
}

// adminDownloads gives the newest downloads: who fetched what, and how many
// bytes of it.
func adminDownloads(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.entries(w, r, audit.DownloadEnded)
}

var eventForm = regexp.MustCompile(`^[a-z.-]{0,40}$`)

func (a *API) entries(w http.ResponseWriter, r *http.Request, event audit.Event) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	if !eventForm.MatchString(string(event)) {
		return refuse(http.StatusBadRequest, fhir.CodeInvalid, "event: there is no such one.")
	}
	links, err := a.Admin.DB.RecentEntries(r.Context(), event, n)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, links)
}

func adminTokens(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	tokens, err := a.Admin.DB.AdminTokens(r.Context())
	if err != nil {
		return err
	}
	list := []AdminToken{}
	for _, t := range tokens {
		list = append(list, AdminToken{ID: t.ID, Name: t.Name, Scopes: t.Scopes, Created: t.Created, Expires: t.Expires})
	}
	return answer(w, http.StatusOK, list)
}

// defaultTokenLifetime is how long an admin token is good.
const defaultTokenLifetime = 90 * 24 * time.Hour

func adminAddToken(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var n NewAdminToken
	if err := readJSON(r, &n); err != nil {
		return err
	}
	if n.Name == "" || !clientName.MatchString(n.Name) {
		return invalidField("name", "it has 1 to 100 characters on one line.")
	}
	for _, s := range n.Scopes {
		if !slices.Contains(Scopes(), s) {
			return invalidField("scopes", "%s is none of %v.", shown(s), Scopes())
		}
	}
	if len(n.Scopes) == 0 {
		return invalidField("scopes", "give one or more of %v.", Scopes())
	}
	lifetime, err := duration("lifetime", n.Lifetime, defaultTokenLifetime)
	if err != nil {
		return err
	}
	if lifetime < time.Minute || lifetime > 366*24*time.Hour {
		return invalidField("lifetime", "give a minute to a year, for example 2160h.")
	}
	id, token, digest := newAdminToken()
	t := store.AdminToken{ID: id, Name: n.Name, Digest: digest, Scopes: n.Scopes, Created: a.Now(), Expires: a.Now().Add(lifetime)}
	if err := a.Admin.DB.AddAdminToken(r.Context(), t); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, AdminToken{ID: id, Name: t.Name, Scopes: t.Scopes, Created: t.Created, Expires: t.Expires, Token: token})
}

func adminRemoveToken(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	id := r.PathValue("token")
	if !adminTokenID(id) {
		return notFound("There is no admin token %s.", shown(id))
	}
	t, err := a.Admin.DB.AdminToken(r.Context(), id)
	if errors.Is(err, store.ErrNoAdminToken) {
		return notFound("There is no admin token %s.", shown(id))
	}
	if err != nil {
		return err
	}
	return effect(w, r, fmt.Sprintf("remove admin token %s of %s", t.ID, t.Name), func() error { return a.Admin.DB.RemoveAdminToken(r.Context(), id) })
}
