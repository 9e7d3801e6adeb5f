package bfdtest

import (
	"errors"
	"net/http"
	"net/url"
)

type people struct{}

func (p *people) load(Dataset) error { return nil }

func (p *people) search(url.Values, http.Header) (*bundle, error) {
	return nil, errors.New("not served")
}
