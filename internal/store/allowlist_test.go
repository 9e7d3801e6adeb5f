package store

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// TestApplyAllowList: claims that an older allow-list has reduced are not
// exported before today's is applied, and then only those that it keeps.
func TestApplyAllowList(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	claim := func(id int, code string) Claim {
		head := fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"carrier-%d"`, id)
		return Claim{Patient: 1, Entry: segment.Entry{ID: fmt.Sprintf("carrier-%d", id), LastUpdated: int64(1000 + id), ExtensionAt: uint32(len(head))},
			JSON: []byte(head + `,"patient":{"reference":"Patient/1"},"item":[{"sequence":1,"productOrService":{"coding":[{"code":"` + code + `"}]}}]}`)}
	}
	l, err := db.BeginLoad(t.Context(), "file", "file", fhir.V2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.NewMerger(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Merge(t.Context(), []Claim{claim(1, "99213"), claim(2, "99408")}, 1, 1, func(Merged) string { return "{}" }); err != nil {
		t.Fatal(err)
	}
	if err := db.Publish(t.Context(), l, audit.Entry{}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`update segment set allow_list = 1`, `delete from claim_home`} { // as an older release left it
		if _, err := db.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := exported(t, db); err == nil || !strings.Contains(err.Error(), "run ab2d migrate") {
		t.Errorf("%v", err)
	}
	for _, want := range []int{1, 0} {
		if n, err := db.ApplyAllowList(t.Context()); err != nil || n != want {
			t.Errorf("%d enrollees, want %d: %v", n, want, err)
		}
	}
	lines, err := exported(t, db)
	if err != nil || strings.Count(lines, "\n") != 1 || !strings.Contains(lines, "99213") || strings.Contains(lines, "99408") {
		t.Errorf("%s, %v", lines, err)
	}
	var homes int
	if err := db.read.QueryRowContext(t.Context(), `select count(*) from claim_home where enrollee = 1`).Scan(&homes); err != nil || homes != 1 {
		t.Errorf("%d homes, want 1: %v", homes, err)
	}
}

// everything takes all claims.
type everything struct{ strings.Builder }

func (*everything) Wants(*coverage.Claim) bool { return true }

func (e *everything) Line(b []byte) error {
	e.Write(b)
	return nil
}

func (e *everything) Segment(_ segment.Segment, plain []byte, _ int64) error { return e.Line(plain) }

func exported(t *testing.T, db *DB) (string, error) {
	t.Helper()
	snapshot, err := db.Snapshot(t.Context(), "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Open(t.Context(), export.Query{Version: fhir.V2, Snapshot: snapshot, First: 1, Last: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all everything
	s := &coverage.Selection{Enrollee: &coverage.Enrollee{ID: 1}, Until: time.Now()}
	err = r.Write(t.Context(), s, &all)
	return all.String(), err
}

// TestApplyAllowList_Doubled: older releases left a claim that moved at both
// enrollees. It stays where it was updated last, also when the two are not written
// in one transaction.
func TestApplyAllowList_Doubled(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const far = refreshBatch + 1
	claim := func(patient coverage.EnrolleeID, id string, updated int64) Claim {
		head := fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"%s"`, id)
		return Claim{Patient: patient, Entry: segment.Entry{ID: id, LastUpdated: updated, ExtensionAt: uint32(len(head))},
			JSON: fmt.Appendf(nil, `%s,"patient":{"reference":"Patient/%d"}}`, head, patient)}
	}
	var first []Claim
	for id := coverage.EnrolleeID(1); id <= far; id++ {
		first = append(first, claim(id, fmt.Sprintf("own-%d", id), 1000))
	}
	first = append(first, claim(1, "near", 2000), claim(1, "there", 2000), claim(1, "back", 4000))
	second := []Claim{claim(2, "near", 3000), claim(far, "there", 3000), claim(far, "back", 3000)}
	for i, claims := range [][]Claim{first, second} {
		loadAll(t, db, fmt.Sprint(i), claims)
		for _, statement := range []string{`update segment set allow_list = 1`, `delete from claim_home`} { // as an older release left it
			if _, err := db.write.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := db.ApplyAllowList(t.Context()); err != nil || n != far {
		t.Fatalf("%d enrollees, want %d: %v", n, far, err)
	}
	for id, want := range map[coverage.EnrolleeID]string{1: "back own-1", 2: "near own-2", far: fmt.Sprintf("own-%d there", far)} {
		if got := claimIDs(t, db, id); got != want {
			t.Errorf("enrollee %d has %s, want %s", id, got, want)
		}
	}
}

// loadAll imports claims of v2.
func loadAll(t *testing.T, db *DB, digest string, claims []Claim) {
	t.Helper()
	l, err := db.BeginLoad(t.Context(), "file", digest, fhir.V2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.NewMerger(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Merge(t.Context(), claims, 1, 1, func(Merged) string { return "{}" }); err != nil {
		t.Fatal(err)
	}
	if err := db.Publish(t.Context(), l, audit.Entry{}); err != nil {
		t.Fatal(err)
	}
}

// claimIDs are the ids of an enrollee's stored claims, in alphabetical order.
func claimIDs(t *testing.T, db *DB, id coverage.EnrolleeID) string {
	t.Helper()
	l, err := db.BeginLoad(t.Context(), "file", "reading", fhir.V2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.NewMerger(l)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	err = db.tx(t.Context(), func(tx *sql.Tx) error {
		stored, err := m.stored(t.Context(), tx, id)
		if err == nil {
			ids = slices.Collect(maps.Keys(stored.live))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}
