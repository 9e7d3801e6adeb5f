package files

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// S3 keeps result files in a bucket of S3-compatible storage, under
// prefix/job/name. A file is uploaded in parts while it is written; it appears,
// whole, when the upload is completed. Transient faults are tried again by the
// library, with growing pauses, up to ten times or until the context ends. Safe
// for concurrent use, by several processes.
type S3 struct {
	core   minio.Core
	bucket string
	prefix string // with a slash at the end, or empty
	sse    encrypt.ServerSide
}

// OpenS3 opens the bucket at an address:
//
//	s3://BUCKET/PREFIX?endpoint=URL&region=NAME&sse=AES256&path-style=true
//
// sse is AES256, aws:kms or aws:kms:KEYID. Without an endpoint it is AWS.
// Credentials come from where AWS's own programs take them: AWS_ACCESS_KEY_ID
// and AWS_SECRET_ACCESS_KEY, the files in ~/.aws, or the machine's role; never
// from the address. Nothing is asked of the storage yet: see Ping.
func OpenS3(address string) (*S3, error) {
	a, err := parseS3(address)
	if err != nil {
		return nil, fmt.Errorf("address of the bucket: %w", err)
	}
	transport, err := minio.DefaultTransport(a.endpoint.Scheme == "https")
	if err != nil {
		return nil, fmt.Errorf("open the bucket: %w", err)
	}
	transport.Proxy = obs.Proxy
	client, err := minio.New(a.endpoint.Host, &minio.Options{
		Secure: a.endpoint.Scheme == "https", Region: a.region, BucketLookup: a.lookup, Transport: transport,
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("open the bucket: %w", err)
	}
	return &S3{core: minio.Core{Client: client}, bucket: a.bucket, prefix: a.prefix, sse: a.sse}, nil
}

// object gives the name of a key's object.
func (s *S3) object(key string) (string, error) {
	if _, _, err := splitKey(key); err != nil {
		return "", err
	}
	return s.prefix + key, nil
}

// isAbsent tells that there is no such object or upload.
func isAbsent(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == minio.NoSuchKey || code == minio.NoSuchUpload || code == "NoSuchVersion" || code == "NotFound"
}

// List gives the keys of a job's objects, and of its uploads that were not
// completed.
func (s *S3) List(ctx context.Context, job string) ([]string, error) {
	if !plain(job) {
		return nil, fmt.Errorf("job %q is not a name", job)
	}
	var keys []string
	err := s.eachObject(ctx, s.prefix+job+"/", true, func(o minio.ObjectInfo) error {
		keys = append(keys, strings.TrimPrefix(o.Key, s.prefix))
		return nil
	})
	if err == nil {
		err = s.eachUpload(ctx, s.prefix+job+"/", func(object, _ string) error {
			keys = append(keys, strings.TrimPrefix(object, s.prefix))
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", job, err)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// eachObject gives the objects whose names begin with prefix; if not deep, the
// folders in it. Where the bucket keeps old versions it gives each of them, and
// the marks of deletion: what is only hidden is still stored. Some storage
// knows nothing of versions.
func (s *S3) eachObject(ctx context.Context, prefix string, deep bool, see func(minio.ObjectInfo) error) error {
	list := func(versions bool) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		options := minio.ListObjectsOptions{Prefix: prefix, Recursive: deep, WithVersions: versions}
		for o := range s.core.Client.ListObjects(ctx, s.bucket, options) {
			if o.Err != nil {
				return o.Err
			}
			if err := see(o); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	err := list(true)
	if minio.ToErrorResponse(err).Code == minio.NotImplemented {
		err = list(false)
	}
	return err
}

// eachUpload gives the uploads that were not completed.
func (s *S3) eachUpload(ctx context.Context, prefix string, see func(object, id string) error) error {
	key, id := "", ""
	for {
		page, err := s.core.ListMultipartUploads(ctx, s.bucket, prefix, key, id, "", 1000)
		if err != nil {
			return err
		}
		for _, u := range page.Uploads {
			if strings.HasPrefix(u.Key, prefix) {
				if err := see(u.Key, u.UploadID); err != nil {
					return err
				}
			}
		}
		if !page.IsTruncated {
			return nil
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

// Jobs gives the jobs of which anything is stored.
func (s *S3) Jobs(ctx context.Context) ([]string, error) {
	var jobs []string
	err := s.eachObject(ctx, s.prefix, false, func(o minio.ObjectInfo) error {
		if job, ok := strings.CutSuffix(strings.TrimPrefix(o.Key, s.prefix), "/"); ok && plain(job) {
			jobs = append(jobs, job)
		}
		return nil
	})
	if err == nil {
		err = s.eachUpload(ctx, s.prefix, func(object, _ string) error {
			if job, _, err := splitKey(strings.TrimPrefix(object, s.prefix)); err == nil {
				jobs = append(jobs, job)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the jobs that have files: %w", err)
	}
	slices.Sort(jobs)
	return slices.Compact(jobs), nil
}

// Remove deletes an object, and its uploads that were not completed.
func (s *S3) Remove(ctx context.Context, key string) error {
	object, err := s.object(key)
	if err != nil {
		return err
	}
	err = s.erase(ctx, object)
	if err == nil {
		err = s.eachUpload(ctx, object, func(found, id string) error {
			if found != object {
				return nil
			}
			if err := s.core.AbortMultipartUpload(ctx, s.bucket, object, id); err != nil && !isAbsent(err) {
				return err
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", key, err)
	}
	return nil
}

// erase deletes an object for good. A bucket that keeps old versions only
// hides what is deleted, so that then each version is deleted by its id.
func (s *S3) erase(ctx context.Context, object string) error {
	err := s.core.Client.RemoveObject(ctx, s.bucket, object, minio.RemoveObjectOptions{})
	if err != nil && !isAbsent(err) {
		return err
	}
	return s.eachObject(ctx, object, true, func(o minio.ObjectInfo) error {
		if o.Key != object {
			return nil
		}
		err := s.core.Client.RemoveObject(ctx, s.bucket, object, minio.RemoveObjectOptions{VersionID: o.VersionID})
		if isAbsent(err) {
			return nil
		}
		return err
	})
}

// Ping tells whether the bucket can be written.
func (s *S3) Ping(ctx context.Context) error {
	object := s.prefix + ".ping"
	_, err := s.core.Client.PutObject(ctx, s.bucket, object, strings.NewReader(""), 0, minio.PutObjectOptions{ServerSideEncryption: s.sse})
	if err == nil {
		err = s.erase(ctx, object)
	}
	if err == nil {
		return nil
	}
	if c, e := s.core.Client.GetCreds(); e == nil && c.SignerType.IsAnonymous() {
		err = fmt.Errorf("%w (no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)", err)
	}
	return fmt.Errorf("the bucket for result files cannot be written: %w", err)
}

var _ export.Files = (*S3)(nil)
