package files

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"ab2d/internal/export"
)

// S3 keeps result files in a bucket of S3-compatible storage, under
// prefix/job/name. A file is uploaded in parts while it is written; it appears,
// whole, when the upload is completed.
type S3 struct {
	core   minio.Core
	bucket string
	prefix string // with a slash at the end, or empty
	sse    encrypt.ServerSide
}

// OpenS3 opens the bucket at an address:
//
//	s3://BUCKET/PREFIX?endpoint=URL&region=NAME&sse=AES256
//
// sse is AES256, aws:kms or aws:kms:KEYID. Credentials come from where AWS's
// own programs take them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the
// files in ~/.aws, or the machine's role; never from the address.
func OpenS3(address string) (*S3, error) {
	s, endpoint, region, err := parseS3(address)
	if err != nil {
		return nil, err
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Secure: endpoint.Scheme == "https", Region: region,
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("open the bucket: %w", err)
	}
	s.core = minio.Core{Client: client}
	return s, nil
}

// parseS3 reads an address, and reports all its faults at once.
func parseS3(address string) (s *S3, endpoint *url.URL, region string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.User != nil {
		return nil, nil, "", errors.New("write s3://BUCKET/PREFIX?endpoint=https://HOST, and give the credentials in the environment, not in the address")
	}
	var faults []error
	s = &S3{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	if s.bucket == "" {
		faults = append(faults, errors.New("there is no bucket"))
	}
	if s.prefix != "" {
		s.prefix += "/"
	}
	endpoint = &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}
	for name, values := range u.Query() {
		switch value := values[0]; name {
		case "endpoint":
			if !strings.Contains(value, "://") {
				value = "https://" + value
			}
			e, err := url.Parse(value)
			if err != nil || e.Host == "" || e.Scheme != "https" && e.Scheme != "http" || e.Path != "" {
				faults = append(faults, fmt.Errorf("endpoint: write https://HOST or http://HOST:PORT"))
				continue
			}
			endpoint = e
		case "region":
			region = value
		case "sse":
			if s.sse, err = parseSSE(value); err != nil {
				faults = append(faults, err)
			}
		default:
			faults = append(faults, fmt.Errorf("there is no parameter %q; there are endpoint, region and sse", name))
		}
	}
	return s, endpoint, region, errors.Join(faults...)
}

func parseSSE(s string) (encrypt.ServerSide, error) {
	kind, key, _ := strings.Cut(strings.TrimPrefix(s, "aws:"), ":")
	switch {
	case s == "AES256":
		return encrypt.NewSSE(), nil
	case strings.HasPrefix(s, "aws:kms") && kind == "kms":
		return encrypt.NewSSEKMS(key, nil)
	}
	return nil, fmt.Errorf("sse: write AES256, aws:kms or aws:kms:KEYID")
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
	return code == minio.NoSuchKey || code == minio.NoSuchUpload || code == "NotFound"
}

// List gives the keys of a job's objects, and of its uploads that were not
// completed.
func (s *S3) List(ctx context.Context, job string) ([]string, error) {
	if !plain(job) {
		return nil, fmt.Errorf("job %q is not a name", job)
	}
	var keys []string
	for o := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + job + "/", Recursive: true}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list the files of %s: %w", job, o.Err)
		}
		keys = append(keys, strings.TrimPrefix(o.Key, s.prefix))
	}
	err := s.eachUpload(ctx, s.prefix+job+"/", func(object, _ string) error {
		keys = append(keys, strings.TrimPrefix(object, s.prefix))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", job, err)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
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
	for o := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list the jobs that have files: %w", o.Err)
		}
		if job, ok := strings.CutSuffix(strings.TrimPrefix(o.Key, s.prefix), "/"); ok && plain(job) {
			jobs = append(jobs, job)
		}
	}
	err := s.eachUpload(ctx, s.prefix, func(object, _ string) error {
		if job, _, err := splitKey(strings.TrimPrefix(object, s.prefix)); err == nil {
			jobs = append(jobs, job)
		}
		return nil
	})
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
	err = s.core.Client.RemoveObject(ctx, s.bucket, object, minio.RemoveObjectOptions{})
	if err == nil || isAbsent(err) {
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

// Ping tells whether the bucket can be written.
func (s *S3) Ping(ctx context.Context) error {
	object := path.Join(s.prefix, ".ping")
	_, err := s.core.Client.PutObject(ctx, s.bucket, object, strings.NewReader(""), 0, minio.PutObjectOptions{ServerSideEncryption: s.sse})
	if err == nil {
		err = s.core.Client.RemoveObject(ctx, s.bucket, object, minio.RemoveObjectOptions{})
	}
	if err != nil {
		return fmt.Errorf("the bucket for result files cannot be written: %w", err)
	}
	return nil
}

var _ export.Files = (*S3)(nil)
