package export

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Kind tells a file of claims from a file about them.
type Kind string

// The kinds of files.
const (
	Data    Kind = "data"    // ExplanationOfBenefit lines
	Deleted Kind = "deleted" // Bundle lines: claims that were withdrawn
	Errors  Kind = "error"   // OperationOutcome lines
)

// File is one result file: NDJSON, stored as one gzip member.
type File struct {
	Job   string
	Kind  Kind
	Part  int    // the part that wrote it; 0 for those written at the finish
	Order int    // its place among the files of the part, from 0
	Key   string // where its bytes are in Files

	Number int    // from 1 for each kind, in enrollee order; given at the finish
	Name   string // what the sponsor asks for: Z0000_0001.ndjson

	Count  int64  // lines
	Length int64  // uncompressed bytes
	Stored int64  // gzipped bytes
	SHA256 []byte // of the uncompressed bytes
	// Checksums are those of the stored bytes, by block; see Checksums. Nil for
	// a file that was written by a release that did not make them.
	Checksums Checksums

	Downloads int  // complete deliveries so far
	Damaged   bool // the stored bytes are known to be damaged or gone
}

// FileName is the public name of a contract's file.
func FileName(contract string, k Kind, number int) string {
	if k != Data {
		return fmt.Sprintf("%s_%04d_%s.ndjson", contract, number, k)
	}
	return fmt.Sprintf("%s_%04d.ndjson", contract, number)
}

// fileKey is where a file's bytes are kept. The fence is part of it, so that
// somebody whose lease has lapsed cannot overwrite what his successor wrote.
func fileKey(l Lease, k Kind, order int) string {
	mark := ""
	if k == Deleted { // the same part has claim files, too
		mark = "deleted-"
	}
	return fmt.Sprintf("%s/%s%06d-%d-%s%d.ndjson.gz", l.Job, l.Step, l.Part, l.Fence, mark, order)
}

// ErrNoFile says that there are no bytes under a key.
var ErrNoFile = errors.New("no such file")

// Files keeps the bytes of result files under keys of the form
// "job/name", see fileKey. Safe for concurrent use, by several
// processes.
type Files interface {
	// Create starts a file. Nothing is to be seen under its key until Commit.
	Create(ctx context.Context, key string) (FileWriter, error)

	// Open reads a file from its start; ErrNoFile when absent. A read returns ErrNoFile,
	// too, if the file was removed after it was opened and cannot be read any more.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)

	// List gives the keys that begin with "job/" under which anything is
	// stored, also by a writer that was neither committed nor aborted. A job
	// without files is no error.
	List(ctx context.Context, job string) ([]string, error)

	// Remove deletes a file, and what was written under its key without
	// Commit, for good. One that is absent is no error.
	Remove(ctx context.Context, key string) error
}

// FileWriter takes the bytes of one file. Either Commit or Abort ends it.
type FileWriter interface {
	io.Writer
	// Commit makes the file durable and visible. It returns only then.
	Commit() error
	// Abort throws away what was written. After Commit it does nothing.
	Abort()
}
