package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"ab2d/internal/coverage"
)

// home is where a claim is: its enrollee, as a load has put it there.
type home struct {
	enrollee coverage.EnrolleeID
	load     int64
}

// homesAtOnce is how many claims are looked up in one statement.
const homesAtOnce = 5000

// homes finds where claims are.
func (m *Merger) homes(ctx context.Context, tx *sql.Tx, claims []Claim) (map[string]home, error) {
	found := make(map[string]home, len(claims))
	for chunk := range slices.Chunk(claims, homesAtOnce) {
		ids := make([]string, 0, len(chunk))
		for _, c := range chunk {
			ids = append(ids, c.Entry.ID)
		}
		if err := m.lookUp(ctx, tx, ids, found); err != nil {
			return nil, fmt.Errorf("find whose claims they are: %w", err)
		}
	}
	return found, nil
}

func (m *Merger) lookUp(ctx context.Context, tx *sql.Tx, ids []string, found map[string]home) error {
	rows, err := tx.QueryContext(ctx, `select id, load, enrollee from claim_home where version = `+fmt.Sprint(int(m.load.Version))+` and id`+m.db.inList, encoded(ids))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var h home
		var enrollee int64
		if err := rows.Scan(&id, &h.load, &enrollee); err != nil {
			return err
		}
		h.enrollee = coverage.EnrolleeID(enrollee)
		if h.load >= found[id].load {
			found[id] = h
		}
	}
	return rows.Err()
}

// change is what a batch changes about one enrollee.
type change struct {
	claims []Claim         // that come
	gone   map[string]bool // ids of claims that another enrollee has now
	whole  bool            // the enrollee has no other claims than those that come
}

// changes are what a batch changes, by enrollee.
type changes map[coverage.EnrolleeID]*change

func (c changes) of(id coverage.EnrolleeID) *change {
	if c[id] == nil {
		c[id] = &change{gone: map[string]bool{}}
	}
	return c[id]
}

// changes sorts a batch by enrollee. A claim that another enrollee has moves,
// unless the other has a version that was updated later: then it is left out, and
// counted as older. A withheld claim leaves whoever has it in the same way.
func (m *Merger) changes(ctx context.Context, tx *sql.Tx, claims []Claim, homes map[string]home) (changes, Merged, error) {
	var sum Merged
	winners := map[string]int{} // of those that come twice in the batch
	for i, c := range claims {
		if j, twice := winners[c.Entry.ID]; twice && claims[j].Entry.LastUpdated > c.Entry.LastUpdated {
			continue
		}
		winners[c.Entry.ID] = i
	}
	changed := changes{}
	leaving := map[coverage.EnrolleeID][]Claim{} // by the enrollee who has it
	for i, c := range claims {
		w := winners[c.Entry.ID]
		h, known := homes[c.Entry.ID]
		elsewhere := known && (c.Withheld || h.enrollee != c.Patient)
		switch {
		case elsewhere && w == i:
			leaving[h.enrollee] = append(leaving[h.enrollee], c)
		case c.Withheld:
		case elsewhere, claims[w].Withheld, claims[w].Patient != c.Patient:
			sum.Older++
		default:
			changed.of(c.Patient).claims = append(changed.of(c.Patient).claims, c)
		}
	}
	for from, claims := range leaving {
		left, err := m.leave(ctx, tx, from, claims, changed)
		if err != nil {
			return nil, sum, err
		}
		sum.Add(left)
	}
	return changed, sum, nil
}

// leave takes claims away from an enrollee, and gives those that move to another.
func (m *Merger) leave(ctx context.Context, tx *sql.Tx, from coverage.EnrolleeID, claims []Claim, changed changes) (Merged, error) {
	var sum Merged
	updated, err := m.updatedAt(ctx, tx, from)
	if err != nil {
		return sum, err
	}
	for _, c := range claims {
		at, there := updated[c.Entry.ID]
		switch {
		case there && at > c.Entry.LastUpdated:
			sum.Older++
			continue
		case there && c.Withheld:
			sum.Withdrawn++
		case there:
			sum.Replaced++
			sum.New-- // it is counted as new where it comes
		}
		if there {
			changed.of(from).gone[c.Entry.ID] = true
		}
		if !c.Withheld {
			changed.of(c.Patient).claims = append(changed.of(c.Patient).claims, c)
		}
	}
	return sum, nil
}

// updatedAt tells when each of an enrollee's stored claims was updated.
func (m *Merger) updatedAt(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) (map[string]int64, error) {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	updated := map[string]int64{}
	for claim, p := range stored.live {
		updated[claim] = stored.entry(p).LastUpdated
	}
	return updated, nil
}

// settle notes where the claims of a batch are now.
func (m *Merger) settle(ctx context.Context, tx *sql.Tx, changed changes, homes map[string]home) (rows, error) {
	r := rows{table: "claim_home", columns: []string{"version", "id", "load", "enrollee"}}
	added := map[string]bool{}
	for enrollee, c := range changed {
		for _, claim := range c.claims {
			id := claim.Entry.ID
			switch h, known := homes[id]; {
			case added[id] || known && h.enrollee == enrollee:
			case known && h.load == m.load.ID:
				_, err := tx.ExecContext(ctx, `update claim_home set enrollee = $4 where version = $1 and id = $2 and load = $3`,
					int(m.load.Version), id, m.load.ID, int64(enrollee))
				if err != nil {
					return r, fmt.Errorf("note whose claim it is: %w", err)
				}
			default:
				added[id] = true
				r.values = append(r.values, []any{int64(m.load.Version), id, m.load.ID, int64(enrollee)})
			}
		}
	}
	// In the order of the key, which is quicker to insert.
	slices.SortFunc(r.values, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) })
	return r, nil
}
