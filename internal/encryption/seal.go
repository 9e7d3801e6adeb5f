package encryption

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// ErrDamaged means that what is encrypted was changed, or belongs somewhere else.
var ErrDamaged = errors.New("it was changed after it was encrypted")

// newAEAD is AES-256-GCM, which puts a random nonce before what it encrypts.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// DataKey encrypts what is small, such as the key of a file. Safe for concurrent use.
type DataKey struct {
	ID   string
	key  []byte
	aead cipher.AEAD
}

func newDataKey(id string, key []byte) (*DataKey, error) {
	if len(key) != keyBytes {
		return nil, errors.New("the data key " + id + " has another length than it must have")
	}
	aead, err := newAEAD(key)
	return &DataKey{ID: id, key: key, aead: aead}, err
}

// Seal encrypts plain and appends the result to to. What bound says must be said again
// to open it.
func (k *DataKey) Seal(to, plain []byte, bound string) []byte {
	return k.aead.Seal(to, nil, plain, []byte(bound))
}

// Open is the reverse of Seal; ErrDamaged if sealed or bound is not what it was.
func (k *DataKey) Open(to, sealed []byte, bound string) ([]byte, error) {
	plain, err := k.aead.Open(to, nil, sealed, []byte(bound))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// Derive makes another key of this one, which purpose alone decides. Since each key
// encrypts at most 2^32 things, there is one for each load of claims.
func (k *DataKey) Derive(purpose string) (*DataKey, error) {
	key, err := hkdf.Key(sha256.New, k.key, nil, "ab2d "+purpose, keyBytes)
	if err != nil {
		return nil, err
	}
	return newDataKey(k.ID, key)
}
