package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// The claims of an enrollee as of a load are in the newest segment up to that load, the
// base, and in the deltas of the loads after the base. For each claim the last of these
// rows that names it counts: a row that has the claim replaces it, and a row that names it
// as gone removes it. superseded is the only place that says so, for all who read.

// superseded tells of each claim of each row, oldest row first, whether a later row
// replaces or removes it. n counts those of each row. Where n is 0, over may be nil.
func superseded(rows []*segmentRow) (over [][]bool, n []int) {
	over, n = make([][]bool, len(rows)), make([]int, len(rows))
	if len(rows) < 2 {
		return over, n
	}
	named := map[string]bool{}
	for k := len(rows) - 1; k >= 0; k-- {
		for i, e := range rows[k].index {
			if !named[e.ID] {
				continue
			}
			if over[k] == nil {
				over[k] = make([]bool, len(rows[k].index))
			}
			over[k][i] = true
			n[k]++
		}
		if k == 0 {
			break
		}
		for _, e := range rows[k].index {
			named[e.ID] = true
		}
		for _, e := range rows[k].gone {
			named[e.ID] = true
		}
	}
	return over, n
}

// querier is a pool or a transaction.
type querier interface {
	rowQuerier
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

// layers reads the rows that make up an enrollee's claims as of a load, oldest first,
// with their indexes and without their claims. There are none if nothing was stored.
func (k *segmentKeys) layers(ctx context.Context, q querier, v fhir.Version, patient coverage.EnrolleeID, load int64) ([]*segmentRow, error) {
	rows, err := readLayers(ctx, q, v, patient, load, false)
	if err != nil {
		return nil, fmt.Errorf("read which claims are stored: %w", err)
	}
	return rows, k.openIndexes(ctx, v, rows)
}

// openIndexes decrypts and reads the indexes of rows.
func (k *segmentKeys) openIndexes(ctx context.Context, v fhir.Version, rows []*segmentRow) error {
	for _, r := range rows {
		if err := k.openIndex(ctx, v, r); err != nil {
			return err
		}
		if err := r.readIndex(); err != nil {
			return err
		}
	}
	return nil
}

// readLayers reads the rows, and if whole also their claims.
func readLayers(ctx context.Context, q querier, v fhir.Version, patient coverage.EnrolleeID, load int64, whole bool) ([]*segmentRow, error) {
	const one = ` from segment where version = $1 and enrollee = $2 and load <= $3 order by load desc limit 1`
	const after = ` from delta where version = $1 and enrollee = $2 and load > $3 and load <= $4 order by load`
	var base *segmentRow
	var err error
	if whole {
		base, err = scanSegment(q.QueryRowContext(ctx, `select `+segmentColumns+one, int(v), int64(patient), load), false)
	} else {
		base, err = scanRow(q.QueryRowContext(ctx, `select `+indexColumns+one, int(v), int64(patient), load))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	columns := indexColumns + `, gone, null`
	if whole {
		columns = deltaColumns
	}
	found, err := q.QueryContext(ctx, `select `+columns+after, int(v), int64(patient), base.load, load)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	rows := []*segmentRow{base}
	for found.Next() {
		r, err := scanDelta(found)
		if err != nil {
			return nil, err
		}
		r.hasHead = whole
		rows = append(rows, r)
	}
	return rows, found.Err()
}
