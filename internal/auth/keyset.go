package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least that a registered RSA key may have.
const minRSABits = 2048

const (
	// maxKeys bounds the keys of a set.
	maxKeys = 32
	// maxKeysOfID bounds the keys with one kid: an RSA key and one on P-384. Each is
	// tried with an assertion that names it.
	maxKeysOfID = 2
)

// checkSize bounds what a JWK Set makes us do.
func checkSize(set *jose.JSONWebKeySet) error {
	if len(set.Keys) > maxKeys {
		return fmt.Errorf("the JWK Set has %d keys; at most %d are possible", len(set.Keys), maxKeys)
	}
	ids := map[string]int{}
	for _, k := range set.Keys {
		if ids[k.KeyID]++; ids[k.KeyID] > maxKeysOfID {
			return fmt.Errorf("the JWK Set has more than %d keys with the same kid", maxKeysOfID)
		}
	}
	return nil
}

// ParseKeySet reads a client's JWK Set for private_key_jwt, of at most 32 keys: RSA keys of 2048
// bits or more (RS384) and keys on P-384 (ES384), each with a kid and none of
// them private. The error says what is wrong, and does not show a key.
func ParseKeySet(text []byte) (*jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("it is not a JWK Set: write {\"keys\": [...]}, RFC 7517")
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("the JWK Set has no keys")
	}
	if err := checkSize(&set); err != nil {
		return nil, err
	}
	for i, k := range set.Keys {
		if err := checkClientKey(k); err != nil {
			return nil, fmt.Errorf("key %d of the JWK Set: %w", i+1, err)
		}
	}
	return &set, nil
}

func checkClientKey(k jose.JSONWebKey) error {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSABits {
			return fmt.Errorf("an RSA key has to have %d bits or more", minRSABits)
		}
		return checkMarks(k, jose.RS384)
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P384() {
			return errors.New("an elliptic key has to be on P-384, for ES384")
		}
		return checkMarks(k, jose.ES384)
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
		return errors.New("it is a private key, which nobody else must have: make a new pair, and register the public half")
	}
	return errors.New("it is neither an RSA key nor one on P-384")
}

func checkMarks(k jose.JSONWebKey, alg jose.SignatureAlgorithm) error {
	switch {
	case k.KeyID == "":
		return errors.New("it has no kid")
	case k.Use != "" && k.Use != "sig":
		return errors.New("its use is not sig")
	case k.Algorithm != "" && k.Algorithm != string(alg):
		return fmt.Errorf("its alg is not %s", alg)
	}
	return nil
}

// keysFor gives the set's keys with this kid that are for this algorithm.
func keysFor(set *jose.JSONWebKeySet, kid string, alg string) []jose.JSONWebKey {
	var fit []jose.JSONWebKey
	for _, k := range set.Keys {
		if k.KeyID == kid && k.IsPublic() && (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == alg) {
			fit = append(fit, k)
		}
	}
	return fit
}

const (
	// keysFresh is how long fetched keys are used before they are fetched again.
	keysFresh = 5 * time.Minute
	// keysPause is between two tries, however many made-up kids are asked for.
	keysPause = 10 * time.Second
	// keysStale is how long they are used while they cannot be fetched again.
	keysStale = time.Hour
)

// remoteKeys is a JWK Set at a URL. Safe for concurrent use.
type remoteKeys struct {
	f       *Fetcher
	url     string
	busy    chan struct{} // full while somebody fetches
	set     *jose.JSONWebKeySet
	fetched time.Time
	tried   time.Time
	failed  error // the last try
}

// keys gives the set at a URL.
func (f *Fetcher) keys(url string) *remoteKeys {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.sets[url]
	if !ok {
		if len(f.sets) >= maxSets {
			clear(f.sets)
		}
		k = &remoteKeys{f: f, url: url, busy: make(chan struct{}, 1)}
		f.sets[url] = k
	}
	return k
}

// find gives the keys with this kid for this algorithm. A new key is found at
// most keysPause after it was put there.
func (k *remoteKeys) find(ctx context.Context, kid, alg string) ([]jose.JSONWebKey, error) {
	select {
	case k.busy <- struct{}{}:
		defer func() { <-k.busy }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the keys at %s: %w", k.url, ctx.Err())
	}
	now := k.f.now()
	if k.set != nil && now.Sub(k.fetched) < keysFresh {
		if fit := keysFor(k.set, kid, alg); len(fit) > 0 {
			return fit, nil
		}
	}
	if k.tried.IsZero() || now.Sub(k.tried) >= keysPause {
		k.fetch(ctx, now)
	}
	if k.set == nil || now.Sub(k.fetched) >= keysStale {
		return nil, k.failed
	}
	return keysFor(k.set, kid, alg), nil
}

func (k *remoteKeys) fetch(ctx context.Context, now time.Time) {
	var set jose.JSONWebKeySet
	// A caller who goes away must not make it fail for the others.
	b, err := k.f.get(context.WithoutCancel(ctx), k.url)
	if err == nil {
		err = json.Unmarshal(b, &set)
	}
	if err == nil {
		err = checkSize(&set)
	}
	k.tried, k.failed = now, err
	if err != nil {
		k.failed = fmt.Errorf("the keys at %s: %w", k.url, err)
		return
	}
	k.set, k.fetched = &set, now
}
