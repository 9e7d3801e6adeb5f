package files

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// s3Address is what an address says.
type s3Address struct {
	bucket   string
	prefix   string // with a slash at the end, or empty
	endpoint *url.URL
	region   string
	lookup   minio.BucketLookupType
	sse      encrypt.ServerSide // nil: as the bucket is set up
}

// Neither shows what was written: it may be a secret in the wrong place.
var (
	errS3Form        = errors.New("write s3://BUCKET/PREFIX?endpoint=https://HOST")
	errS3Credentials = errors.New("give the credentials in the environment, not in the address")
)

// parseS3 reads an address, and reports all its faults at once.
func parseS3(address string) (s3Address, error) {
	a := s3Address{endpoint: &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Opaque != "" {
		return a, fmt.Errorf("%w, and %w", errS3Form, errS3Credentials)
	}
	var faults []error
	if u.User != nil {
		faults = append(faults, errS3Credentials)
	}
	if a.bucket = u.Host; a.bucket == "" {
		faults = append(faults, errors.New("there is no bucket"))
	} else if err := s3utils.CheckValidBucketNameStrict(a.bucket); err != nil {
		faults = append(faults, fmt.Errorf("bucket: %w", err))
	}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		a.prefix = prefix + "/"
		if !allPlain(strings.Split(prefix, "/")) {
			faults = append(faults, errors.New("the prefix has an element that is empty or begins with a dot"))
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		faults = append(faults, errors.New("the parameters cannot be read: write name=value&name=value"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(query[name]) > 1 {
			faults = append(faults, fmt.Errorf("%s is given more than once", name))
		} else if err := a.set(name, query[name][0]); err != nil {
			faults = append(faults, err)
		}
	}
	return a, errors.Join(faults...)
}

func allPlain(elements []string) bool {
	return !slices.ContainsFunc(elements, func(e string) bool { return !plain(e) })
}

// set takes one parameter.
func (a *s3Address) set(name, value string) (err error) {
	switch name {
	case "endpoint":
		a.endpoint, err = parseEndpoint(value)
	case "region":
		a.region = value
	case "sse":
		a.sse, err = parseSSE(value)
	case "path-style":
		path, e := strconv.ParseBool(value)
		if e != nil {
			return errors.New("path-style: write true or false")
		}
		a.lookup = minio.BucketLookupDNS
		if path {
			a.lookup = minio.BucketLookupPath
		}
	default:
		return fmt.Errorf("there is no parameter %q; there are endpoint, region, sse and path-style (%w)", name, errS3Credentials)
	}
	return err
}

// parseEndpoint reads where the storage is; without a scheme it is https.
func parseEndpoint(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("endpoint: write https://HOST or http://HOST:PORT")
	}
	if u.User != nil {
		return nil, fmt.Errorf("endpoint: %w", errS3Credentials)
	}
	return u, nil
}

// parseSSE reads how the storage is to encrypt.
func parseSSE(s string) (encrypt.ServerSide, error) {
	key, named := strings.CutPrefix(s, "aws:kms:")
	switch {
	case s == "AES256":
		return encrypt.NewSSE(), nil
	case s == "aws:kms":
		return encrypt.NewSSEKMS("", nil)
	case named && key != "":
		return encrypt.NewSSEKMS(key, nil)
	}
	return nil, errors.New("sse: write AES256, aws:kms or aws:kms:KEYID")
}
