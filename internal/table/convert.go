package table

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
)

// Version is that of the tables' columns. Version 1 had texts where there are lists now,
// and no contract and source of a claim.
const Version = 2

// Names are the tables, in the order in which they are documented.
var Names = []string{"claims", "lines", "diagnoses", "procedures", "care_team"}

// Descriptions tell what a row of each table is, by its name.
var Descriptions = map[string]string{
	"claims":     "a row for each version of each claim",
	"lines":      "a row for each service of a claim",
	"diagnoses":  "a row for each diagnosis of a claim",
	"procedures": "a row for each procedure of an institutional claim",
	"care_team":  "a row for each provider of a claim",
}

// maxLine bounds a line of NDJSON. The largest claims known have some hundred
// kilobytes.
const maxLine = 64 << 20

// tooLong is why a longer line cannot be read.
const tooLong = "longer than 64 MiB"

// Format is a form of tables.
type Format string

// The formats.
const (
	Parquet Format = "parquet" // zstd, a file a table
	CSV     Format = "csv"     // RFC 4180 with a header line, UTF-8, a file a table
	NDJSON  Format = "ndjson"  // one file of the claims as they came
)

// Counts are the rows of each table, by its name.
type Counts map[string]int64

// sink takes the claims in one format.
type sink interface {
	// add takes a claim: its line without the line's end, and its rows, which
	// may be used again after it returns. rows is nil for formats that need
	// none.
	add(line []byte, r *rows) error
	// close ends the files and has them on disk.
	close() (Counts, error)
	// abort ends them however they are.
	abort()
}

// Convert makes tables of files of NDJSON in a new folder, which has its name
// only when they are complete and on disk. What is there under the name is
// replaced. keep, which may be nil, tells for each claim, counted from zero over
// all files, whether it is taken. progress, which may be nil, is told the bytes
// read so far. reject, which may be nil, is told each line that cannot be read,
// which is then left out; without it such a line is an error. Resources that are
// not claims are left out. Its errors name a file and a line, and quote nothing of
// it.
func Convert(ctx context.Context, paths []string, keep func(claim int64) bool, dir string, format Format, progress func(int64), reject Reject) (Counts, error) {
	tmp := dir + ".partial"
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("clearing the folder for tables: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for tables: %w", err)
	}
	counts, err := convert(ctx, paths, keep, tmp, format, progress, reject)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return counts, swap(tmp, dir)
}

// swap puts a folder in another's place. A crash can leave neither, but never
// half a one.
func swap(tmp, dir string) error {
	old := dir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("replacing tables: %w", err)
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing tables: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("replacing tables: %w", err)
	}
	return os.RemoveAll(old)
}

func convert(ctx context.Context, paths []string, keep func(int64) bool, dir string, format Format, progress func(int64), reject Reject) (Counts, error) {
	s, err := open(dir, format)
	if err != nil {
		return nil, fmt.Errorf("writing tables: %w", err)
	}
	in := input{paths: paths, keep: keep, progress: progress, reject: reject}
	counts, err := in.pour(ctx, s, format)
	if err == nil && format != NDJSON {
		err = writeInfo(dir, Info{Version, format, counts})
	}
	if err != nil {
		return nil, err
	}
	return counts, nil
}

// input is what tables are made of: the arguments of Convert.
type input struct {
	paths    []string
	keep     func(claim int64) bool
	progress func(int64)
	reject   Reject
	others   int64 // resources that are not claims, when poured
}

// pour puts the claims of the files into a sink, and closes it.
func (in *input) pour(ctx context.Context, s sink, format Format) (Counts, error) {
	var r *rows
	if format != NDJSON {
		r = new(rows)
	}
	var claim int64
	err := scan(ctx, in.paths, in.progress, in.reject, func(at place, line []byte) error {
		claim++
		if in.keep != nil && !in.keep(claim-1) {
			return nil
		}
		e := new(eob)
		if err := json.Unmarshal(line, e); err != nil {
			return notClaim(err)
		}
		if e.ResourceType != "ExplanationOfBenefit" {
			in.others++
			return nil
		}
		if r != nil {
			if err := r.of(e); err != nil {
				return &lineError{err.Error()}
			}
			r.from(at)
		}
		return s.add(line, r)
	})
	if err != nil {
		s.abort()
		return nil, err
	}
	counts, err := s.close()
	if err != nil {
		return nil, fmt.Errorf("writing tables: %w", err)
	}
	return counts, nil
}

// notClaim says what of a line cannot be read, without its content.
func notClaim(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.JSONPointer != "" {
		return &lineError{fmt.Sprintf("%s is not of the type that a claim has there", e.JSONPointer)}
	}
	return &lineError{"it is not a claim in JSON"}
}

// Reject is told a line that cannot be read: of which file, its number from 1,
// why, and the line itself, which it may not keep.
type Reject func(path string, line int64, reason string, content []byte)

// lineError is what is wrong with one line.
type lineError struct{ reason string }

func (e *lineError) Error() string { return e.reason }

// open begins the files of a format in a folder.
func open(dir string, format Format) (sink, error) {
	switch format {
	case Parquet:
		create, err := parquetTables()
		if err != nil {
			return nil, err
		}
		return openTables(dir, create)
	case CSV:
		return openTables(dir, newCSVTable)
	case NDJSON:
		return openNDJSON(dir)
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

// place is where a line is.
type place struct {
	path string
	line int64 // from 1
}

// scan calls f with each line of files of NDJSON that is not blank, without the
// line's end. A *lineError of f ends it only if reject is nil.
func scan(ctx context.Context, paths []string, progress func(int64), reject Reject, f func(at place, line []byte) error) error {
	var read int64
	for _, path := range paths {
		if err := scanFile(ctx, path, &read, progress, reject, f); err != nil {
			return fmt.Errorf("reading %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

func scanFile(ctx context.Context, path string, read *int64, progress func(int64), reject Reject, f func(at place, line []byte) error) error {
	return EachLine(ctx, path, func(n, size int64, line []byte, long bool) error {
		if *read += size; progress != nil {
			progress(*read)
		}
		err := error(&lineError{tooLong})
		if !long {
			err = f(place{path, n}, line)
		}
		bad, ok := errors.AsType[*lineError](err)
		switch {
		case ok && reject != nil:
			reject(path, n, bad.reason, line)
			return nil
		case err != nil:
			return fmt.Errorf("line %d: %w", n, err)
		}
		return nil
	})
}

// EachLine calls f with each line of a file that is not blank: its number from 1,
// how many bytes of the file were read since the call before, and the line without
// blanks around it. Of one that is too long only the beginning is there. The line
// is valid until f returns.
func EachLine(ctx context.Context, path string, f func(line, read int64, content []byte, long bool) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 256<<10)
	var line []byte
	var size int64
	for n, long := int64(1), false; ; {
		piece, err := in.ReadSlice('\n')
		size += int64(len(piece))
		if long = long || len(line)+len(piece) > maxLine; !long {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // a byte order mark
		}
		if content := bytes.TrimSpace(line); len(content) > 0 {
			if err := f(n, size, content, long); err != nil {
				return err
			}
			size = 0
		}
		if err == io.EOF {
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		line, long = line[:0], false
		n++
	}
}

// buffered is how much is gathered before it is written to a table's file.
const buffered = 1 << 20

// file is a file of a table on its way to disk.
type file struct {
	*os.File
	*bufio.Writer
}

func create(dir, name string, buffer int) (*file, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &file{f, bufio.NewWriterSize(f, buffer)}, nil
}

func (f *file) Write(p []byte) (int, error) { return f.Writer.Write(p) }

func (f *file) ReadFrom(r io.Reader) (int64, error) { return f.Writer.ReadFrom(r) }

func (f *file) WriteString(s string) (int, error) { return f.Writer.WriteString(s) }

// Close has the file on disk when it returns.
func (f *file) Close() error {
	err := f.Writer.Flush()
	if err == nil {
		err = f.File.Sync()
	}
	return errors.Join(err, f.File.Close())
}
