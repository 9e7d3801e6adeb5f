package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"

	"ab2d/internal/export"
)

// uploadPart is how much is held and sent at a time: a file of 10,000 parts,
// S3's most, has 80 GB.
const uploadPart = 8 << 20

// abortTime is how long it may take to clean up, also when the work has been
// canceled.
const abortTime = 30 * time.Second

// markName is the metadata that tells a writer's object from another's.
const markName = "Writer"

// s3Writer uploads a file while it is written. The key is new, since it has the
// lease's fence in it; that it is new is also asked of the storage. Storage
// that ignores If-None-Match leaves it to the fence.
type s3Writer struct {
	ctx    context.Context
	s3     *S3
	object string
	mark   string // stored with the object, to know it again
	buffer []byte
	upload string // its id; empty before the first full part
	parts  []minio.CompletePart
	err    error // the first; nothing is sent after it
	done   bool
}

// Create starts a file. Nothing is sent before a part is full.
func (s *S3) Create(ctx context.Context, key string) (export.FileWriter, error) {
	object, err := s.object(key)
	if err != nil {
		return nil, err
	}
	return &s3Writer{ctx: ctx, s3: s, object: object, mark: rand.Text(), buffer: make([]byte, 0, uploadPart)}, nil
}

// Write holds bytes until a part is full.
func (w *s3Writer) Write(b []byte) (int, error) {
	if w.done {
		return 0, errors.New("write to a file that is closed")
	}
	written := 0
	for len(b) > 0 && w.err == nil {
		n := min(len(b), uploadPart-len(w.buffer))
		w.buffer = append(w.buffer, b[:n]...)
		b, written = b[n:], written+n
		if len(w.buffer) == uploadPart {
			w.err = w.send()
		}
	}
	return written, w.err
}

// send uploads the buffer as the next part.
func (w *s3Writer) send() error {
	if w.upload == "" {
		id, err := w.s3.core.NewMultipartUpload(w.ctx, w.s3.bucket, w.object, w.options())
		if err != nil {
			return fmt.Errorf("begin an upload: %w", err)
		}
		w.upload = id
	}
	number := len(w.parts) + 1
	part, err := w.s3.core.PutObjectPart(w.ctx, w.s3.bucket, w.object, w.upload, number, bytes.NewReader(w.buffer), int64(len(w.buffer)), minio.PutObjectPartOptions{})
	if err != nil {
		return fmt.Errorf("upload part %d: %w", number, err)
	}
	w.parts = append(w.parts, minio.CompletePart{PartNumber: number, ETag: part.ETag})
	w.buffer = w.buffer[:0]
	return nil
}

// options are of the object. The condition belongs to the request that makes
// it appear, not to the one that begins an upload.
func (w *s3Writer) options() minio.PutObjectOptions {
	return minio.PutObjectOptions{
		ContentType: "application/gzip", ServerSideEncryption: w.s3.sse, UserMetadata: map[string]string{markName: w.mark},
	}
}

// Commit completes the upload: the file is then there, whole.
func (w *s3Writer) Commit() error {
	if w.done {
		return errors.New("commit a file that is closed")
	}
	if err := w.commit(); err != nil && !w.isStored(err) {
		w.Abort()
		return fmt.Errorf("store a file: %w", err)
	}
	w.done, w.buffer = true, nil
	return nil
}

func (w *s3Writer) commit() error {
	if w.err != nil {
		return w.err
	}
	if w.upload == "" {
		o := w.options()
		o.SetMatchETagExcept("*") // If-None-Match: refuse to replace anything
		_, err := w.s3.core.Client.PutObject(w.ctx, w.s3.bucket, w.object, bytes.NewReader(w.buffer), int64(len(w.buffer)), o)
		return err
	}
	if len(w.buffer) > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	var o minio.PutObjectOptions
	o.SetMatchETagExcept("*")
	_, err := w.s3.core.CompleteMultipartUpload(w.ctx, w.s3.bucket, w.object, w.upload, w.parts, o)
	return err
}

// isStored tells that the object is there and this writer's. When the answer to
// a commit is lost the library asks again, and is refused: the object exists,
// or the upload does not any more.
func (w *s3Writer) isStored(err error) bool {
	code := minio.ToErrorResponse(err).Code
	if code != minio.PreconditionFailed && code != minio.NoSuchUpload {
		return false
	}
	info, err := w.s3.core.Client.StatObject(w.ctx, w.s3.bucket, w.object, minio.StatObjectOptions{})
	return err == nil && info.UserMetadata[markName] == w.mark
}

// Abort throws away what was sent. What it cannot reach the sweep will.
func (w *s3Writer) Abort() {
	if w.done {
		return
	}
	w.done, w.buffer = true, nil
	if w.upload == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), abortTime)
	defer cancel()
	w.s3.core.AbortMultipartUpload(ctx, w.s3.bucket, w.object, w.upload)
}
