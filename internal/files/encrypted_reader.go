package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"ab2d/internal/encryption"
	"ab2d/internal/export"
)

// headBytes are read at once when a file is opened: its header and its first block of
// 64 KiB, which are often all of it. Storage over a network is then asked once.
const headBytes = 66 << 10

// openEncrypted returns a reader of the plain bytes of f. If f is not encrypted, it is
// read as it is. The caller closes f if there is an error.
func openEncrypted(f io.ReadSeekCloser, who *identity) (io.ReadSeekCloser, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	if !bytes.HasPrefix(head, []byte(ageIntro)) {
		_, err := f.Seek(0, io.SeekStart)
		return f, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	source := &source{f: f, head: head, at: size}
	content, plain, err := age.DecryptReaderAt(source, size, who)
	switch {
	case who.fault != nil:
		return nil, who.fault
	case err != nil:
		return nil, source.judge(err)
	}
	return &encryptedReader{f: f, source: source, content: content, size: plain}, nil
}

// source reads the stored bytes at any place. Reads one after another are one stream.
type source struct {
	f     io.ReadSeeker
	head  []byte // the first bytes, which are in memory
	at    int64  // where f is
	fault error  // why the last read failed, if it is not the file's fault
}

// ReadAt reads the bytes from a place on.
func (s *source) ReadAt(b []byte, from int64) (int, error) {
	n := 0
	if from < int64(len(s.head)) {
		if n = copy(b, s.head[from:]); n == len(b) {
			return n, nil
		}
	}
	if at := from + int64(n); s.at != at {
		if _, err := s.f.Seek(at, io.SeekStart); err != nil {
			s.fault = err
			return n, err
		}
		s.at = at
	}
	more, err := io.ReadFull(s.f, b[n:])
	s.at += int64(more)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.fault = err
	}
	return n + more, err
}

// judge tells a file that is damaged from one that could not be read.
func (s *source) judge(err error) error {
	if s.fault != nil {
		return err
	}
	if errors.Is(err, encryption.ErrDamaged) {
		return fmt.Errorf("%w: the key in it cannot be decrypted", export.ErrDamaged)
	}
	return fmt.Errorf("%w: %w", export.ErrDamaged, err)
}

// encryptedReader reads the plain bytes of an encrypted file. Every block is verified
// before any of its bytes is given away.
type encryptedReader struct {
	f       io.Closer
	source  *source
	content io.ReaderAt
	size    int64
	at      int64
}

// Read reads on. It returns export.ErrDamaged at a block that was changed.
func (r *encryptedReader) Read(b []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	n, err := r.content.ReadAt(b[:min(int64(len(b)), r.size-r.at)], r.at)
	r.at += int64(n)
	if n > 0 || err == nil {
		return n, nil // an error comes again with the next read
	}
	fault := r.source.judge(err)
	r.source.fault = nil
	return 0, fmt.Errorf("read a stored file: %w", fault)
}

// Seek sets where the next Read begins.
func (r *encryptedReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	r.at = offset
	return offset, nil
}

// Close closes the stored file.
func (r *encryptedReader) Close() error { return r.f.Close() }
