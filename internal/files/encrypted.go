package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// Encrypted encrypts files before another store keeps them: in age's format, each with a
// key of its own, which is in the file, encrypted by the current data key and bound to
// the file's key in the store. Readers see the plain bytes and their length. Files that
// were stored plain stay readable. Safe for concurrent use.
type Encrypted struct {
	stored Store
	ring   *encryption.Ring
}

// Store is a store of files that can be asked what is in it and whether it works.
type Store interface {
	export.StoredJobs
	// Ping tells whether files can be stored.
	Ping(ctx context.Context) error
}

// Encrypt encrypts what is stored from now on. With a ring that is nil files are stored
// plain, and one that is encrypted gives an error that says so.
func Encrypt(stored Store, ring *encryption.Ring) *Encrypted {
	return &Encrypted{stored: stored, ring: ring}
}

// stanzaType names the part of a file's header that has the file's key.
const stanzaType = "ab2d-data-key"

// boundTo is what the key of a file is bound to.
func boundTo(key string) string { return "result file " + key }

// Create starts a file.
func (e *Encrypted) Create(ctx context.Context, key string) (export.FileWriter, error) {
	ctx, span := obs.StartSpan(ctx, "files", "write a file")
	w, err := e.create(ctx, key)
	if err != nil || !span.On() {
		span.End(err)
		return w, err
	}
	return &tracedWriter{FileWriter: w, span: span}, nil
}

func (e *Encrypted) create(ctx context.Context, key string) (export.FileWriter, error) {
	if e.ring == nil {
		return e.stored.Create(ctx, key)
	}
	dataKey, err := e.ring.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", key, err)
	}
	to, err := e.stored.Create(ctx, key)
	if err != nil {
		return nil, err
	}
	w, err := age.Encrypt(to, recipient{key: dataKey, bound: boundTo(key)})
	if err != nil {
		to.Abort()
		return nil, fmt.Errorf("encrypt %s: %w", key, err)
	}
	return &encryptedWriter{WriteCloser: w, to: to}, nil
}

// recipient encrypts the key of one file.
type recipient struct {
	key   *encryption.DataKey
	bound string
}

// Wrap makes the part of the header that has the file's key.
func (r recipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: stanzaType, Args: []string{r.key.ID}, Body: r.key.Seal(nil, fileKey, r.bound)}}, nil
}

// encryptedWriter encrypts one file.
type encryptedWriter struct {
	io.WriteCloser
	to   export.FileWriter
	done bool
}

// Commit writes the last block and makes the file visible.
func (w *encryptedWriter) Commit() error {
	if w.done {
		return errors.New("commit a file that is closed")
	}
	w.done = true
	if err := w.Close(); err != nil {
		w.to.Abort()
		return fmt.Errorf("store a file: %w", err)
	}
	return w.to.Commit()
}

// Abort throws the file away.
func (w *encryptedWriter) Abort() {
	if !w.done {
		w.done = true
		w.to.Abort()
	}
}

// Open reads a file from its start. It returns export.ErrDamaged if the header is not
// what was written, and encryption.ErrNoKey if this process has no key for the file.
func (e *Encrypted) Open(ctx context.Context, key string) (_ io.ReadSeekCloser, err error) {
	ctx, span := obs.StartSpan(ctx, "files", "open a file")
	defer func() { span.End(err) }()
	f, err := e.stored.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	if e.ring == nil {
		return &plainReader{ReadSeekCloser: f, key: key}, nil
	}
	r, err := openEncrypted(f, &identity{ctx: ctx, ring: e.ring, bound: boundTo(key)})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", key, err), f.Close())
	}
	return r, nil
}

// identity finds the key of one file.
type identity struct {
	ctx   context.Context
	ring  *encryption.Ring
	bound string
	fault error // why there is none, if it is not the file's fault
}

// Unwrap reads the part of the header that has the file's key.
func (i *identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType || len(s.Args) != 1 {
			continue
		}
		k, err := i.ring.Key(i.ctx, s.Args[0])
		if err != nil {
			i.fault = err
			return nil, err
		}
		return k.Open(nil, s.Body, i.bound)
	}
	return nil, age.ErrIncorrectIdentity
}

// List gives the keys of a job's files.
func (e *Encrypted) List(ctx context.Context, job string) (_ []string, err error) {
	ctx, span := obs.StartSpan(ctx, "files", "list the files of a job")
	defer func() { span.End(err) }()
	return e.stored.List(ctx, job)
}

// Jobs gives the jobs of which anything is stored.
func (e *Encrypted) Jobs(ctx context.Context) ([]string, error) { return e.stored.Jobs(ctx) }

// Remove deletes a file.
func (e *Encrypted) Remove(ctx context.Context, key string) (err error) {
	ctx, span := obs.StartSpan(ctx, "files", "remove a file")
	defer func() { span.End(err) }()
	return e.stored.Remove(ctx, key)
}

// Ping tells whether files can be stored.
func (e *Encrypted) Ping(ctx context.Context) error { return e.stored.Ping(ctx) }

// ageIntro begins an encrypted file. A file that is stored plain begins with gzip's
// 0x1f 0x8b.
const ageIntro = "age-encryption.org/v1\n"

// plainReader reads a file in a process that has no keys, which may be a mistake.
type plainReader struct {
	io.ReadSeekCloser
	key string
	at  int64
}

// Read fails at the start of a file that is encrypted.
func (r *plainReader) Read(b []byte) (int, error) {
	n, err := r.ReadSeekCloser.Read(b)
	if r.at == 0 && n > 0 && strings.HasPrefix(ageIntro, string(b[:min(n, len(ageIntro))])) {
		return 0, fmt.Errorf("file %s is encrypted, and this process has neither --encryption-key-file nor --encryption-kms: %w", r.key, encryption.ErrNoKey)
	}
	r.at += int64(n)
	return n, err
}

// Seek notes where the next read begins.
func (r *plainReader) Seek(offset int64, whence int) (int64, error) {
	at, err := r.ReadSeekCloser.Seek(offset, whence)
	if err == nil {
		r.at = at
	}
	return at, err
}

var _ Store = (*Encrypted)(nil)
