package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

// version is a version of a claim.
type version struct {
	id      string
	patient coverage.EnrolleeID
	updated int64
	month   coverage.Month // of its service
	load    int64          // that published it; 0: none yet
}

// key tells versions apart, in the lines of a file, too.
func (v *version) key() string { return fmt.Sprintf("%s@%d", v.id, v.updated) }

// data is what sponsors are entitled to, told by what has taken effect: the claims
// of each load, and the enrollees of each enrollment.
type data struct {
	w *world

	mu          sync.Mutex
	claims      []version
	enrollments map[string][]coverage.Enrollee // by contract and enrollment id
	current     map[string][]coverage.Enrollee // by contract: as last asked for
	optOuts     map[coverage.MBI]store.OptOut
	withdrawn   map[string]time.Time // by contract without attestation: since when
	made        int                  // claims
}

const (
	months = 12
)

var january = coverage.MonthOf(2025, time.January)

func contractName(i int) string { return fmt.Sprintf("Z%04d", i) }

func (d *data) contract(name string) coverage.Contract {
	return coverage.Contract{Number: name, Sponsor: "Sponsor of " + name, Attested: coverage.DateOf(2020, time.March, 1), HasAttested: true}
}

// newData fills the database with contracts, enrollment and claims.
func newData(ctx context.Context, w *world) (*data, error) {
	d := &data{w: w, enrollments: map[string][]coverage.Enrollee{}, current: map[string][]coverage.Enrollee{}, optOuts: map[coverage.MBI]store.OptOut{}, withdrawn: map[string]time.Time{}}
	var contracts []coverage.Contract
	for i := range w.plan.contracts {
		contracts = append(contracts, d.contract(contractName(i)))
	}
	if err := w.db.PutContracts(ctx, contracts, true); err != nil {
		return nil, err
	}
	r := w.random("first data")
	var first []store.Claim
	for i := range w.plan.contracts {
		var list []coverage.Enrollee
		for k := range w.plan.enrollees {
			list = append(list, d.enrollee(r, coverage.EnrolleeID(1000*(i+1)+k+1)))
		}
		if err := d.putEnrollment(ctx, contractName(i), list); err != nil {
			return nil, err
		}
		for _, e := range list {
			for range r.IntN(4) {
				first = append(first, d.claim(r, e.ID))
			}
		}
	}
	l, err := w.db.BeginLoad(ctx, "first", "first", fhir.V2)
	if err != nil {
		return nil, err
	}
	if err := d.merge(ctx, l, first, 1); err != nil {
		return nil, err
	}
	return d, d.publish(ctx, l, first)
}

func (d *data) enrollee(r *rand.Rand, id coverage.EnrolleeID) coverage.Enrollee {
	e := coverage.Enrollee{ID: id, PatientV3: 100_000 + id, MBIs: []coverage.MBI{mbi(id, 'A'+rune(r.IntN(3)))}}
	from := r.IntN(6)
	e.Months.AddRange(january+coverage.Month(from), january+coverage.Month(from+r.IntN(months-from)))
	if r.IntN(12) == 0 {
		e.MBIs = nil
	}
	return e
}

func mbi(id coverage.EnrolleeID, letter rune) coverage.MBI {
	return coverage.MBI(fmt.Sprintf("1S00E%04d%c", id, letter))
}

// claim makes a new claim, which was updated up to a day ago.
func (d *data) claim(r *rand.Rand, patient coverage.EnrolleeID) store.Claim {
	d.mu.Lock()
	d.made++
	n := d.made
	d.mu.Unlock()
	return d.version(fmt.Sprintf("carrier-%d", n), patient, d.updated(r, n), january+coverage.Month(r.IntN(months)))
}

// updated is a moment before now that no other version has: each has its own
// milliseconds of the second.
func (d *data) updated(r *rand.Rand, n int) int64 {
	ago := []time.Duration{time.Second, 10 * time.Second, time.Minute, time.Hour, 24 * time.Hour}[r.IntN(5)]
	return d.w.now().Add(-time.Duration(r.Int64N(int64(ago)))).Truncate(time.Second).UnixMilli() - 1000 + int64(n%1000)
}

// version makes a version of a claim as the store takes it.
func (d *data) version(id string, patient coverage.EnrolleeID, updated int64, month coverage.Month) store.Claim {
	day := int32(month.First())
	head := fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":%q,"meta":{"versionId":"%s@%d"}`, id, id, updated)
	note := ""
	if crc32.ChecksumIEEE([]byte(id))%2 == 0 { // beside long claims, others are small enough for deltas
		note = `,"note":"` + strings.Repeat("long ", 800) + `"`
	}
	return store.Claim{Patient: patient, JSON: []byte(head + note + `,"status":"active"}`), Entry: segment.Entry{ID: id, Type: uint8(coverage.Carrier), Start: day, End: day,
		HasStart: true, HasEnd: true, LastUpdated: updated, ExtensionAt: uint32(len(head))}}
}

// merge stores claims in a load that has taken in a part of them already, in batches.
func (d *data) merge(ctx context.Context, l *store.Load, all []store.Claim, batches int64) error {
	for n := l.Position; n < batches; n++ {
		m, err := d.w.db.NewMerger(l)
		if err != nil {
			return err
		}
		from, to := int(n)*len(all)/int(batches), (int(n)+1)*len(all)/int(batches)
		if _, err := m.Merge(ctx, slices.Clone(all[from:to]), n+1, n+1, func(store.Merged) string { return "{}" }); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes a load and notes what it holds.
func (d *data) publish(ctx context.Context, l *store.Load, all []store.Claim) error {
	if err := d.w.db.Publish(ctx, l, audit.Entry{}); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range all {
		d.claims = append(d.claims, version{c.Entry.ID, c.Patient, c.Entry.LastUpdated, coverage.Date(c.Entry.Start).Month(), l.ID})
	}
	return nil
}

func (d *data) putEnrollment(ctx context.Context, contract string, list []coverage.Enrollee) error {
	if _, err := d.w.db.PutEnrollment(ctx, contract, list, true); err != nil {
		return err
	}
	name, err := d.w.db.Snapshot(ctx, contract)
	if err != nil {
		return err
	}
	var enrollment, load int64
	if _, err := fmt.Sscanf(name, "enrollment-%d.load-%d", &enrollment, &load); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enrollments[fmt.Sprint(contract, enrollment)] = list
	d.current[contract] = list
	return nil
}

// entitled gives the claims that a job's contract is entitled to up to its
// transactionTime, by key, as of what the job was planned with.
func (d *data) entitled(contract, snapshot string, until int64) (map[string]version, error) {
	var enrollment, load int64
	if _, err := fmt.Sscanf(snapshot, "enrollment-%d.load-%d", &enrollment, &load); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	list, ok := d.enrollments[fmt.Sprint(contract, enrollment)]
	if !ok && enrollment != 0 {
		return nil, errors.New("the job has an enrollment that nobody stored")
	}
	newest := map[string]version{}
	for _, c := range d.claims {
		if had, ok := newest[c.id]; c.load <= load && (!ok || c.updated > had.updated) {
			newest[c.id] = c
		}
	}
	all := map[string]version{}
	for _, e := range list {
		for _, c := range newest {
			if c.patient == e.ID && c.updated <= until && e.Months.Has(c.month) && len(e.MBIs) > 0 {
				all[c.key()] = c
			}
		}
	}
	return all, nil
}

// some gives claims for a load: new ones, and new versions.
func (d *data) some(r *rand.Rand) (list []store.Claim) {
	d.mu.Lock()
	known := map[string]version{}
	for _, c := range d.claims {
		if had, ok := known[c.id]; !ok || c.updated > had.updated {
			known[c.id] = c
		}
	}
	d.mu.Unlock()
	for range 1 + r.IntN(5) {
		contract := 1 + r.IntN(d.w.plan.contracts)
		list = append(list, d.claim(r, coverage.EnrolleeID(1000*contract+1+r.IntN(d.w.plan.enrollees))))
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if c := known[id]; r.IntN(8) == 0 {
			d.mu.Lock()
			d.made++
			n := d.made
			d.mu.Unlock()
			list = append(list, d.version(id, c.patient, d.updated(r, n), c.month))
		}
	}
	return list
}
