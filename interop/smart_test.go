package interop

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"
)

// smart goes the way of SMART's bulk-data-client, typed anew from what it is
// known to do:
//
//   - It reads the CapabilityStatement before it starts.
//   - prefer: respond-async, handling=lenient. By POST the body is application/json.
//   - The kick-off's answer is JSON or nothing, with one Content-Location.
//   - A number at the beginning of X-Progress is the progress. It waits a tenth of
//     Retry-After, though at least a second.
//   - Any status but 200 and 202 ends it, and so does a manifest without a file.
//   - output, deleted and error are lists; all are downloaded. It accepts gzip,
//     deflate, br and identity, and undoes what Content-Encoding says.
//   - Each line is a resource of the file's type, OperationOutcome for error. Where
//     there is a count, it has to be right.
//   - At the end it deletes the job.
//
// It authenticates itself with a signed assertion, or with the header that it is given.
type smart struct {
	base, authorization string
	lines               map[string]int // by the resource type
	progress            []int
}

// request sends a request, and gives the answer with its body as it came.
func (s *smart) request(ctx context.Context, method, target string, body []byte, headers ...string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("authorization", s.authorization)
	r.Header.Set("accept-encoding", "gzip, deflate, br, identity")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if content, err = gzip.NewReader(resp.Body); err != nil {
			return nil, nil, err
		}
	}
	b, err := io.ReadAll(content)
	return resp, b, err
}

func (s *smart) run(ctx context.Context, query url.Values, post []byte) error {
	resp, body, err := s.request(ctx, "GET", s.base+"/metadata?_format=json", nil, "accept", "application/fhir+json")
	var statement struct{ ResourceType string }
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &statement) != nil || statement.ResourceType != "CapabilityStatement" {
		return fmt.Errorf("metadata: %v %w %s", resp, err, body)
	}
	method, kind := "GET", ""
	if post != nil {
		method, kind = "POST", "application/json"
	}
	target := s.base + "/Patient/$export"
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	resp, body, err = s.request(ctx, method, target, post, "accept", "application/fhir+json", "prefer", "respond-async, handling=lenient", "content-type", kind)
	if err != nil || resp.StatusCode >= 400 || len(body) > 0 && !json.Valid(body) {
		return fmt.Errorf("kick-off: %w %v %s", err, resp, body)
	}
	location := resp.Header.Get("content-location")
	if location == "" {
		return fmt.Errorf("the kick-off response did not include content-location header")
	}
	manifest, err := s.wait(ctx, location)
	if err != nil {
		return err
	}
	if err := s.downloadAll(ctx, manifest); err != nil {
		return err
	}
	if resp, body, err = s.request(ctx, "DELETE", location, nil); err != nil || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("delete: %w %v %s", err, resp, body)
	}
	return nil
}

// wait asks for the status until there is a manifest.
func (s *smart) wait(ctx context.Context, location string) (map[string]any, error) {
	for {
		resp, body, err := s.request(ctx, "GET", location, nil, "accept", "application/json")
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusOK:
			var manifest map[string]any
			if err := json.Unmarshal(body, &manifest); err != nil {
				return nil, err
			}
			if output, ok := manifest["output"].([]any); !ok || len(output) == 0 {
				return nil, fmt.Errorf("the export manifest output contains no files: %s", body)
			}
			return manifest, nil
		case http.StatusAccepted:
			digits := strings.IndexFunc(resp.Header.Get("x-progress"), func(c rune) bool { return c < '0' || c > '9' })
			if n, err := strconv.Atoi(resp.Header.Get("x-progress")[:max(digits, 0)]); err == nil {
				s.progress = append(s.progress, n)
			}
			seconds, err := strconv.Atoi(resp.Header.Get("retry-after"))
			if err != nil {
				return nil, fmt.Errorf("retry-after: %w", err)
			}
			select {
			case <-time.After(min(max(time.Duration(seconds)*time.Second/10, time.Second), 10*time.Second)):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		default:
			return nil, fmt.Errorf("unexpected status response %s %s", resp.Status, body)
		}
	}
}

// downloadAll downloads what the three lists name. It does not look whether they are there.
func (s *smart) downloadAll(ctx context.Context, manifest map[string]any) error {
	for _, list := range []string{"output", "deleted", "error"} {
		for _, f := range manifest[list].([]any) {
			file := f.(map[string]any)
			resp, body, err := s.request(ctx, "GET", file["url"].(string), nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				return fmt.Errorf("download: %w %v %s", err, resp, body)
			}
			want := map[string]string{"output": file["type"].(string), "deleted": "Bundle", "error": "OperationOutcome"}[list]
			n := 0
			for line := range bytes.Lines(body) {
				var resource struct{ ResourceType string }
				if err := json.Unmarshal(line, &resource); err != nil || resource.ResourceType != want {
					return fmt.Errorf("line %d is no %s: %w", n+1, want, err)
				}
				n++
			}
			if count, ok := file["count"].(float64); ok && list == "output" && count > 0 && int(count) != n {
				return fmt.Errorf("%v resources expected, %d received", count, n)
			}
			s.lines[want] += n
		}
	}
	return nil
}

func TestSMART(t *testing.T) {
	t.Parallel()
	server := sandbox(t)
	credentials := clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: server + tokenPath, Scopes: []string{"system/*.read"}}
	token, err := credentials.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type export struct {
		base     string
		query    url.Values
		post     []byte
		outcomes int
	}
	query := url.Values{"_outputFormat": {"application/fhir+ndjson"}, "_type": {"ExplanationOfBenefit"}, "_since": {"2020-03-01T00:00:00+01:00"}}
	for name, e := range map[string]export{
		"STU3":    {base: "/api/v1/fhir", query: query},
		"R4":      {base: "/api/v2/fhir", query: query},
		"lenient": {base: "/api/v2/fhir", query: url.Values{"_since": query["_since"], "_type": {"Patient,ExplanationOfBenefit"}, "includeAssociatedData": {"x"}}, outcomes: 2},
		"POST": {base: "/api/v2/fhir", post: []byte(`{"resourceType":"Parameters","parameter":[{"name":"_since","valueInstant":"2020-03-01T00:00:00+01:00"},` +
			`{"name":"_type","valueString":"ExplanationOfBenefit"},{"name":"_outputFormat","valueString":"application/fhir+ndjson"}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s := &smart{base: server + e.base, authorization: "Bearer " + token.AccessToken, lines: map[string]int{}}
			if err := s.run(ctx, e.query, e.post); err != nil {
				t.Fatal(err)
			}
			if int64(s.lines["ExplanationOfBenefit"]) != claimsOfPDP100 || s.lines["OperationOutcome"] != e.outcomes || len(s.progress) == 0 {
				t.Errorf("got %v, progress %v", s.lines, s.progress)
			}
		})
	}
}
