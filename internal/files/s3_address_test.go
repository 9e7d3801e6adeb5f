package files_test

import (
	"strings"
	"testing"

	"ab2d/internal/files"
)

func TestS3Addresses(t *testing.T) {
	for address, want := range map[string][]string{
		"s3://":                                  {"there is no bucket"},
		"s3:bucket":                              {"write s3://BUCKET"},
		"s3://b":                                 {"bucket: ", "shorter than 3"},
		"s3://bucket:9000/x":                     {"bucket: "},
		"s3://key:SECRET@bucket/x":               {"give the credentials in the environment"},
		"s3://key:SEC/RET@bucket/x":              {"give the credentials in the environment"},
		"s3://bucket?endpoint=ftp://x":           {"endpoint: write https://HOST"},
		"s3://bucket?endpoint=http://x/y":        {"endpoint: write https://HOST"},
		"s3://bucket?endpoint=http://k:SECRET@x": {"endpoint: give the credentials in the environment"},
		"s3://bucket?sse=rot13":                  {"sse: write AES256"},
		"s3://bucket?sse=aws:kmsx":               {"sse: write AES256"},
		"s3://bucket?path-style=maybe":           {"path-style: write true or false"},
		"s3://bucket?secret=SECRET":              {`there is no parameter "secret"`, "in the environment"},
		"s3://bucket?region=a&region=b":          {"region is given more than once"},
		"s3://bucket?a;b":                        {"the parameters cannot be read"},
		"s3://bucket/a/../b":                     {"the prefix has an element"},
		// All faults at once, in an order that does not change.
		"s3://key:SECRET@b/..?sse=no&endpoint=ftp://x": {"credentials", "bucket: ", "prefix", "endpoint: ", "sse: "},
	} {
		_, err := files.Open(address)
		if err == nil {
			t.Errorf("%s was accepted", address)
			continue
		}
		rest := err.Error()
		for _, w := range want {
			_, after, ok := strings.Cut(rest, w)
			if !ok {
				t.Errorf("%s: %v; want %q", address, err, want)
				break
			}
			rest = after
		}
		if strings.Contains(err.Error(), "SEC") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	for _, address := range []string{
		"s3://bucket", "s3://bucket/p/q/?sse=AES256", "s3://bucket?sse=aws:kms",
		"s3://bucket?endpoint=localhost:9000&region=x&sse=aws:kms:key-1&path-style=true", "s3://bucket?endpoint=https://host/",
	} {
		if _, err := files.Open(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// FuzzS3Address: whatever the address, a password in it is neither taken nor shown.
func FuzzS3Address(f *testing.F) {
	f.Add("bucket/p?region=x")
	f.Add("bucket?endpoint=http://a@b&sse=AES256")
	f.Add("b%2f/%2e%2e?&=;")
	f.Fuzz(func(t *testing.T, rest string) {
		if _, err := files.OpenS3("s3://" + rest); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		const password = "pa55-w0rd-of-somebody"
		_, err := files.OpenS3("s3://somebody:" + password + "@" + rest)
		if err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("with a password: %v", err)
		}
	})
}
