package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"ab2d/internal/bfd"
	"ab2d/internal/coverage"
)

// numbersAtOnce is how many patients' numbers are stored in one transaction.
const numbersAtOnce = 500

// addNumbers gives enrollees their numbers of version 3, by their current MBI. Numbers
// that were found before are not asked for again. An enrollee who is not found has
// none: the export names this enrollee as one without an identifier.
func (m *Mirror) addNumbers(ctx context.Context, enrollees []coverage.Enrollee) error {
	ids := make([]coverage.EnrolleeID, 0, len(enrollees))
	for _, e := range enrollees {
		ids = append(ids, e.ID)
	}
	known, err := m.DB.Numbers(ctx, ids)
	if err != nil {
		return err
	}
	var missing []*coverage.Enrollee
	for i := range enrollees {
		e := &enrollees[i]
		if e.PatientV3 = known[e.ID]; e.PatientV3 == 0 && len(e.MBIs) > 0 {
			missing = append(missing, e)
		}
	}
	for len(missing) > 0 {
		n := min(numbersAtOnce, len(missing))
		if err := m.findNumbers(ctx, missing[:n]); err != nil {
			return err
		}
		missing = missing[n:]
	}
	return nil
}

// findNumbers asks for numbers in parallel, and stores what it finds.
func (m *Mirror) findNumbers(ctx context.Context, enrollees []*coverage.Enrollee) error {
	var mu sync.Mutex
	found := map[coverage.EnrolleeID]coverage.EnrolleeID{}
	unclear := 0
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(m.Calls)
	for _, e := range enrollees {
		g.Go(func() error {
			number, ok, err := m.Upstream.PatientV3(asking, e.MBIs[0])
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, bfd.ErrPatients), errors.Is(err, bfd.ErrStranger):
				unclear++
			case err != nil:
				return err
			case ok:
				e.PatientV3, found[e.ID] = number, number
			}
			return nil
		})
	}
	asked := g.Wait()
	if unclear > 0 {
		m.Log.Warn("the upstream server gives no single patient of version 3 for an MBI", slog.Int("people", unclear))
	}
	return errors.Join(asked, m.DB.PutNumbers(ctx, found))
}
