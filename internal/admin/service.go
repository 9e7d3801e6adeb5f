package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/rest"
)

// Store is the database as the administration needs it. All methods are safe
// for concurrent use and durable when they return.
type Store interface {
	Clients
	Contracts
	Jobs
	JobDetails
	SigningKeys
	Maintenances
	Tokens
	AuditLog
	FileMarks
	Requests
	Mirrors
}

// Config is what a Service needs. All fields must be set but Files.
type Config struct {
	Store   Store
	Intake  *export.Intake
	Files   export.Files                                 // to verify them; nil: they cannot be verified
	KeyRing func(context.Context) (*auth.KeyRing, error) // opened when a key is rotated
	Now     func() time.Time
	Workers []string // the names of the workers in this process
}

// Service administers sponsors, contracts, clients, jobs and keys. Safe for
// concurrent use. Errors meant for the caller are *rest.Error.
type Service struct {
	store   Store
	intake  *export.Intake
	files   export.Files
	keyRing func(context.Context) (*auth.KeyRing, error)
	now     func() time.Time
	workers []string
}

// New returns a Service. It fails if a field of c is missing.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Intake == nil || c.KeyRing == nil || c.Now == nil {
		return nil, errors.New("make the administration: Config needs Store, Intake, KeyRing and Now")
	}
	return &Service{store: c.Store, intake: c.Intake, files: c.Files, keyRing: c.KeyRing, now: c.Now, workers: c.Workers}, nil
}

// Effect is the response to a change that takes something away.
type Effect struct {
	Effect string `json:"effect"` // what the change does, as a sentence without a subject
	Done   bool   `json:"done"`   // false after a dry run
}

// apply does a change, or with dryRun only describes it.
func apply(dryRun bool, text string, change func() error) (Effect, error) {
	if dryRun {
		return Effect{Effect: text}, nil
	}
	if err := change(); err != nil {
		return Effect{}, err
	}
	return Effect{Effect: text, Done: true}, nil
}

// maxListed bounds the rows of a list.
const maxListed = 1000

// duration parses a duration that may be left out.
func duration(field, s string, otherwise time.Duration) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, rest.InvalidField(field, "%s is not a duration, for example 336h.", rest.Quoted(s))
	}
	return d, nil
}

// enableOrDisable is the verb for a switch.
func enableOrDisable(enabled bool) string {
	if enabled {
		return "enable"
	}
	return "disable"
}

// counted is "1 client" or "3 clients".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
