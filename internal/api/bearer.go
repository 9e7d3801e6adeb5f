package api

import "net/http"

// withClient lets a request through to h if its access token is good.
func withClient(h handler) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, c call) error {
		client, _, err := a.Bearer.Check(r.Context(), r.Header.Get("Authorization"))
		if err != nil {
			return err
		}
		c.client = client
		return h(a, w, r, c)
	}
}
