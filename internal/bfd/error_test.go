package bfd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ab2d/internal/fhir"
)

// failing is a transport that only fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// TestNetworkErrors: each error of the network has its kind, and what quotes the URL
// or the answer is not told.
func TestNetworkErrors(t *testing.T) {
	for _, c := range []struct {
		err   error
		kind  Kind
		tells string
	}{
		{&net.DNSError{Err: "no such host", Name: "bfd.example"}, Lost, "no such host"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, Lost, "connection refused"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, Denied, "bad certificate"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, Denied, "unknown authority"},
		{x509.UnknownAuthorityError{}, Denied, "unknown authority"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "bfd.example"}, Denied, "bfd.example"},
		{context.DeadlineExceeded, Late, "deadline"},
		{io.EOF, Lost, "the connection was lost"},
		{errors.New(`malformed HTTP response "patient 190000001"`), Lost, "the connection was lost"},
	} {
		client, err := New(Config{Bases: map[fhir.Version]string{fhir.V2: "https://bfd.example/v2/fhir"}, Tries: 1, Transport: failing{c.err}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Claims(t.Context(), ClaimQuery{Version: fhir.V2, Patient: 190000001}, nil)
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.tells) {
			t.Errorf("%v became %v", c.err, err)
		}
		if err != nil && (strings.Contains(err.Error(), "190000001") || strings.Contains(err.Error(), "https")) {
			t.Errorf("the error tells the URL: %v", err)
		}
	}
}

func TestIssueCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"resourceType":"OperationOutcome","issue":[{"code":"not-found","diagnostics":"patient 7"}]}`: "not-found",
		`{"issue":[{"code":"patient 7"}]}`: "", `{"issue":[{"code":"` + strings.Repeat("x", 21) + `"}]}`: "",
		`{"issue":[]}`: "", `<html>`: "", ``: "", `{"issue":7}`: "",
	} {
		if got := issueCode(strings.NewReader(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func TestSleep(t *testing.T) {
	if err := sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
