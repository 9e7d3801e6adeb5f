package bfd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// page is what a Bundle says besides its entries.
type page struct {
	entries int
	total   int64     // of all pages; -1 when the server does not say
	next    string    // link to the next page; empty when there is none
	updated time.Time // meta.lastUpdated; zero when the server does not say
}

// What is wrong with a page. The texts quote nothing of it.
var (
	errCut       = errors.New("the response ended early")
	errMalformed = errors.New("the response is not a FHIR Bundle in JSON")
	errTooLong   = errors.New("the response is longer than the limit for a page")
)

// seeError is an error of the caller's function, not of the page.
type seeError struct{ error }

func (e seeError) Unwrap() error { return e.error }

// meter limits a body and stores the error with which it ended, because a decoder can
// return another one.
type meter struct {
	r    io.Reader
	left int64
	err  error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	// Read one byte more than allowed, to detect a body that is too long.
	if int64(len(p)) > m.left+1 {
		p = p[:m.left+1]
	}
	n, err := m.r.Read(p)
	if m.left -= int64(n); m.left < 0 {
		n, err = 0, errTooLong
	}
	m.err = err
	return n, err
}

// readPage reads a Bundle of at most limit bytes as a stream, and gives the
// resource of each entry to see as it is written. It is valid until see returns.
// Resources before an error were already passed to see. An error of see is returned as
// a seeError.
func readPage(r io.Reader, limit int64, see func(resource []byte) error) (page, error) {
	m := &meter{r: r, left: limit}
	// An error inside a resource is handled with that resource. It must not affect the
	// others.
	b := bundle{d: jsontext.NewDecoder(m, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), see: see}
	b.page.total = -1
	err := b.read()
	var ours seeError
	switch {
	case err == nil || errors.As(err, &ours):
		return b.page, err
	case m.err != nil && !errors.Is(m.err, io.EOF):
		return b.page, m.err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return b.page, errCut
	}
	return b.page, errMalformed
}

// bundle reads a Bundle member by member.
type bundle struct {
	d    *jsontext.Decoder
	see  func([]byte) error
	page page
}

func (b *bundle) read() error {
	named := false
	err := b.members('{', func(name string) error {
		switch name {
		case "resourceType":
			t, err := b.d.ReadToken()
			if err == nil && (t.Kind() != '"' || t.String() != "Bundle") {
				err = errMalformed
			}
			named = true
			return err
		case "total":
			return b.decode(&b.page.total)
		case "meta":
			var meta struct{ LastUpdated string }
			err := b.decode(&meta)
			b.page.updated, _ = time.Parse(time.RFC3339Nano, meta.LastUpdated) // unreadable is as good as missing
			return err
		case "link":
			return b.links()
		case "entry":
			return b.entries()
		}
		return b.d.SkipValue()
	})
	if err != nil {
		return err
	}
	if _, err := b.d.ReadToken(); !named || !errors.Is(err, io.EOF) {
		return errMalformed
	}
	return nil
}

// members reads an object, and has see read the value of each member.
func (b *bundle) members(open jsontext.Kind, see func(name string) error) error {
	t, err := b.d.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != open {
		return errMalformed
	}
	for {
		t, err := b.d.ReadToken()
		if err != nil || t.Kind() == '}' {
			return err
		}
		if err := see(t.String()); err != nil {
			return err
		}
	}
}

// decode reads a small value.
func (b *bundle) decode(into any) error {
	raw, err := b.d.ReadValue()
	if err != nil {
		return err
	}
	if json.Unmarshal(raw, into) != nil {
		return errMalformed
	}
	return nil
}

func (b *bundle) links() error {
	var links []struct{ Relation, URL string }
	if err := b.decode(&links); err != nil {
		return err
	}
	for _, l := range links {
		if l.Relation != "next" {
			continue
		}
		if l.URL == "" {
			return errMalformed // there is a next page, and no way to it
		}
		b.page.next = l.URL
	}
	return nil
}

func (b *bundle) entries() error {
	t, err := b.d.ReadToken()
	if err != nil || t.Kind() == 'n' {
		return err
	}
	if t.Kind() != '[' {
		return errMalformed
	}
	for b.d.PeekKind() != ']' {
		if err := b.entry(); err != nil {
			return err
		}
	}
	_, err = b.d.ReadToken()
	return err
}

// entry reads an entry. An entry without a resource is an error of the page, because the
// resource would be lost.
func (b *bundle) entry() error {
	found := false
	err := b.members('{', func(name string) error {
		if name != "resource" || found {
			return b.d.SkipValue()
		}
		raw, err := b.d.ReadValue()
		if err != nil {
			return err
		}
		if raw.Kind() != '{' {
			return errMalformed
		}
		found = true
		b.page.entries++
		if err := b.see(raw); err != nil {
			return seeError{err}
		}
		return nil
	})
	if err == nil && !found {
		err = errMalformed
	}
	return err
}

// head reads the type and the id of a resource. They are empty if they are missing. The
// resource must be an object of valid JSON.
func head(raw []byte) (kind, id string) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return "", ""
	}
	for kind == "" || id == "" {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != '"' {
			return kind, id
		}
		var into *string
		switch name.String() {
		case "resourceType":
			into = &kind
		case "id":
			into = &id
		}
		if into == nil || d.PeekKind() != '"' {
			if d.SkipValue() != nil {
				return kind, id
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			return kind, id
		}
		*into = value.String()
	}
	return kind, id
}
