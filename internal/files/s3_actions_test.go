package files_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/files"
	"ab2d/internal/testserver"
)

// actionOf is the permission that a request to S3 needs.
func actionOf(r *http.Request) string {
	has := r.URL.Query().Has
	bucket := strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0
	switch {
	case bucket && r.Method == http.MethodGet && has("versions"):
		return "s3:ListBucketVersions"
	case bucket && r.Method == http.MethodGet && has("uploads"):
		return "s3:ListBucketMultipartUploads"
	case bucket && r.Method == http.MethodGet && has("list-type"):
		return "s3:ListBucket"
	case !bucket && (r.Method == http.MethodGet || r.Method == http.MethodHead) && !has("versionId"):
		return "s3:GetObject"
	case !bucket && (r.Method == http.MethodPut || r.Method == http.MethodPost && (has("uploads") || has("uploadId"))):
		return "s3:PutObject"
	case !bucket && r.Method == http.MethodDelete && has("uploadId"):
		return "s3:AbortMultipartUpload"
	case !bucket && r.Method == http.MethodDelete && has("versionId"):
		return "s3:DeleteObjectVersion"
	case !bucket && r.Method == http.MethodDelete:
		return "s3:DeleteObject"
	}
	return "unknown: " + r.Method + " " + r.URL.String()
}

// recording gives the address of a proxy before a bucket, and the permissions that the
// requests through it needed. ListBucket is needed for versions that a storage does not
// list, and to learn that an object is absent.
func recording(t *testing.T, address string) (string, func() []string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(u.Query().Get("endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]bool{"s3:ListBucket": true}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[actionOf(r)] = true
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return strings.Replace(address, to.String(), s.URL, 1), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Keys(seen))
	}
}

// TestS3Actions: docs/clouds.md lists exactly the permissions that the program needs.
func TestS3Actions(t *testing.T) {
	server := testserver.S3(t)
	server.Setenv(t)
	if err := client(t, server).EnableVersioning(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	address, actions := recording(t, server.Address("actions"))
	f, err := files.OpenS3(address)
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"small": 10, "large": 9 << 20, "aborted": 9 << 20} {
		w, err := f.Create(t.Context(), "job/"+name)
		if err == nil {
			_, err = w.Write(make([]byte, size))
		}
		if err == nil && name != "aborted" {
			err = w.Commit()
		}
		w.Abort()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"small", "large"} {
		r, err := f.Open(t.Context(), "job/"+name)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err == nil {
			_, err = f.List(t.Context(), "job")
		}
		if err == nil {
			err = f.Remove(t.Context(), "job/"+name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Jobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/clouds.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := slices.Sorted(maps.Keys(namesIn(string(page))))
	if diff := cmp.Diff(documented, actions()); diff != "" {
		t.Errorf("docs/clouds.md and what was asked of S3:\n%s", diff)
	}
}

func namesIn(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(s3:[A-Za-z]+)"`).FindAllStringSubmatch(page, -1) {
		found[m[1]] = true
	}
	return found
}
