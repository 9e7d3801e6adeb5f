package bfd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const somePage = `{"resourceType":"Bundle","id":"x","meta":{"lastUpdated":"2026-05-01T16:19:38.679+00:00"},"type":"searchset","total":3,
 "link":[{"relation":"self","url":"https://bfd/s"},{"relation":"next","url":"https://bfd/n"}],
 "entry":[{"fullUrl":"u","resource":{"resourceType":"ExplanationOfBenefit", "id":"a"}},{"resource":{"id":"b"},"search":{"mode":"match"}}]}`

// read collects the resources of a page.
func read(r io.Reader, limit int64) (list []string, p page, err error) {
	p, err = readPage(r, limit, func(raw []byte) error {
		list = append(list, string(raw))
		return nil
	})
	return list, p, err
}

func TestReadPage(t *testing.T) {
	list, p, err := read(iotest.OneByteReader(strings.NewReader(somePage)), int64(len(somePage)))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`{"resourceType":"ExplanationOfBenefit", "id":"a"}`, `{"id":"b"}`}; !slices.Equal(list, want) {
		t.Errorf("got %q", list)
	}
	want := page{entries: 2, total: 3, next: "https://bfd/n", updated: time.Date(2026, 5, 1, 16, 19, 38, 679e6, time.UTC)}
	if !p.updated.Equal(want.updated) {
		t.Errorf("updated %s", p.updated)
	}
	if p.updated = want.updated; p != want {
		t.Errorf("got %+v", p)
	}
}

func TestReadPageFaults(t *testing.T) {
	for body, want := range map[string]error{
		"": errCut, `{"resourceType":"Bundle"`: errCut, `{"resourceType":"Bundle","entry":[{"resource":{"id":"a`: errCut,
		"<html>busy</html>": errMalformed, `[]`: errMalformed, `{}`: errMalformed, `{"resourceType":"OperationOutcome"}`: errMalformed,
		`{"resourceType":"Bundle"}x`: errMalformed, `{"resourceType":"Bundle","entry":[{}]}`: errMalformed,
		`{"resourceType":"Bundle","entry":[null]}`: errMalformed, `{"resourceType":"Bundle","entry":{}}`: errMalformed,
		`{"resourceType":"Bundle","entry":[{"resource":null}]}`: errMalformed, `{"resourceType":"Bundle","total":"many"}`: errMalformed,
		`{"resourceType":"Bundle","link":[{"relation":"next"}]}`: errMalformed,
		`{"resourceType":"Bundle","entry":null}`:                 nil, `{"resourceType":"Bundle","entry":[]}`: nil,
	} {
		if _, _, err := read(strings.NewReader(body), 1000); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", body, err, want)
		}
	}
}

// TestEveryCut: wherever a page is cut, it is an error, and never a shorter page.
func TestEveryCut(t *testing.T) {
	for n := range len(somePage) {
		if _, _, err := read(strings.NewReader(somePage[:n]), 1000); !errors.Is(err, errCut) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

func TestPageTooLong(t *testing.T) {
	if _, _, err := read(strings.NewReader(somePage), int64(len(somePage))-1); !errors.Is(err, errTooLong) {
		t.Error(err)
	}
}

func TestPageReadError(t *testing.T) {
	broken := errors.New("broken")
	_, _, err := read(io.MultiReader(strings.NewReader(somePage[:250]), iotest.ErrReader(broken)), 1000)
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	_, err = readPage(strings.NewReader(somePage), 1000, func([]byte) error { return broken })
	var ours seeError
	if !errors.As(err, &ours) || !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestHead(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`: "/", `{"id":"a"}`: "/a", `{"resourceType":"P","x":{"id":"b"},"id":"a"}`: "P/a", `{"id":1,"resourceType":"P"}`: "P/",
	} {
		if kind, id := head([]byte(raw)); kind+"/"+id != want {
			t.Errorf("%s: %s/%s", raw, kind, id)
		}
	}
}

// FuzzReadPage: what is read as a page is a Bundle for encoding/json too, with the
// same number of entries. No bytes make it panic, or read more than the bound.
func FuzzReadPage(f *testing.F) {
	for _, s := range []string{somePage, `{"resourceType":"Bundle","entry":null}`, `{"entry":[{"resource":{}}],"resourceType":"Bundle"}`, "<html>", `{"total":1e99}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		list, p, err := read(strings.NewReader(body), 4096)
		for _, raw := range list {
			head([]byte(raw))
		}
		if err != nil {
			return
		}
		if len(body) > 4096 || len(list) != p.entries {
			t.Fatal(fmt.Sprint(len(body), len(list), p.entries))
		}
		if !json.Valid([]byte(body)) {
			t.Fatal("not JSON")
		}
	})
}
