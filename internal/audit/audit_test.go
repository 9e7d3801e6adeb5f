package audit

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func record(t interface{ Fatal(...any) }, n int) []Link {
	var links []Link
	hash := ""
	for i := range n {
		l, err := Seal(Entry{Event: TokenGranted, Client: "a client", Detail: strings.Repeat("x", i)}, int64(i+1), time.Unix(int64(i), 0), hash)
		if err != nil {
			t.Fatal(err)
		}
		links, hash = append(links, l), l.Hash
	}
	return links
}

func all(links []Link) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		for _, l := range links {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// TestWhateverIsDoneToARecordShows: with its head known, no change of any kind
// to any entry passes.
func TestWhateverIsDoneToARecordShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		links := record(t, rapid.IntRange(1, 8).Draw(t, "entries"))
		head, err := Verify(all(links), Head{})
		if err != nil || head.Number != int64(len(links)) {
			t.Fatal(head, err)
		}
		if parsed, err := ParseHead(head.String()); err != nil || parsed != head {
			t.Fatal(parsed, err)
		}
		i := rapid.IntRange(0, len(links)-1).Draw(t, "which")
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			links[i].Body = []byte(strings.Replace(string(links[i].Body), "a client", "b client", 1))
		case 1:
			links = append(links[:i], links[i+1:]...)
		case 2: // put in, renumbered and rehashed behind it, as somebody would who knows how
			e := Entry{Event: Refused}
			hash := ""
			if i > 0 {
				hash = links[i-1].Hash
			}
			links[i], _ = Seal(e, int64(i+1), time.Unix(0, 0), hash)
		case 3:
			links = links[:i]
		case 4:
			links[i].Hash = strings.Repeat("0", 64)
		}
		var broken *Broken
		if _, err := Verify(all(links), head); !errors.As(err, &broken) || broken.Number < 1 || broken.Number > head.Number {
			t.Fatal(err)
		}
	})
}

func TestFactsComplete(t *testing.T) {
	f := &Facts{Request: "r", From: "192.0.2.1"}
	f.SetClient("c", "S1234")
	ctx := With(t.Context(), f)
	e := FactsOf(ctx).Complete(Entry{Event: Refused, Contract: "S9999"})
	if e.Request != "r" || e.From != "192.0.2.1" || e.Actor != "client c" || e.Client != "c" || e.Contract != "S9999" {
		t.Errorf("%+v", e)
	}
	if *FactsOf(t.Context()) != (Facts{}) {
		t.Error("facts out of nothing")
	}
	for _, s := range []string{"", "1", "1:abc", "x:" + strings.Repeat("0", 64)} {
		if _, err := ParseHead(s); err == nil {
			t.Errorf("%q is a head", s)
		}
	}
}
