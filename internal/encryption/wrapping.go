package encryption

import (
	"context"
	"errors"
	"fmt"
)

// keyBytes is the length of wrapping keys and data keys: AES-256.
const keyBytes = 32

// ErrNoKey means that this process does not have the key that something is encrypted
// with.
var ErrNoKey = errors.New("the key is not known here")

// WrappingKey encrypts data keys. Safe for concurrent use.
type WrappingKey interface {
	// Wrap encrypts a data key and binds it to its id. by names the wrapping key.
	Wrap(ctx context.Context, id string, key []byte) (wrapped []byte, by string, err error)
	// Unwrap is the reverse. It returns ErrNoKey if it does not have the key that by
	// names.
	Unwrap(ctx context.Context, id string, wrapped []byte, by string) ([]byte, error)
}

// Settings say where wrapping keys are. None: nothing is encrypted.
type Settings struct {
	KeyFile string // a path; see OpenKeyFile
	KMS     string // an address; see OpenKMS
}

// On tells whether there is a wrapping key.
func (s Settings) On() bool { return s != Settings{} }

// Open reads the wrapping keys. If there are a file and a service, the service is the
// one that wraps, and the file opens what it wrapped before.
func (s Settings) Open() (WrappingKey, error) {
	var both several
	if s.KMS != "" {
		k, err := OpenKMS(s.KMS)
		if err != nil {
			return nil, fmt.Errorf("--encryption-kms: %w", err)
		}
		both = append(both, k)
	}
	if s.KeyFile != "" {
		k, err := OpenKeyFile(s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--encryption-key-file=%s: %w", s.KeyFile, err)
		}
		both = append(both, k)
	}
	if len(both) == 0 {
		return nil, errors.New("there is no wrapping key")
	}
	return both, nil
}

// several are wrapping keys of which the first wraps.
type several []WrappingKey

func (s several) Wrap(ctx context.Context, id string, key []byte) ([]byte, string, error) {
	return s[0].Wrap(ctx, id, key)
}

func (s several) Unwrap(ctx context.Context, id string, wrapped []byte, by string) ([]byte, error) {
	for _, k := range s {
		key, err := k.Unwrap(ctx, id, wrapped, by)
		if !errors.Is(err, ErrNoKey) {
			return key, err
		}
	}
	return nil, fmt.Errorf("data key %s is encrypted by the wrapping key %s, which --encryption-key-file and --encryption-kms do not name: %w", id, by, ErrNoKey)
}
