package store

import (
	"context"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/encryption"
	"ab2d/internal/fhir"
)

// EncryptWith has the claims of loads encrypted from now on, and read if they are. It is
// called before the store is used by others.
func (db *DB) EncryptWith(ring *encryption.Ring) { db.ring = ring }

const (
	// sealedMark begins the index of a segment that is encrypted, in place of the
	// version of the index. The id of the data key follows.
	sealedMark = 0xE1
	keyIDBytes = 12
)

// isSealed tells whether the index of a segment is encrypted, and so all of it.
func isSealed(entries []byte) bool { return len(entries) > 0 && entries[0] == sealedMark }

// segmentKeys has the key of the load that was asked for last: they come in runs. Not
// safe for concurrent use.
type segmentKeys struct {
	db   *DB
	id   string
	load int64
	key  *encryption.DataKey

	plain bool // claims may be stored plain
}

// of derives the key of a load from a data key.
func (k *segmentKeys) of(ctx context.Context, id string, load int64) (*encryption.DataKey, error) {
	if k.key != nil && k.id == id && k.load == load {
		return k.key, nil
	}
	if k.db.ring == nil {
		return nil, fmt.Errorf("stored claims are encrypted, and this process has neither --encryption-key-file nor --encryption-kms: %w", encryption.ErrNoKey)
	}
	data, err := k.db.ring.Key(ctx, id)
	if err != nil {
		return nil, err
	}
	key, err := data.Derive(fmt.Sprintf("load %d", load))
	if err != nil {
		return nil, err
	}
	k.id, k.load, k.key = id, load, key
	return key, nil
}

// sealedParts are the parts of a segment that are encrypted each for itself.
type sealedParts struct{ entries, tail, head []byte }

// boundTo is what a part of a segment is bound to.
func boundTo(part string, v fhir.Version, patient coverage.EnrolleeID, load int64) string {
	return fmt.Sprintf("segment %s %d %d %d", part, int(v), patient, load)
}

// seal encrypts a segment if this database encrypts. Parts that are empty stay so.
func (k *segmentKeys) seal(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID, load int64, p sealedParts) (sealedParts, error) {
	if k.db.ring == nil {
		return p, k.mayStore(ctx)
	}
	current, err := k.db.ring.Current(ctx)
	if err != nil {
		return p, err
	}
	key, err := k.of(ctx, current.ID, load)
	if err != nil {
		return p, err
	}
	p.entries = key.Seal(append([]byte{sealedMark}, current.ID...), p.entries, boundTo("index", v, patient, load))
	if len(p.tail) > 0 {
		p.tail = key.Seal(nil, p.tail, boundTo("tail", v, patient, load))
	}
	if len(p.head) > 0 {
		p.head = key.Seal(nil, p.head, boundTo("head", v, patient, load))
	}
	return p, nil
}

// open decrypts the index of a segment.
func (k *segmentKeys) open(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID, load int64, entries []byte) ([]byte, *encryption.DataKey, error) {
	if !isSealed(entries) {
		return entries, nil, nil
	}
	if len(entries) < 1+keyIDBytes {
		return nil, nil, fmt.Errorf("decrypt stored claims: %w", encryption.ErrDamaged)
	}
	key, err := k.of(ctx, string(entries[1:1+keyIDBytes]), load)
	if err == nil {
		entries, err = key.Open(nil, entries[1+keyIDBytes:], boundTo("index", v, patient, load))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decrypt stored claims: %w", err)
	}
	return entries, key, nil
}

// openRow decrypts what was read of a row.
func (k *segmentKeys) openRow(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID, r *segmentRow) (err error) {
	if !isSealed(r.entries) {
		return nil
	}
	if r.entries, r.key, err = k.open(ctx, v, patient, r.load, r.entries); err != nil {
		return err
	}
	if len(r.tail) > 0 {
		if r.tail, err = r.key.Open(nil, r.tail, boundTo("tail", v, patient, r.load)); err != nil {
			return fmt.Errorf("decrypt stored claims: %w", err)
		}
	}
	if !r.whole {
		return nil
	}
	head, err := r.openHead(v, patient, r.head)
	r.segment.Deflate, r.head = append(head, r.tail...), nil
	return err
}

// openHead decrypts the blocks before the last, if the row is encrypted.
func (r *segmentRow) openHead(v fhir.Version, patient coverage.EnrolleeID, head []byte) ([]byte, error) {
	if r.key == nil || len(head) == 0 {
		return head, nil
	}
	head, err := r.key.Open(nil, head, boundTo("head", v, patient, r.load))
	if err != nil {
		return nil, fmt.Errorf("decrypt stored claims: %w", err)
	}
	return head, nil
}

// mayStore tells whether a process without keys may store claims: not in a database that
// encrypts them.
func (k *segmentKeys) mayStore(ctx context.Context) error {
	if k.plain {
		return nil
	}
	err := k.db.checkKeys(ctx)
	k.plain = err == nil
	return err
}

// checkKeys tells whether this process has all keys of the database.
func (db *DB) checkKeys(ctx context.Context) error {
	if db.ring != nil {
		return db.ring.Check(ctx)
	}
	keys, err := db.DataKeys(ctx)
	if err == nil && len(keys) > 0 {
		err = fmt.Errorf("this database encrypts claims: set --encryption-key-file or --encryption-kms as the servers have it: %w", encryption.ErrNoKey)
	}
	return err
}
