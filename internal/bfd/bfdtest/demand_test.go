package bfdtest

import (
	"bytes"
	"slices"
	"testing"

	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// TestOnDemand: claims that are computed when they are asked for are those that are
// held, for everybody, and strangers have none.
func TestOnDemand(t *testing.T) {
	at := asOf()
	d, err := synth.NewPopulation(7, asOf, synth.DatasetSponsors(30)...).Dataset(at)
	if err != nil {
		t.Fatal(err)
	}
	held, err := New(t.Context(), d, fhir.Versions()...)
	if err != nil {
		t.Fatal(err)
	}
	lazy, err := NewOnDemand(d, at, fhir.Versions()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range fhir.Versions() {
		people := lazy.Patients(v)
		if len(people) < 25 {
			t.Fatalf("%s: only %d people", v, len(people))
		}
		claims := 0
		for _, id := range people {
			want, got := held.Claims(v, id), lazy.Claims(v, id)
			same := func(a, b *Claim) bool {
				return bytes.Equal(a.Raw, b.Raw) && a.ID == b.ID && a.Part2 == b.Part2 && a.Stored.Equal(b.Stored) && a.End == b.End
			}
			if !slices.EqualFunc(got, want, same) {
				t.Fatalf("%s: a person has %d claims, want %d", v, len(got), len(want))
			}
			claims += len(got)
		}
		if claims < 500 {
			t.Errorf("%s: only %d claims", v, claims)
		}
		for _, id := range held.Patients(v) {
			if !slices.Contains(people, id) && len(lazy.Claims(v, id)) != 0 {
				t.Errorf("%s: somebody unknown has claims", v)
			}
		}
	}
	if got := lazy.Claims(fhir.V1, 1); got != nil {
		t.Errorf("a stranger has %d claims", len(got))
	}
	target, n := claimsURL(held, fhir.V2)
	if _, a := get(t, lazy, target); len(a.Entry) != n || lazy.Requests() != nil || lazy.Counts() != (Counts{Calls: 1}) {
		t.Errorf("%d claims of %d, %+v", len(a.Entry), n, lazy.Counts())
	}
}
