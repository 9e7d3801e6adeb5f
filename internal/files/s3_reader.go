package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"ab2d/internal/export"
)

// readTries is how often a read is tried that gives nothing; one that breaks
// off after some bytes is simply begun again where it was.
const readTries = 3

// s3Reader reads an object in one stream from where it is asked to. Nothing is
// asked of the storage before the first Read.
type s3Reader struct {
	ctx    context.Context
	s3     *S3
	object string
	size   int64
	at     int64
	body   io.ReadCloser // from at on; nil before the first read and after a seek
}

// Open reads a file from its start.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	object, err := s.object(key)
	if err != nil {
		return nil, err
	}
	info, err := s.core.Client.StatObject(ctx, s.bucket, object, minio.StatObjectOptions{})
	if err != nil && isAbsent(err) {
		return nil, export.ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	return &s3Reader{ctx: ctx, s3: s, object: object, size: info.Size}, nil
}

// Seek notes where the next read begins.
func (r *s3Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, fmt.Errorf("seek from %d: from where?", whence)
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	if offset != r.at {
		r.Close()
		r.at = offset
	}
	return offset, nil
}

// Read reads on, and asks again where the connection breaks off.
func (r *s3Reader) Read(b []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	var err error
	for range readTries {
		if r.ctx.Err() != nil {
			return 0, r.ctx.Err()
		}
		if r.body == nil {
			if err = r.open(); err != nil {
				continue
			}
		}
		var n int
		n, err = r.body.Read(b)
		r.at += int64(n)
		if n > 0 {
			if err != nil {
				r.Close()
			}
			return n, nil
		}
		r.Close()
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}
	if isAbsent(err) {
		err = export.ErrNoFile
	}
	return 0, fmt.Errorf("read a stored file: %w", err)
}

func (r *s3Reader) open() error {
	var o minio.GetObjectOptions
	if r.at > 0 {
		if err := o.SetRange(r.at, 0); err != nil {
			return err
		}
	}
	body, _, _, err := r.s3.core.GetObject(r.ctx, r.s3.bucket, r.object, o)
	r.body = body
	return err
}

// Close ends the stream.
func (r *s3Reader) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
