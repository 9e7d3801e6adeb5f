package store

import (
	"context"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// ahead is what was read of many enrollees at once: a statement for each enrollee takes
// longer than what it finds.
type ahead struct {
	rows map[coverage.EnrolleeID][]*segmentRow // as readLayers reads them, without claims
	mbis map[coverage.EnrolleeID]string        // as in the newest current enrollment
}

// readAhead reads which claims are stored of enrollees as of a load, and their
// identifiers.
func (db *DB) readAhead(ctx context.Context, q querier, v fhir.Version, ids []coverage.EnrolleeID, load int64) (*ahead, error) {
	a := &ahead{rows: map[coverage.EnrolleeID][]*segmentRow{}, mbis: map[coverage.EnrolleeID]string{}}
	if len(ids) == 0 {
		return a, nil
	}
	err := query(ctx, q, `select `+indexColumns+` from segment where version = $2 and load <= $3 and enrollee`+db.inIDs+` order by enrollee, load`,
		func(row scanner) error {
			r, err := scanRow(row)
			if err == nil { // the last one has the highest load
				a.rows[r.enrollee] = []*segmentRow{r}
			}
			return err
		}, encoded(ids), int(v), load)
	if err == nil {
		err = query(ctx, q, `select `+indexColumns+`, gone, null from delta where version = $2 and load <= $3 and enrollee`+db.inIDs+` order by enrollee, load`,
			func(row scanner) error {
				r, err := scanDelta(row)
				if err != nil {
					return err
				}
				r.hasHead = false
				if rows := a.rows[r.enrollee]; len(rows) > 0 && r.load > rows[0].load {
					a.rows[r.enrollee] = append(rows, r)
				}
				return nil
			}, encoded(ids), int(v), load)
	}
	if err == nil {
		err = query(ctx, q, `select `+storedUnder(v)+`, `+storedMBIs(v)+` from enrollment e join snapshot s on s.id = e.snapshot
			where s.current = 1 and `+storedUnder(v)+db.inIDs+` order by s.id`,
			func(row scanner) error {
				var id coverage.EnrolleeID
				var list string
				if err := row.Scan(&id, &list); err != nil {
					return err
				}
				a.mbis[id] = list
				return nil
			}, encoded(ids))
	}
	if err != nil {
		return nil, fmt.Errorf("read what is stored of a batch's enrollees: %w", err)
	}
	return a, nil
}

// query calls each with the rows that a query finds.
func query(ctx context.Context, q querier, text string, each func(scanner) error, args ...any) error {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
