package interop

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2/clientcredentials"

	"ab2d/interop/ab2d"
)

// discover reads the server's address and the token URL from the document that
// the server answers.
func discover(t *testing.T, documentURL string) (server, tokenURL string) {
	t.Helper()
	resp, err := http.Get(documentURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var document struct {
		Servers    []struct{ URL string }
		Components struct {
			SecuritySchemes struct {
				ClientCredentials struct {
					Flows struct{ ClientCredentials struct{ TokenURL string } }
				}
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil || len(document.Servers) != 1 {
		t.Fatal(err, document)
	}
	return document.Servers[0].URL, document.Components.SecuritySchemes.ClientCredentials.Flows.ClientCredentials.TokenURL
}

// version is what the test needs of a generated client, in one of the API's versions.
type version struct {
	start  func(context.Context) (location *string, answer *http.Response, body []byte, err error)
	status func(context.Context, uuid.UUID) (manifest *ab2d.Manifest, answer *http.Response, err error)
	file   func(context.Context, uuid.UUID, string) (body []byte, answer *http.Response, err error)
	remove func(context.Context, uuid.UUID) (answer *http.Response, err error)
}

func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	server, tokenURL := discover(t, sandbox(t)+"/openapi.json")
	credentials := clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: tokenURL}
	client, err := ab2d.NewClientWithResponses(server, ab2d.WithHTTPClient(credentials.Client(t.Context())))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]version{"v1": v1(client), "v2": v2(client), "v2 by POST": byPOST(client)} {
		t.Run(name, func(t *testing.T) { exportAll(t, v) })
	}
}

func v1(c *ab2d.ClientWithResponses) version {
	return version{
		start: func(ctx context.Context) (*string, *http.Response, []byte, error) {
			r, err := c.ExportPatientsV1WithResponse(ctx, &ab2d.ExportPatientsV1Params{UnderscoreType: &ab2d.Type{"ExplanationOfBenefit"}})
			if err != nil || r.Headers202 == nil {
				return nil, r.HTTPResponse, r.Body, err
			}
			return &r.Headers202.ContentLocation, r.HTTPResponse, r.Body, nil
		},
		status: func(ctx context.Context, job uuid.UUID) (*ab2d.Manifest, *http.Response, error) {
			r, err := c.JobStatusV1WithResponse(ctx, job)
			if err != nil {
				return nil, nil, err
			}
			return r.JSON200, r.HTTPResponse, nil
		},
		file: func(ctx context.Context, job uuid.UUID, name string) ([]byte, *http.Response, error) {
			r, err := c.FileV1WithResponse(ctx, job, name, nil)
			if err != nil {
				return nil, nil, err
			}
			return r.Body, r.HTTPResponse, nil
		},
		remove: func(ctx context.Context, job uuid.UUID) (*http.Response, error) {
			r, err := c.DeleteJobV1WithResponse(ctx, job)
			if err != nil {
				return nil, err
			}
			return r.HTTPResponse, nil
		},
	}
}

func v2(c *ab2d.ClientWithResponses) version {
	since := time.Date(2020, 3, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600+1800)) // whose + must be encoded
	return version{
		start: func(ctx context.Context) (*string, *http.Response, []byte, error) {
			r, err := c.ExportPatientsV2WithResponse(ctx, &ab2d.ExportPatientsV2Params{UnderscoreSince: &since})
			if err != nil || r.Headers202 == nil {
				return nil, r.HTTPResponse, r.Body, err
			}
			return &r.Headers202.ContentLocation, r.HTTPResponse, r.Body, nil
		},
		status: func(ctx context.Context, job uuid.UUID) (*ab2d.Manifest, *http.Response, error) {
			r, err := c.JobStatusV2WithResponse(ctx, job, nil)
			if err != nil {
				return nil, nil, err
			}
			return r.JSON200, r.HTTPResponse, nil
		},
		file: func(ctx context.Context, job uuid.UUID, name string) ([]byte, *http.Response, error) {
			r, err := c.FileV2WithResponse(ctx, job, name, nil)
			if err != nil {
				return nil, nil, err
			}
			return r.Body, r.HTTPResponse, nil
		},
		remove: func(ctx context.Context, job uuid.UUID) (*http.Response, error) {
			r, err := c.DeleteJobV2WithResponse(ctx, job)
			if err != nil {
				return nil, err
			}
			return r.HTTPResponse, nil
		},
	}
}

// byPOST is v2, but for the start.
func byPOST(c *ab2d.ClientWithResponses) version {
	v := v2(c)
	v.start = func(ctx context.Context) (*string, *http.Response, []byte, error) {
		since := time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)
		body := ab2d.ExportParameters{ResourceType: ab2d.ExportParametersResourceTypeParameters, Parameter: &[]ab2d.ExportParameter{{Name: "_since", ValueInstant: &since}}}
		r, err := c.ExportPatientsByBodyV2WithApplicationFhirPlusJSONBodyWithResponse(ctx, nil, body)
		if err != nil || r.Headers202 == nil {
			return nil, r.HTTPResponse, r.Body, err
		}
		return &r.Headers202.ContentLocation, r.HTTPResponse, r.Body, nil
	}
	return v
}

// exportAll exports PDP-100, and leaves nothing behind.
func exportAll(t *testing.T, v version) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	location, answer, body, err := v.start(ctx)
	if err != nil || location == nil {
		t.Fatalf("not started: %v %v %s", err, answer, body)
	}
	job, err := uuid.Parse(path.Base(path.Dir(*location)))
	if err != nil {
		t.Fatal(err)
	}
	manifest := waitFor(ctx, t, v, job)
	if n := manifest.Extension.Httpsab2dCmsGovtotals.Enrollees; n != 100 || !bool(manifest.RequiresAccessToken) || len(manifest.Error) != 0 {
		t.Errorf("%d enrollees, files in error: %v", n, manifest.Error)
	}
	claims := int64(0)
	for _, f := range manifest.Output {
		content, answer, err := v.file(ctx, job, path.Base(f.Url))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(err, answer)
		}
		var checksum string
		var length int64
		for _, e := range f.Extension {
			switch {
			case strings.HasSuffix(string(e.Url), "checksum"):
				checksum = *e.ValueString
			case strings.HasSuffix(string(e.Url), "file_length"):
				length = *e.ValueDecimal
			}
		}
		ndjson(t, content, string(f.Type), f.Count, length, checksum)
		claims += f.Count
	}
	if claims != claimsOfPDP100 {
		t.Errorf("%d claims, want %d", claims, claimsOfPDP100)
	}
	if answer, err := v.remove(ctx, job); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Errorf("deleted with %v %v", err, answer)
	}
	if _, answer, err := v.status(ctx, job); err != nil || answer.StatusCode != http.StatusNotFound {
		t.Errorf("after that the status is %v %v", err, answer)
	}
}

// waitFor asks for the status until there is a manifest, as often as Retry-After allows.
func waitFor(ctx context.Context, t *testing.T, v version, job uuid.UUID) *ab2d.Manifest {
	t.Helper()
	for {
		manifest, answer, err := v.status(ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		if manifest != nil {
			return manifest
		}
		if answer.StatusCode != http.StatusAccepted {
			t.Fatalf("the status is %s", answer.Status)
		}
		retryAfter(ctx, t, answer)
	}
}

// retryAfter waits for the seconds that the header says.
func retryAfter(ctx context.Context, t *testing.T, answer *http.Response) {
	t.Helper()
	wait, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s")
	if err != nil {
		t.Fatalf("Retry-After: %v", err)
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}
