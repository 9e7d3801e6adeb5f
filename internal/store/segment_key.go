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

// maxKeys is how many keys of loads are held: an enrollee's rows are of some loads, and
// those of others are of the same ones.
const maxKeys = 256

// segmentKeys has the keys of loads that were asked for. Not safe for concurrent use.
type segmentKeys struct {
	db   *DB
	keys map[keyOf]*encryption.DataKey

	plain bool // claims may be stored plain
}

// keyOf says which key: that of a load, derived from a data key.
type keyOf struct {
	id   string
	load int64
}

// of derives the key of a load from a data key.
func (k *segmentKeys) of(ctx context.Context, id string, load int64) (*encryption.DataKey, error) {
	if key := k.keys[keyOf{id, load}]; key != nil {
		return key, nil
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
	if k.keys == nil || len(k.keys) >= maxKeys {
		k.keys = map[keyOf]*encryption.DataKey{}
	}
	k.keys[keyOf{id, load}] = key
	return key, nil
}

// sealedParts are the parts of a row that are encrypted each for itself, by name.
type sealedParts map[string][]byte

// boundTo is what a part of a segment is bound to.
func boundTo(part string, v fhir.Version, patient coverage.EnrolleeID, load int64) string {
	return fmt.Sprintf("segment %s %d %d %d", part, int(v), patient, load)
}

// seal encrypts the parts of a row if this database encrypts. index is the name of the
// part that says so. Other parts that are empty stay so.
func (k *segmentKeys) seal(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID, load int64, index string, parts sealedParts) error {
	if k.db.ring == nil {
		return k.mayStore(ctx)
	}
	current, err := k.db.ring.Current(ctx)
	if err != nil {
		return err
	}
	key, err := k.of(ctx, current.ID, load)
	if err != nil {
		return err
	}
	for name, b := range parts {
		var mark []byte
		if name == index {
			mark = append([]byte{sealedMark}, current.ID...)
		} else if len(b) == 0 {
			continue
		}
		parts[name] = key.Seal(mark, b, boundTo(name, v, patient, load))
	}
	return nil
}

// open decrypts the index of a segment.
func (k *segmentKeys) open(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID, load int64, part string, entries []byte) ([]byte, *encryption.DataKey, error) {
	if !isSealed(entries) {
		return entries, nil, nil
	}
	if len(entries) < 1+keyIDBytes {
		return nil, nil, fmt.Errorf("decrypt stored claims: %w", encryption.ErrDamaged)
	}
	key, err := k.of(ctx, string(entries[1:1+keyIDBytes]), load)
	if err == nil {
		entries, err = key.Open(nil, entries[1+keyIDBytes:], boundTo(part, v, patient, load))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decrypt stored claims: %w", err)
	}
	return entries, key, nil
}

// openIndex decrypts the index of a row, and which claims left.
func (k *segmentKeys) openIndex(ctx context.Context, v fhir.Version, r *segmentRow) (err error) {
	if !isSealed(r.entries) {
		return nil
	}
	index := "index"
	if r.delta {
		index = "delta index"
	}
	if r.entries, r.key, err = k.open(ctx, v, r.patient, r.load, index, r.entries); err != nil {
		return err
	}
	r.ids, err = r.openPart(v, "delta gone", r.ids)
	return err
}

// openPart decrypts a part of a row, if the row is encrypted. Parts that are empty are
// not.
func (r *segmentRow) openPart(v fhir.Version, part string, b []byte) ([]byte, error) {
	if r.key == nil || len(b) == 0 {
		return b, nil
	}
	b, err := r.key.Open(nil, b, boundTo(part, v, r.patient, r.load))
	if err != nil {
		return nil, fmt.Errorf("decrypt stored claims: %w", err)
	}
	return b, nil
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
