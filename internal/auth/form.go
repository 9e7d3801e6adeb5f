package auth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

const formType = "application/x-www-form-urlencoded"

// maxFormBytes bounds the body of a token request.
const maxFormBytes = 64 << 10

// readForm reads the parameters of a token request from its query string and
// its body. AB2D's clients send all of them in the query string and an empty
// body. RFC 6749 §3.2 says that a parameter is not repeated, and that one
// without value counts as left out: look them up with Get. That the body says once more
// what the query string says is no harm.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *Error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid(InvalidRequest, "The query string is not well formed.")
	}
	if form.Has("client_secret") {
		return nil, invalid(InvalidRequest, "client_secret must not be in the URL, where logs would keep it: "+
			"send it with HTTP Basic or in the body.")
	}
	body, refused := readBody(w, r)
	if refused != nil {
		return nil, refused
	}
	for name, values := range body {
		if len(values) == 1 && slices.Equal(form[name], values) {
			continue // a client that was given the tutorial's URL adds its own
		}
		form[name] = append(form[name], values...)
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, invalid(InvalidRequest, "A parameter is there more than once.")
		}
	}
	return form, nil
}

func readBody(w http.ResponseWriter, r *http.Request) (url.Values, *Error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		refused := invalid(InvalidRequest, "The body is larger than %d bytes.", tooLarge.Limit)
		refused.Status = http.StatusRequestEntityTooLarge
		return nil, refused
	}
	if err != nil {
		return nil, invalid(InvalidRequest, "The body ended before it was complete.")
	}
	if len(body) == 0 {
		return nil, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != formType {
		return nil, invalid(InvalidRequest, "The body has to be a form, with Content-Type: %s.", formType)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid(InvalidRequest, "The body is not a well-formed form.")
	}
	return form, nil
}
