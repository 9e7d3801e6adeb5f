package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/faultsim"
	"ab2d/internal/files"
	"ab2d/internal/obs"
	"ab2d/internal/store"
	"ab2d/internal/synth"
)

// openStore opens the database. It holds signing keys: only this user may look
// into the data directory.
func openStore(ctx context.Context, c *stateConfig) (*store.DB, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory (--data=%s): %w", c.Data, err)
	}
	db, err := store.Open(ctx, c.Database, nil)
	if err != nil {
		return nil, fmt.Errorf("--database=%s: %w", c.shown(), err)
	}
	return db, nil
}

// openExisting opens a database that is there already. Commands that read a
// database, or administer one, do not make another where somebody mistyped.
func openExisting(ctx context.Context, c *stateConfig) (*store.DB, error) {
	there, err := store.Exists(ctx, c.Database)
	if err != nil {
		return nil, fmt.Errorf("--database=%s: %w", c.shown(), err)
	}
	if !there {
		hint := "start a server, import a file, or make it with ab2d migrate"
		if sandbox, _ := store.Exists(ctx, "sqlite:"+filepath.Join(defaultSandboxData, "ab2d.db")); sandbox && c.Data == kong.ExpandPath(defaultData) {
			hint = "the sandbox's is in --data=" + defaultSandboxData
		}
		return nil, &usageError{fmt.Errorf("there is no database at %s; %s", c.shown(), hint)}
	}
	return openStore(ctx, c)
}

// openSeal reads the key that encrypts signing keys.
func openSeal(c *stateConfig, k *keyConfig) (*auth.Seal, error) {
	path, create := k.KeyFile, false
	if path == "" {
		path, create = filepath.Join(c.Data, "key-encryption-key"), true
	}
	s, err := auth.OpenSeal(path, create)
	if err != nil {
		return nil, fmt.Errorf("--key-file=%s: %w", path, err)
	}
	return s, nil
}

// openFiles opens the store of result files, which encrypts them if there is a ring.
func openFiles(address string, ring *encryption.Ring) (export.Files, api.Check, error) {
	f, err := files.Open(address)
	if err != nil {
		return nil, api.Check{}, fmt.Errorf("--files=%s: %w", obs.HideSecrets(address), err)
	}
	check := api.Check{Name: "files", Ping: func(context.Context) error { return nil }}
	s, keeps := f.(files.Store)
	if !keeps {
		return f, check, nil
	}
	check.Ping = s.Ping
	return files.Encrypt(s, ring), check, nil
}

// encryptClaims has the claims of a database encrypted, and read if they are, by the keys
// of a command that imports.
func encryptClaims(ctx context.Context, c *encryptionConfig, db *store.DB) error {
	if !c.settings().On() {
		return nil // the store refuses plain claims where others are encrypted
	}
	ring, err := openRing(ctx, c, db)
	if err == nil {
		db.EncryptWith(ring)
	}
	return err
}

// openRing opens the keys that encrypt what is stored; nil if there are none. If the
// database has such keys, a process without a wrapping key is refused: it would take
// what is encrypted for damaged, and store plain what should be encrypted.
func openRing(ctx context.Context, c *encryptionConfig, db *store.DB) (*encryption.Ring, error) {
	if !c.settings().On() {
		keys, err := db.DataKeys(ctx)
		if err == nil && len(keys) > 0 {
			err = &usageError{fmt.Errorf("this database encrypts what it stores, by the wrapping key %s: set --encryption-key-file or --encryption-kms as the other processes have it", keys[0].By)}
		}
		return nil, err
	}
	wrapping, err := c.settings().Open()
	if err != nil {
		return nil, &usageError{err}
	}
	ring, err := encryption.OpenRing(ctx, db, wrapping, db.Now)
	if err != nil {
		return nil, fmt.Errorf("the keys that encrypt what is stored: %w", err)
	}
	return ring, nil
}

// source is where enrollment and claims come from.
type source interface {
	export.Roster
	export.Claims
	api.Freshness
	// Source names it, and all that decides its people and claims.
	Source() string
}

// openClaims opens the source of enrollment and claims, which was validated.
func openClaims(c *workConfig, db *store.DB, now func() time.Time) source {
	extra, ok := syntheticExtra(c.Claims)
	switch {
	case ok && extra > 0:
		return synth.New(c.Seed, now, synth.Sponsor{Name: "PDP-LOAD", Contract: "Z9999", Enrollees: extra})
	case ok:
		return synth.New(c.Seed, now)
	}
	return db
}

// syntheticExtra reads "synthetic:" and possibly a number: that many enrollees
// of one more contract, Z9999, for measuring.
func syntheticExtra(address string) (int, bool) {
	s, ok := strings.CutPrefix(address, "synthetic:")
	if !ok || s == "" {
		return 0, ok
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}

// simulateFailures lets clients ask for simulated failures. Without defaultSince
// exports without _since hold everything, unless the request asks otherwise.
func simulateFailures(c *api.Config, defaultSince bool) {
	jobs := &faultsim.Jobs{Jobs: c.Jobs, Lister: c.List, Now: c.Now, DefaultSince: defaultSince}
	c.Jobs, c.List, c.Intake.Jobs = jobs, jobs, jobs
	if tokens, ok := c.Tokens.(*auth.Server); ok {
		c.Tokens = faultsim.Tokens{Server: tokens}
	}
	c.Simulate = faultsim.Middleware(c.Responder.WriteError)
}
