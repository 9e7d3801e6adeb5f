package api

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// inflated reads a gzip file as what is in it. To seek is to read up to there,
// which happens only when a download is resumed.
type inflated struct {
	stored io.ReadSeeker
	length int64
	gzip   *gzip.Reader
	at     int64 // where the next read should begin
	read   int64 // where gzip is
}

func newInflated(stored io.ReadSeeker, length int64) *inflated {
	return &inflated{stored: stored, length: length}
}

// Seek only notes where the next read begins.
func (i *inflated) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += i.at
	case io.SeekEnd:
		offset += i.length
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	i.at = offset
	return offset, nil
}

// Read reads from where the last Seek went to.
func (i *inflated) Read(b []byte) (int, error) {
	if i.at >= i.length {
		return 0, io.EOF
	}
	if err := i.catchUp(); err != nil {
		return 0, err
	}
	n, err := i.gzip.Read(b)
	i.read += int64(n)
	i.at = i.read
	if errors.Is(err, io.EOF) && i.read < i.length {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// catchUp brings gzip to where the next read begins.
func (i *inflated) catchUp() error {
	if i.gzip == nil || i.read > i.at {
		if _, err := i.stored.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read a result file: %w", err)
		}
		z, err := gzip.NewReader(i.stored)
		if err != nil {
			return fmt.Errorf("inflate a result file: %w", err)
		}
		i.gzip, i.read = z, 0
	}
	n, err := io.CopyN(io.Discard, i.gzip, i.at-i.read)
	i.read += n
	if err != nil {
		return fmt.Errorf("inflate a result file: %w", err)
	}
	return nil
}
