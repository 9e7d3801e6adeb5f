package client

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestFolderIsOfOneVersion: v3 of AB2D's API gives claims other ids than v1 and v2, so
// that what one has filled the other must not go on with, whatever the caller says.
func TestFolderIsOfOneVersion(t *testing.T) {
	const v1, v2, v3, other = "https://ab2d.example/api/v1/fhir", "https://ab2d.example/api/v2/fhir", "https://ab2d.example/api/v3/fhir/", "https://gateway.example/fhir"
	for _, tt := range []struct {
		from, to      string
		empty, rebind bool
		want          error
	}{
		{from: v2, to: v2},
		{from: v3, to: v3},
		{from: v2, to: v3, want: ErrOtherVersion},
		{from: v1, to: v3, want: ErrOtherVersion},
		{from: v2, to: v3, rebind: true, want: ErrOtherVersion},
		{from: v3, to: v2, rebind: true, want: ErrOtherVersion},
		{from: v3, to: "https://new.example/api/v3/fhir", rebind: true},
		{from: v1, to: v2, want: ErrOtherSource},
		{from: v1, to: v2, rebind: true},
		{from: v2, to: v3, empty: true, want: ErrOtherSource},
		{from: v2, to: v3, empty: true, rebind: true},
		{from: other, to: v3, want: ErrOtherSource},
		{from: other, to: v3, rebind: true},
	} {
		b := newBulk(t)
		b.files["a.ndjson"] = claimLines(1, "a")
		f := b.open(t.TempDir())
		f.state.Source.Server = tt.from
		if tt.empty {
			if err := f.save(); err != nil {
				t.Fatal(err)
			}
		} else if _, err := b.exportTo(f, SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		f.Close()
		c := b.client()
		c.address = tt.to
		again, err := c.OpenFolder(f.Dir(), FolderOptions{Rebind: tt.rebind})
		if !errors.Is(err, tt.want) || tt.want != nil && !strings.Contains(err.Error(), tt.from) {
			t.Errorf("%+v: got %v", tt, err)
		}
		if err == nil {
			again.Close()
		}
	}
}

// TestFolderEndsBeforeFloor: what a server refuses as too early a start would fail
// every week. Everything is asked for instead, so that nothing is missed.
func TestFolderEndsBeforeFloor(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(1, "a")
	f := b.open(t.TempDir())
	if _, err := b.exportTo(f, SyncOptions{Floor: aDay.Add(time.Hour)}); err != nil || b.query != "" {
		t.Fatalf("the first one: %v, asked %q", err, b.query)
	}
	b.at = "2026-12-01T08:00:00Z"
	if run, err := b.exportTo(f, SyncOptions{Floor: aDay.Add(time.Hour)}); err != nil || b.query != "" || !run.Continuous {
		t.Errorf("before the floor: %+v, %v, asked %q", run, err, b.query)
	}
	b.at = "2026-12-08T08:00:00Z"
	if run, err := b.exportTo(f, SyncOptions{Floor: aDay.Add(time.Hour)}); err != nil || !run.Continuous || b.query != "_since=2026-12-01T08%3A00%3A00.000Z" {
		t.Errorf("after it: %+v, %v, asked %q", run, err, b.query)
	}
}
