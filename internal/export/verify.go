package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// Verify reads all stored bytes of a file and checks them against what was
// written: checksums, gzip's CRC, SHA-256, length and number of lines. It
// returns ErrDamaged or ErrNoFile if the file is not what was written, and any
// other error if it could not be read.
func Verify(ctx context.Context, files Files, f *File) error {
	stored, err := files.Open(ctx, f.Key)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Key, err)
	}
	defer stored.Close()
	if err := verify(ctx, stored, f); err != nil {
		return fmt.Errorf("verify %s: %w", f.Key, err)
	}
	return nil
}

func verify(ctx context.Context, stored io.ReadSeeker, f *File) error {
	content := io.Reader(stored)
	if f.Checksums != nil {
		content = NewCheckedReader(stored, f)
	}
	inflated, err := gzip.NewReader(content)
	if err != nil {
		return damagedUnlessRead(err)
	}
	hash, lines, length, buffer := sha256.New(), int64(0), int64(0), make([]byte, ChecksumBlock)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := inflated.Read(buffer)
		hash.Write(buffer[:n])
		lines += int64(bytes.Count(buffer[:n], []byte{'\n'}))
		length += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damagedUnlessRead(err)
		}
	}
	switch {
	case length != f.Length || lines != f.Count:
		return fmt.Errorf("%w: it has %d bytes and %d lines, not %d and %d", ErrDamaged, length, lines, f.Length, f.Count)
	case !bytes.Equal(hash.Sum(nil), f.SHA256):
		return fmt.Errorf("%w: its SHA-256 is another", ErrDamaged)
	}
	return nil
}

// Checksum verifies a file and returns the checksums of its stored bytes.
func Checksum(ctx context.Context, files Files, f *File) (Checksums, error) {
	if err := Verify(ctx, files, f); err != nil {
		return nil, err
	}
	stored, err := files.Open(ctx, f.Key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Key, err)
	}
	defer stored.Close()
	w := &checksumWriter{to: io.Discard}
	if _, err := io.Copy(w, stored); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Key, err)
	}
	return w.sums(), nil
}

// damagedUnlessRead tells damaged content from a failure to read it.
func damagedUnlessRead(err error) error {
	if errors.Is(err, ErrDamaged) || !isFormat(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// isFormat tells whether the inflater rejected what it read.
func isFormat(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.As(err, &corrupt)
}
