package bfd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"ab2d/internal/fhir"
)

// ErrInactive says that the server answers, but that its CapabilityStatement is not
// active, or is of another release of FHIR than the version has.
var ErrInactive = errors.New("the server says that it is not active, or has another release of FHIR")

// mostMetadata is the length in bytes of the longest CapabilityStatement that is
// read. That of BFD has less than 100 KB.
const mostMetadata = 4 << 20

// Ping asks a server for its CapabilityStatement, once and without another try. It
// returns nil if the server is active. The error is ErrInactive, ErrOpen while the
// server is left alone because it failed too often, or that of a call. A good answer
// counts as a success of the server, and a failure as one of those after which it is
// left alone. It is safe for concurrent use.
func (c *Client) Ping(ctx context.Context, v fhir.Version) error {
	const doing = "ask for the metadata of the server"
	b := c.bases[v]
	if b == nil {
		return fmt.Errorf("%s: %s has no base URL", doing, v)
	}
	r := &request{url: b.url.JoinPath("metadata"), header: c.header()}
	var inactive bool
	err := c.call(ctx, b, r, func(body io.Reader) (err error) {
		inactive, err = readMetadata(body, v)
		return err
	})
	if err == nil && inactive {
		err = ErrInactive
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// readMetadata reads a CapabilityStatement.
func readMetadata(body io.Reader, v fhir.Version) (inactive bool, err error) {
	var s struct{ ResourceType, Status, FHIRVersion string }
	m := &meter{r: body, left: mostMetadata}
	switch err := json.NewDecoder(m).Decode(&s); {
	case errors.Is(m.err, errTooLong):
		return false, errTooLong
	case err != nil && m.err != nil && !errors.Is(m.err, io.EOF):
		return false, m.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return false, errCut
	case err != nil || s.ResourceType != "CapabilityStatement":
		return false, &Error{Kind: Malformed, Status: http.StatusOK, cause: errors.New("the answer is not a CapabilityStatement in JSON")}
	}
	release := "4."
	if v == fhir.V1 {
		release = "3."
	}
	return s.Status != "active" || s.FHIRVersion != "" && !strings.HasPrefix(s.FHIRVersion, release), nil
}
