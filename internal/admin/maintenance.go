package admin

import (
	"context"
	"time"

	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Maintenances switch maintenance on and off. All processes see a change with
// their next request.
type Maintenances interface {
	// Maintenance returns nil if there is none.
	Maintenance(ctx context.Context) (*store.Maintenance, error)
	// SetMaintenance starts maintenance, or with nil ends it.
	SetMaintenance(ctx context.Context, m *store.Maintenance) error
}

// Maintenance tells whether new exports are accepted.
type Maintenance struct {
	On      bool       `json:"on"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Message string     `json:"message,omitempty"`
}

// MaintenanceFields start maintenance.
type MaintenanceFields struct {
	For     string `json:"for,omitempty"` // how long it is expected to take, as a duration
	Message string `json:"message,omitempty"`
}

// Maintenance tells whether new exports are accepted.
func (s *Service) Maintenance(ctx context.Context) (Maintenance, error) {
	m, err := s.store.Maintenance(ctx)
	if err != nil {
		return Maintenance{}, err
	}
	shown := Maintenance{On: m != nil}
	if m != nil {
		shown.Since, shown.Message = &m.Since, m.Message
		if !m.Until.IsZero() {
			shown.Until = &m.Until
		}
	}
	return shown, nil
}

// StartMaintenance stops new exports. Exports that were accepted go on.
func (s *Service) StartMaintenance(ctx context.Context, f MaintenanceFields) (Maintenance, error) {
	if !oneLine.MatchString(f.Message) {
		return Maintenance{}, rest.InvalidField("message", "give up to 100 characters on one line.")
	}
	takes, err := duration("for", f.For, 0)
	if err != nil {
		return Maintenance{}, err
	}
	m := store.Maintenance{Since: s.now(), Message: f.Message}
	if takes > 0 {
		m.Until = m.Since.Add(takes)
	}
	if err := s.store.SetMaintenance(ctx, &m); err != nil {
		return Maintenance{}, err
	}
	return s.Maintenance(ctx)
}

// EndMaintenance accepts new exports again.
func (s *Service) EndMaintenance(ctx context.Context) (Maintenance, error) {
	if err := s.store.SetMaintenance(ctx, nil); err != nil {
		return Maintenance{}, err
	}
	return s.Maintenance(ctx)
}
