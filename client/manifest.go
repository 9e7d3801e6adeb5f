package client

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxManifest bounds a manifest: some hundred thousand files.
const maxManifest = 64 << 20

// Extensions of AB2D's manifests.
const (
	extChecksum = "https://ab2d.cms.gov/checksum"
	extLength   = "https://ab2d.cms.gov/file_length"
	extTotals   = "https://ab2d.cms.gov/totals"
)

// Manifest is what an export resulted in (Bulk Data Access IG, "Response -
// Complete Status").
type Manifest struct {
	// TransactionTime is the moment up to which the export is complete: the
	// next export's Since. Zero when the server does not write an instant.
	TransactionTime time.Time
	// TransactionTimeText is what it wrote.
	TransactionTimeText string
	// Request is the request as the server understood it.
	Request string
	// Output are the files asked for, in the server's order.
	Output []File
	// Deleted are the files that say what to remove from an earlier export.
	Deleted []File
	// Error are the files of OperationOutcome resources, errors as well as
	// information. Their Count is told only together with a SHA256.
	Error []File
	// Expires is when the files go; zero when the server does not say.
	Expires time.Time
	// Totals is this server's extension with the job's totals by outcome, an
	// object of numbers, as it came; nil from other servers.
	Totals json.RawMessage

	next string // the URL of the next page; "" on the last one
}

// join adds the files of the next page. The export is complete up to the
// earliest moment that a page tells.
func (m *Manifest) join(page *Manifest) {
	m.Output, m.Deleted, m.Error = append(m.Output, page.Output...), append(m.Deleted, page.Deleted...), append(m.Error, page.Error...)
	if !page.TransactionTime.IsZero() && page.TransactionTime.Before(m.TransactionTime) {
		m.TransactionTime, m.TransactionTimeText = page.TransactionTime, page.TransactionTimeText
	}
	if !page.Expires.IsZero() && (m.Expires.IsZero() || page.Expires.Before(m.Expires)) {
		m.Expires = page.Expires
	}
	if page.Totals != nil { // the last page has those of all
		m.Totals = page.Totals
	}
	m.next = page.next
}

// File is one file of an export.
type File struct {
	// Type is the resource type of every line.
	Type string
	// URL is absolute. It may itself be what opens the file, when no token is
	// required: do not log its query.
	URL string
	// Count is the number of resources, one a line; -1 when not told.
	Count int64
	// Length is the number of bytes, uncompressed; -1 when not told.
	Length int64
	// SHA256 is the checksum of the bytes, uncompressed; nil when not told.
	SHA256 []byte
	// RequiresAccessToken says that the file wants the same token as the API.
	RequiresAccessToken bool
}

// fileName is a name that means the same in every file system and shell.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$`)

// reserved are names that Windows keeps for devices, with any extension.
var reserved = regexp.MustCompile(`(?i)^(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|$)`)

// Name is the file's name, the last segment of its URL. A name that a command
// would take for an option, or that Windows reserves, gets a _ before it. It is an
// error when it is not a plain name of letters, digits and . _ - that does not
// start with a dot: what a server sends never decides about folders.
func (f File) Name() (string, error) {
	u, err := url.Parse(f.URL)
	if err != nil {
		return "", errors.New("the file's URL is not valid")
	}
	escaped := u.EscapedPath()
	name, err := url.PathUnescape(escaped[strings.LastIndexByte(escaped, '/')+1:])
	if err != nil || !fileName.MatchString(name) || !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q, from the file's URL, is not used as a file name", name)
	}
	if name[0] == '-' || reserved.MatchString(name) {
		name = "_" + name
	}
	return name, nil
}

// wireManifest is a manifest as servers write it. What one of them may write
// in another shape is read separately.
type wireManifest struct {
	TransactionTime     string          `json:"transactionTime"`
	Request             string          `json:"request"`
	RequiresAccessToken json.RawMessage `json:"requiresAccessToken"`
	Output              []wireFile      `json:"output"`
	Deleted             []wireFile      `json:"deleted"`
	Error               []wireFile      `json:"error"`
	Extension           json.RawMessage `json:"extension"`
	Link                []struct {
		Relation string `json:"relation"`
		Rel      string `json:"rel"`
		URL      string `json:"url"`
	} `json:"link"`
}

type wireFile struct {
	Type      string          `json:"type"`
	URL       string          `json:"url"`
	Count     json.RawMessage `json:"count"`
	Extension json.RawMessage `json:"extension"`
}

// readManifest reads the answer of a finished export.
func (c *Client) readManifest(resp *http.Response) (*Manifest, error) {
	body, err := readBody(resp, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	m, err := c.parseManifest(body, resp.Request.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if t, err := http.ParseTime(resp.Header.Get("Expires")); err == nil {
		m.Expires = t
	}
	return m, nil
}

// parseManifest reads a manifest that came from a URL.
func (c *Client) parseManifest(body []byte, from *url.URL) (*Manifest, error) {
	var w wireManifest
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, notManifest(err)
	}
	if w.TransactionTime == "" && w.Output == nil {
		return nil, errors.New("not a Bulk Data manifest: it has neither transactionTime nor output")
	}
	token, err := boolean(w.RequiresAccessToken)
	if err != nil {
		return nil, fmt.Errorf("requiresAccessToken: %w", err)
	}
	m := &Manifest{TransactionTimeText: w.TransactionTime, Request: w.Request, Totals: w.totals()}
	if t, err := time.Parse(time.RFC3339Nano, w.TransactionTime); err == nil {
		m.TransactionTime = t
	}
	for _, list := range []struct {
		from []wireFile
		to   *[]File
	}{{w.Output, &m.Output}, {w.Deleted, &m.Deleted}, {w.Error, &m.Error}} {
		for i, f := range list.from {
			u, err := c.resolve(f.URL, from)
			if err != nil || f.URL == "" {
				return nil, fmt.Errorf("file %d of %s has no usable URL", i+1, f.Type)
			}
			file, err := f.file()
			if err != nil {
				return nil, fmt.Errorf("file %d of %s: %w", i+1, f.Type, err)
			}
			if list.to == &m.Error && file.SHA256 == nil {
				file.Count = -1 // some servers write how many resources are missing
			}
			file.URL, file.RequiresAccessToken = u.String(), token
			*list.to = append(*list.to, file)
		}
	}
	return m, m.findNext(&w, from)
}

// findNext finds the link to the next page (Bulk Data Access IG 3.0, manifest
// field link).
func (m *Manifest) findNext(w *wireManifest, from *url.URL) error {
	for _, l := range w.Link {
		if l.Relation != "next" && l.Rel != "next" {
			continue
		}
		u, err := url.Parse(l.URL)
		if err != nil || l.URL == "" {
			return errors.New("the link to the next page has no usable URL")
		}
		m.next = from.ResolveReference(u).String()
	}
	return nil
}

// notManifest says what of an answer is not a manifest, without the program's
// own names.
func notManifest(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Errorf("not a Bulk Data manifest: %s is a %s, which it cannot be", Printable(e.Field, 60), e.Value)
	}
	return errors.New("not a Bulk Data manifest: it is not JSON of that form")
}

// boolean reads a boolean, which some servers write as a text; false when it is
// absent.
func boolean(raw json.RawMessage) (bool, error) {
	switch s := strings.ToLower(strings.Trim(string(raw), `" `)); s {
	case "true", "1":
		return true, nil
	case "false", "0", "", "null":
		return false, nil
	}
	return false, errors.New("neither true nor false")
}

// totals is this server's extension. Bulk Data makes of a manifest's extension
// an object.
func (w *wireManifest) totals() json.RawMessage {
	var byURL map[string]json.RawMessage
	if json.Unmarshal(w.Extension, &byURL) != nil {
		return nil
	}
	return byURL[extTotals]
}

// file reads what is told about a file. A checksum or number that is there but
// cannot be read is an error: passing over it would pass over the check.
func (w wireFile) file() (File, error) {
	f := File{Type: w.Type}
	var err error
	if f.Count, err = whole(w.Count); err != nil {
		return f, fmt.Errorf("count: %w", err)
	}
	ext := extensions(w.Extension)
	if f.Length, err = whole(valueOf(ext[extLength], "valueDecimal")); err != nil {
		return f, fmt.Errorf("file length: %w", err)
	}
	if raw := valueOf(ext[extChecksum], "valueString"); raw != nil {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return f, errors.New("the checksum is not a text")
		}
		digest, ok := strings.CutPrefix(s, "sha256:")
		if f.SHA256, err = hex.DecodeString(digest); !ok || err != nil || len(f.SHA256) != 32 {
			return f, errors.New("the checksum is not sha256: and 64 hexadecimal digits")
		}
	}
	return f, nil
}

// extensions finds extensions by their URL: in a list, as FHIR and AB2D have
// it, or in an object, as Bulk Data has it for the whole manifest.
func extensions(raw json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		return object
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	out := make(map[string]json.RawMessage, len(list))
	for _, e := range list {
		var head struct {
			URL string `json:"url"`
		}
		if json.Unmarshal(e, &head) == nil {
			out[head.URL] = e
		}
	}
	return out
}

// valueOf is an extension's value; nil when it is absent.
func valueOf(extension json.RawMessage, name string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(extension, &fields) != nil {
		return nil
	}
	return fields[name]
}

// whole reads a whole number; -1 when it is absent. AB2D writes a length as a
// decimal, which may come as 1.0E7.
func whole(raw json.RawMessage) (int64, error) {
	s := strings.TrimSpace(strings.Trim(string(raw), `"`)) // some servers write numbers as texts
	if s == "" || s == "null" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if n = int64(f); ferr != nil || float64(n) != f || f > 1<<53 {
			return 0, errors.New("not a whole number")
		}
	}
	if n < 0 {
		return 0, errors.New("a negative number")
	}
	return n, nil
}
