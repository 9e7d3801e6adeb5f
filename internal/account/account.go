package account

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-jose/go-jose/v4"

	"ab2d/internal/admin"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// Account is what a sponsor sees of its client.
type Account struct {
	Client   string `json:"client"`
	Name     string `json:"name"`
	Contract string `json:"contract"`
	Sponsor  string `json:"sponsor,omitempty"`
	Attested string `json:"attested,omitempty"` // a date; without it there is no data
	MaxJobs  int    `json:"maxJobs"`
	// ReadOnly says why secrets and keys cannot be changed here; it is missing if they can.
	ReadOnly string `json:"readOnly,omitempty"`
	// NetworksReadOnly tells that the networks cannot be changed either.
	NetworksReadOnly bool `json:"networksReadOnly,omitempty"`

	Secrets []admin.Secret `json:"secrets"` // those that have not expired
	Keys    []Key          `json:"keys"`
	KeysURL string         `json:"keysUrl,omitempty"`
	// Networks are those from which the client may come. None: from anywhere.
	Networks []netip.Prefix `json:"networks"`
	// OperatorNetworks are those within which it may choose them. None: any.
	OperatorNetworks []netip.Prefix `json:"operatorNetworks"`
	Address          string         `json:"address"`              // that this request came from
	SignedInBy       string         `json:"signedInBy,omitempty"` // "secret ID", "key KID" or "keys URL"
	ProofAudience    string         `json:"proofAudience"`        // the aud of proofs
	Waiting          []Request      `json:"waiting"`
	Created          time.Time      `json:"created"`
	// Secret is a new secret. It is shown only once.
	Secret string `json:"secret,omitempty"`
}

// Key describes a registered public key.
type Key struct {
	ID        string `json:"id"` // its thumbprint, RFC 7638
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"` // RS384 or ES384
}

// show answers with the client.
func (h *handler) show(c call) (int, any, error) {
	a, err := h.account(c, c.client)
	return http.StatusOK, a, err
}

// account shows a client to itself.
func (h *handler) account(c call, client *auth.Client) (Account, error) {
	shown, err := h.Admin.Client(c.Context(), client.ID)
	if err != nil {
		return Account{}, err
	}
	a := Account{
		Client: shown.ID, Name: shown.Name, Contract: shown.Contract, MaxJobs: shown.MaxJobs, Secrets: shown.Secrets, KeysURL: shown.KeysURL,
		ReadOnly: h.readOnly(client, secrets), NetworksReadOnly: h.readOnly(client, settings) != "", Networks: listOf(shown.Networks), OperatorNetworks: listOf(shown.OperatorNetworks),
		SignedInBy: c.by, ProofAudience: h.audience(c), Created: shown.Created, Keys: []Key{},
	}
	if from := obs.CallerOf(c.Context()); from.IsValid() {
		a.Address = from.String()
	}
	keys, err := (&auth.Client{ID: shown.ID, KeySet: string(shown.KeySet)}).RegisteredKeys()
	if err != nil {
		return a, err
	}
	for _, k := range keys {
		key, err := keyOf(k)
		if err != nil {
			return a, err
		}
		a.Keys = append(a.Keys, key)
	}
	contract, err := h.Intake.Entitled(c.Context(), client.Contract)
	switch {
	case err == nil:
		a.Sponsor, a.Attested = contract.Sponsor, contract.Attested.String()
	case !errors.Is(err, export.ErrNotAttested) && !errors.Is(err, export.ErrNoContract):
		return a, err
	}
	a.Waiting, err = h.ofClient(c, "waiting", maxListed)
	return a, err
}

func keyOf(k jose.JSONWebKey) (Key, error) {
	thumbprint, err := auth.Thumbprint(k)
	return Key{ID: thumbprint, KeyID: k.KeyID, Algorithm: algorithmOf(k)}, err
}

// listOf is a list that JSON writes as [] if it is empty.
func listOf(networks []netip.Prefix) []netip.Prefix {
	if networks == nil {
		return []netip.Prefix{}
	}
	return networks
}

// credentials counts what lets a client in: secrets that are valid, and keys.
func credentials(c *auth.Client, now time.Time) (int, error) {
	keys, err := c.RegisteredKeys()
	if err != nil {
		return 0, err
	}
	n := len(c.Live(now)) + len(keys)
	if c.KeysURL != "" {
		n++
	}
	return n, nil
}
