package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Seal encrypts signing keys before they are stored, so that whoever has the
// database, or a copy of it, cannot sign tokens. Safe for concurrent use.
type Seal struct{ aead cipher.AEAD }

// sealBytes is the length of a key for a seal: AES-256.
const sealBytes = 32

// sealMark begins what a seal made.
const sealMark = "sealed:v1:"

// NewSeal makes a seal of a key of 32 bytes.
func NewSeal(key []byte) (*Seal, error) {
	if len(key) != sealBytes {
		return nil, fmt.Errorf("a key for encrypting signing keys has %d bytes, not %d", sealBytes, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Seal{aead: aead}, err
}

// OpenSeal reads the key from a file: 32 bytes in Base64. If there is no such
// file and create says so, it makes one that only this user can read.
func OpenSeal(path string, create bool) (*Seal, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		text, err = createSeal(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("it is not Base64: make one with head -c 32 /dev/urandom | base64")
	}
	return NewSeal(key)
}

// createSeal writes a new key beside and links it into its place: of two
// processes that start at once one wins, and both read the same.
func createSeal(path string) ([]byte, error) {
	key := make([]byte, sealBytes)
	rand.Read(key) // never fails
	beside := path + "." + rand.Text()
	f, err := os.OpenFile(beside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer os.Remove(beside)
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(beside, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// seal encrypts a key, bound to its id.
func (s *Seal) seal(id string, private []byte) string {
	return sealMark + base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, private, []byte(id)))
}

// errSeal says that a key was encrypted otherwise.
var errSeal = errors.New("it was encrypted with another key: give the --key-file that the other servers have")

// open is the reverse of seal. A key that was stored before there were seals is
// taken as it is.
func (s *Seal) open(id, stored string) ([]byte, error) {
	text, sealed := strings.CutPrefix(stored, sealMark)
	if !sealed {
		return []byte(stored), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errSeal
	}
	if b, err = s.aead.Open(nil, nil, b, []byte(id)); err != nil {
		return nil, errSeal
	}
	return b, nil
}
