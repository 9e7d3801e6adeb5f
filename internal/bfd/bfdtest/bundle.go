package bfdtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"ab2d/internal/fhir"
)

// bundle is an answer while it is made.
type bundle struct {
	self    *http.Request
	query   url.Values
	entries [][]byte
	loaded  time.Time // meta.lastUpdated; not written if zero
	total   int       // -1 if it is not written
	links   []link    // to other pages
	raw     []string  // links with whole URLs, by relation and URL
}

// link is a link to another page of the same search.
type link struct {
	relation string
	set      map[string]string // parameters that differ from those of this page
}

// pages cuts as versions 1 and 2 do: only if the client asks for pages.
func (b *bundle) pages(query url.Values) error {
	b.total = len(b.entries)
	if !query.Has("_count") && !query.Has("startIndex") {
		return nil
	}
	count, start, err := whole(query, "_count", b.total), 0, error(nil)
	if query.Has("startIndex") {
		start = whole(query, "startIndex", -1)
	}
	if count < 1 && b.total > 0 || start < 0 || start > 0 && start >= b.total {
		err = errors.New("startIndex or _count out of range")
	}
	if err != nil || b.total == 0 {
		return err
	}
	end := min(start+count, b.total)
	b.entries = b.entries[start:end]
	at := func(relation string, n int) {
		b.links = append(b.links, link{relation, map[string]string{"startIndex": strconv.Itoa(n), "_count": strconv.Itoa(count)}})
	}
	at("first", 0)
	if end < b.total {
		at("next", end)
	}
	if start > 0 {
		at("previous", max(0, start-count))
	}
	at("last", (b.total-1)/count*count)
	return nil
}

// pagesV3 cuts as version 3 does: always, with the total on the last page only, and
// with the load time on empty answers only.
func (b *bundle) pagesV3(query url.Values, limit int) error {
	count := whole(query, "_count", limit)
	start := whole(query, "_offset", whole(query, "startIndex", 0))
	if count < 1 || start < 0 {
		return errors.New("_offset or _count out of range")
	}
	all := len(b.entries)
	start = min(start, all)
	end := min(start+count, all)
	b.entries, b.total = b.entries[start:end], all
	if end < all {
		b.total = -1
		b.links = append(b.links, link{"next", map[string]string{"_offset": strconv.Itoa(end), "_count": strconv.Itoa(count)}})
	}
	if len(b.entries) > 0 {
		b.loaded = time.Time{}
	}
	return nil
}

// whole reads a number; -1 if it is none.
func whole(query url.Values, name string, otherwise int) int {
	if !query.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil {
		return -1
	}
	return n
}

// url is that of this page with some parameters changed. Links are absolute.
func (b *bundle) url(set map[string]string) string {
	query := url.Values{}
	for name, values := range b.query {
		query[name] = values
	}
	for name, value := range set {
		query.Set(name, value)
	}
	u := url.URL{Scheme: "http", Host: b.self.Host, Path: b.self.URL.Path, RawQuery: query.Encode()}
	if b.self.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}

// write writes the Bundle as JSON, and the entries as they are.
func (b *bundle) write() []byte {
	type relation struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	}
	links := []relation{{"self", b.url(nil)}}
	for _, l := range b.links {
		links = append(links, relation{l.relation, b.url(l.set)})
	}
	for i := 0; i+1 < len(b.raw); i += 2 {
		links = append(links, relation{b.raw[i], b.raw[i+1]})
	}
	var out bytes.Buffer
	out.WriteString(`{"resourceType":"Bundle","id":"5b8a1d5e-0000-4000-8000-000000000000"`)
	if !b.loaded.IsZero() {
		fmt.Fprintf(&out, `,"meta":{"lastUpdated":%q}`, fhir.FormatInstant(b.loaded))
	}
	out.WriteString(`,"type":"searchset"`)
	if b.total >= 0 {
		fmt.Fprintf(&out, `,"total":%d`, b.total)
	}
	text, _ := json.Marshal(links) // strings can be written
	fmt.Fprintf(&out, `,"link":%s`, text)
	for i, e := range b.entries {
		separator := `,`
		if i == 0 {
			separator = `,"entry":[`
		}
		fmt.Fprintf(&out, `%s{"resource":%s}`, separator, e)
	}
	if len(b.entries) > 0 {
		out.WriteString(`]`)
	}
	out.WriteString(`}`)
	return out.Bytes()
}
