package hpms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// The paths of HPMS's API, below the base URL.
const (
	tokenPath         = "/api/idm/OAuth/AMMtoken" //nolint:gosec // a path, not a token
	organizationsPath = "/api/cda_v2/v2/orgs/info"
	statusPath        = "/api/cda_v2/v2/contracts/status"
)

// get asks for a list until read can read it. A token that is not good any more is
// replaced once.
func (c *Client) get(ctx context.Context, path string, query url.Values, most int64, read func(body []byte) error) error {
	renewed := false
	return c.persevere(ctx, func() error {
		for {
			if err := c.authorize(ctx); err != nil {
				return err
			}
			err := c.call(ctx, http.MethodGet, path, query, nil, c.token.header(c.config.KeyID), most, func(_ *http.Response, body []byte) error { return read(body) })
			var e *Error
			if !errors.As(err, &e) || e.Status != http.StatusUnauthorized || renewed {
				return err
			}
			renewed, c.token = true, token{}
		}
	})
}

// call makes one call. Its answer has most bytes at most, and read reads it.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header, most int64, read func(*http.Response, []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Deadline)
	defer cancel()
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the call %s of HPMS: %w", path, err)
	}
	req.Header = header
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "ab2d")
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.DeadlineExceeded
		}
		return lostError(path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusError(path, resp, c.config.Now())
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case ctx.Err() != nil: // what came until then, and how it ended, is by chance
		return lostError(path, context.DeadlineExceeded)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return answerError(path, ErrCut)
	case err != nil:
		return lostError(path, err)
	case int64(len(answer)) > most:
		return &Error{Call: path, Kind: TooLong, cause: fmt.Errorf("the answer is longer than %d bytes", most)}
	}
	if err := read(resp, answer); err != nil {
		return answerError(path, err)
	}
	return nil
}
