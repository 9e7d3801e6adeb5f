package account

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// NewKey asks to register a public key.
type NewKey struct {
	Key   json.RawMessage `json:"key"`   // a JWK with a kid: RSA of 2048 bits or more, or P-384
	Proof string          `json:"proof"` // a JWT that the key signed, like a client assertion, but for proofAudience
}

// NewKeysURL asks to register the address of a JWK Set.
type NewKeysURL struct {
	KeysURL string `json:"keysUrl"` // https
	Proof   string `json:"proof"`   // as that of NewKey, by a key of the set
}

// audience is the aud of proofs.
func (h *handler) audience(c call) string { return h.Origin(c.Request) + Prefix + "/keys" }

func algorithmOf(k jose.JSONWebKey) string {
	if _, ok := k.Key.(*ecdsa.PublicKey); ok {
		return string(jose.ES384)
	}
	return string(jose.RS384)
}

// addKey registers a public key beside those that the client has.
func (h *handler) addKey(c call) (int, any, error) {
	n, err := read[NewKey](c)
	if err != nil {
		return 0, nil, err
	}
	set, err := auth.ParseKeySet([]byte(`{"keys":[` + string(n.Key) + `]}`))
	if err != nil || len(set.Keys) != 1 {
		if err == nil {
			err = errors.New("give one key")
		}
		return 0, nil, rest.InvalidField("key", "%v.", err)
	}
	key, err := h.prove(c, set, n.Proof)
	if err != nil {
		return 0, nil, err
	}
	shown, err := keyOf(*key)
	if err != nil {
		return 0, nil, err
	}
	_, err = h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.ClientChanged, Detail: "key " + shown.ID + " added"}, func(client *auth.Client) error {
		if client.KeysURL != "" {
			return rest.Conflict("The client's keys are at an address. Put the key there, or remove the address first.")
		}
		text, err := auth.AddKey(client.KeySet, public(*key))
		if err != nil {
			return rest.Conflict("key: %v.", err)
		}
		client.KeySet = text
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	a, err := h.account(c, c.client)
	return http.StatusCreated, a, err
}

// public is a key without what else a JWK may hold, such as certificates.
func public(k jose.JSONWebKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: algorithmOf(k), Use: "sig"}
}

// prove checks a proof of possession.
func (h *handler) prove(c call, set *jose.JSONWebKeySet, proof string) (*jose.JSONWebKey, error) {
	key, err := h.Proofs.ProveKey(c.Context(), c.client.ID, h.audience(c), set, proof)
	var wrong *auth.Error
	if errors.As(err, &wrong) {
		return nil, rest.InvalidField("proof", "%s", strings.Replace(wrong.Description, "The client assertion", "The proof", 1))
	}
	return key, err
}

// removeKey removes a key at once. Its tokens end.
func (h *handler) removeKey(c call) (int, any, error) {
	thumbprint := c.PathValue("key")
	_, err := h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.ClientChanged, Detail: "key removed"}, func(client *auth.Client) error {
		if client.KeySet == "" {
			return noKey()
		}
		text, found, err := auth.RemoveKey(client.KeySet, thumbprint)
		if err != nil {
			return err
		}
		if !found {
			return noKey()
		}
		client.KeySet = text
		return h.keepsOne(client)
	})
	if err != nil {
		return 0, nil, err
	}
	return h.show(c)
}

func noKey() *rest.Error {
	return rest.NotFound("The client has no key with this id. The ids of keys are their thumbprints (RFC 7638).")
}

// Fetcher reads the JWK Set at an address. Safe for concurrent use.
type Fetcher interface {
	// FetchKeys reads the set now. The error wraps auth.ErrKeysUnread; what else it says
	// is for the log.
	FetchKeys(ctx context.Context, address string) (*jose.JSONWebKeySet, error)
}

// setKeysURL registers the address of the client's keys. A new host waits for an
// operator, because the server connects to it from then on.
func (h *handler) setKeysURL(c call) (int, any, error) {
	n, err := read[NewKeysURL](c)
	if err != nil {
		return 0, nil, err
	}
	if err := auth.CheckURL(n.KeysURL); err != nil || len(n.KeysURL) > maxURL {
		return 0, nil, rest.InvalidField("keysUrl", "write https://, a host and a path, with %d characters at most.", maxURL)
	}
	if wait, ok := h.fetches.Take(c.client.ID, h.Now()); !ok {
		return 0, nil, tooMany(wait, "This client has too many addresses fetched.")
	}
	set, err := h.Fetch.FetchKeys(c.Context(), n.KeysURL)
	if err != nil {
		h.Warn("the address of keys that a client wants to register cannot be used", "client", c.client.ID, "error", err)
		return 0, nil, rest.InvalidField("keysUrl", "%v.", auth.ErrKeysUnread)
	}
	if _, err := h.prove(c, set, n.Proof); err != nil {
		return 0, nil, err
	}
	if !sameHost(n.KeysURL, c.client.KeysURL) {
		return h.ask(c, admin.RequestKeysURL, admin.ClientFields{KeysURL: &n.KeysURL})
	}
	_, err = h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.ClientChanged, Detail: "keys at another address of the same host"}, func(client *auth.Client) error {
		if !sameHost(n.KeysURL, client.KeysURL) {
			return rest.Conflict("The address of the keys was changed in the meantime. Look at it, and try again.")
		}
		client.KeysURL = n.KeysURL
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return h.show(c)
}

// maxURL bounds the address of keys, in bytes.
const maxURL = 500

func sameHost(a, b string) bool {
	first, err := url.Parse(a)
	second, e := url.Parse(b)
	return err == nil && e == nil && b != "" && strings.EqualFold(first.Host, second.Host)
}

// removeKeysURL removes the address of the client's keys. Tokens by these keys end.
func (h *handler) removeKeysURL(c call) (int, any, error) {
	_, err := h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.ClientChanged, Detail: "address of keys removed"}, func(client *auth.Client) error {
		if client.KeysURL == "" {
			return rest.NotFound("The client has no address of keys.")
		}
		client.KeysURL = ""
		return h.keepsOne(client)
	})
	if err != nil {
		return 0, nil, err
	}
	return h.show(c)
}

// fetches bounds how often a client makes the server fetch an address: five times, and
// then once a minute.
type fetches = *obs.Limiter

func newFetches() fetches { return &obs.Limiter{Burst: 5, Interval: time.Minute} }

// newID names a request.
func newID() string { return rand.Text()[:12] }
