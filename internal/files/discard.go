package files

import (
	"context"
	"io"

	"ab2d/internal/export"
)

// Discard keeps nothing: it is for measuring exports that are too large to be
// kept. A file of it can be listed in a manifest, but not downloaded.
type Discard struct{}

// Create starts a file that nobody will see.
func (Discard) Create(context.Context, string) (export.FileWriter, error) { return nowhere{}, nil }

// Open finds nothing.
func (Discard) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return nil, export.ErrNoFile
}

// List finds nothing.
func (Discard) List(context.Context, string) ([]string, error) { return nil, nil }

// Remove has nothing to do.
func (Discard) Remove(context.Context, string) error { return nil }

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Commit() error               { return nil }
func (nowhere) Abort()                      {}
