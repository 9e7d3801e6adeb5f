package encryption

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"ab2d/internal/obs"
)

const (
	// kmsTime bounds one request to a key management service.
	kmsTime = 10 * time.Second
	// maxKMSAnswer bounds its answer, in bytes.
	maxKMSAnswer = 64 << 10
	// kmsMark begins the name of a wrapping key of AWS KMS.
	kmsMark = "aws-kms:"
)

// KMS is a wrapping key in AWS KMS, or in a service with the same API. The key never
// leaves the service. Safe for concurrent use.
type KMS struct {
	key      string // an id, an alias or an ARN
	region   string
	endpoint string
	creds    *credentials.Credentials
	signer   *v4.Signer
	http     *http.Client
}

// errKMSForm does not show what was written: it may be a secret in the wrong place.
var errKMSForm = errors.New("write aws-kms:KEY?region=NAME, where KEY is a key id, alias/NAME or an ARN; give the credentials in the environment, not in the address")

// OpenKMS takes an address:
//
//	aws-kms:KEY?region=NAME&endpoint=URL
//
// Without an endpoint it is AWS's in the region. Credentials come from where AWS's own
// programs take them, as for a bucket. Nothing is asked of the service yet.
func OpenKMS(address string) (*KMS, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "aws-kms" || u.Opaque == "" {
		return nil, errKMSForm
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errKMSForm
	}
	for name := range query {
		if name != "region" && name != "endpoint" {
			return nil, fmt.Errorf("there is no parameter %q; there are region and endpoint", name)
		}
	}
	k := &KMS{key: u.Opaque, region: query.Get("region"), endpoint: query.Get("endpoint"), signer: v4.NewSigner()}
	if k.region == "" {
		return nil, errKMSForm
	}
	if k.endpoint == "" {
		k.endpoint = "https://kms." + k.region + ".amazonaws.com"
	}
	e, err := url.Parse(k.endpoint)
	if err != nil || e.Host == "" || e.Scheme != "https" && e.Scheme != "http" || strings.Trim(e.Path, "/") != "" || e.User != nil || e.RawQuery != "" {
		return nil, errors.New("endpoint: write https://HOST or http://HOST:PORT")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = obs.Proxy
	k.http = &http.Client{Timeout: kmsTime, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	k.creds = credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
	})
	return k, nil
}

// kmsRequest is what Encrypt and Decrypt are asked.
type kmsRequest struct {
	KeyID      string            `json:"KeyId"`
	Plaintext  []byte            `json:",omitempty"`
	Ciphertext []byte            `json:"CiphertextBlob,omitempty"`
	Context    map[string]string `json:"EncryptionContext"` // what the ciphertext is bound to
}

// kmsAnswer is what they answer, or why not.
type kmsAnswer struct {
	KeyID      string `json:"KeyId"`
	Plaintext  []byte
	Ciphertext []byte `json:"CiphertextBlob"`
	Type       string `json:"__type"`
}

// bind is the encryption context of a data key.
func bind(id string) map[string]string { return map[string]string{"ab2d-data-key": id} }

// Wrap has the service encrypt a data key.
func (k *KMS) Wrap(ctx context.Context, id string, key []byte) ([]byte, string, error) {
	a, err := k.ask(ctx, "Encrypt", kmsRequest{KeyID: k.key, Plaintext: key, Context: bind(id)})
	if err != nil {
		return nil, "", err
	}
	return a.Ciphertext, kmsMark + a.KeyID, nil
}

// Unwrap has the service decrypt a data key.
func (k *KMS) Unwrap(ctx context.Context, id string, wrapped []byte, by string) ([]byte, error) {
	key, ours := strings.CutPrefix(by, kmsMark)
	if !ours {
		return nil, ErrNoKey
	}
	a, err := k.ask(ctx, "Decrypt", kmsRequest{KeyID: key, Ciphertext: wrapped, Context: bind(id)})
	if err != nil {
		return nil, err
	}
	return a.Plaintext, nil
}

// ask sends one request. Its errors name the service's reason, and no content.
func (k *KMS) ask(ctx context.Context, action string, body kmsRequest) (*kmsAnswer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.endpoint, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+action)
	c, err := k.creds.GetWithContext(nil)
	if err != nil {
		return nil, fmt.Errorf("credentials for the key management service: %w", err)
	}
	if c.AccessKeyID == "" {
		return nil, errors.New("no credentials for the key management service were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	sum := sha256.Sum256(b)
	signed := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := k.signer.SignHTTP(ctx, signed, r, hex.EncodeToString(sum[:]), "kms", k.region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign a request to the key management service: %w", err)
	}
	resp, err := k.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the key management service: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKMSAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of the key management service: %w", err)
	}
	var a kmsAnswer
	invalid := json.Unmarshal(text, &a) != nil
	if resp.StatusCode != http.StatusOK || invalid {
		reason := a.Type[strings.LastIndex(a.Type, "#")+1:]
		return nil, fmt.Errorf("the key management service answered %s to %s: %.100s", obs.Lines(resp.Status), action, obs.Lines(reason))
	}
	return &a, nil
}
