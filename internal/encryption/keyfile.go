package encryption

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
)

const (
	// maxKeyFile bounds a key file, in bytes.
	maxKeyFile = 64 << 10
	// maxKeys bounds the keys in a file.
	maxKeys = 32
)

// makeKey is how to make a key.
const makeKey = "make a key with: head -c 32 /dev/urandom | base64"

// KeyFile is a file with wrapping keys: 32 bytes in Base64 on a line. Lines that begin
// with # are left out. The first key wraps; the others open what they wrapped before.
// The file is read again when a key is asked for that is not known, so that a rotation
// needs no restart. Safe for concurrent use.
type KeyFile struct {
	path string

	mu   sync.Mutex
	keys []*DataKey // their ids are the names of the keys
}

// OpenKeyFile reads a key file. Its errors show nothing of what is in it.
func OpenKeyFile(path string) (*KeyFile, error) {
	k := &KeyFile{path: path}
	return k, k.read()
}

// read reads the file. If that fails, the keys stay as they were.
func (k *KeyFile) read() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return err
	}
	if info.Size() > maxKeyFile {
		return fmt.Errorf("it has %d bytes, more than %d: %s", info.Size(), maxKeyFile, makeKey)
	}
	text, err := os.ReadFile(k.path)
	if err != nil {
		return err
	}
	var keys []*DataKey
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != keyBytes {
			return fmt.Errorf("line %d is not a key of %d bytes in Base64: %s", i+1, keyBytes, makeKey)
		}
		named, err := newDataKey(nameOf(key), key)
		if err != nil {
			return err
		}
		keys = append(keys, named)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return fmt.Errorf("it has %d keys, and must have 1 to %d: %s", len(keys), maxKeys, makeKey)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = keys
	return nil
}

// nameOf names a key: by the beginning of a hash, which says nothing about it.
func nameOf(key []byte) string {
	sum := sha256.Sum256(append([]byte("ab2d wrapping key\n"), key...))
	return fmt.Sprintf("file:%x", sum[:8])
}

func (k *KeyFile) find(name string) *DataKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if key.ID == name {
			return key
		}
	}
	return nil
}

// Wrap encrypts a data key by the first key of the file as it is now.
func (k *KeyFile) Wrap(_ context.Context, id string, key []byte) ([]byte, string, error) {
	if err := k.read(); err != nil {
		return nil, "", fmt.Errorf("read %s: %w", k.path, err)
	}
	k.mu.Lock()
	first := k.keys[0]
	k.mu.Unlock()
	return first.Seal(nil, key, id), first.ID, nil
}

// Unwrap opens what one of the keys has wrapped.
func (k *KeyFile) Unwrap(_ context.Context, id string, wrapped []byte, by string) ([]byte, error) {
	if !strings.HasPrefix(by, "file:") {
		return nil, ErrNoKey
	}
	key := k.find(by)
	if key == nil {
		if err := k.read(); err != nil {
			return nil, fmt.Errorf("read %s: %w", k.path, err)
		}
		if key = k.find(by); key == nil {
			return nil, ErrNoKey
		}
	}
	plain, err := key.Open(nil, wrapped, id)
	if err != nil {
		return nil, fmt.Errorf("data key %s: %w", id, err)
	}
	return plain, nil
}
