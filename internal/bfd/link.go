package bfd

import (
	"net/url"
	"slices"
	"strings"
)

// follow returns the URL of a next page. It takes only the query from the link and sends
// it to the configured host, so the client's certificate and the identifiers of persons
// go nowhere else. A link with another host, resource or patient is ErrLink. The
// parameters of the search stay unchanged, so a link cannot bring back what the search
// excludes.
func (b *base) follow(first *url.URL, link string) (*url.URL, error) {
	ref, err := url.Parse(link)
	if err != nil {
		return nil, ErrLink // err quotes it
	}
	u := first.ResolveReference(ref)
	if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !b.names(u.Host) {
		return nil, ErrLink
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || resource(u.Path) != resource(first.Path) {
		return nil, ErrLink
	}
	for name, values := range first.Query() {
		got, ok := query[name]
		if name == "patient" && ok && (len(got) != 1 || strings.TrimPrefix(got[0], "Patient/") != values[0]) {
			return nil, ErrLink
		}
		if !ok || name != "_count" { // the length of a page is the server's to change
			query[name] = values
		}
	}
	next := *first
	next.RawQuery = query.Encode()
	return &next, nil
}

// names tells whether a link may name a host.
func (b *base) names(host string) bool {
	return slices.ContainsFunc(b.hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// resource is the type of resource that a search asks for, by the end of its path.
// The links of a search by POST may leave out "_search".
func resource(path string) string {
	path = strings.TrimSuffix(strings.TrimRight(path, "/"), "/_search")
	return path[strings.LastIndexByte(path, '/')+1:]
}
