package admin

import (
	"context"
	"regexp"

	"ab2d/internal/audit"
	"ab2d/internal/rest"
)

// AuditLog reads the audit log.
type AuditLog interface {
	// RecentEntries returns the newest entries, newest first, of one event or
	// of all for "".
	RecentEntries(ctx context.Context, event audit.Event, limit int) ([]audit.Link, error)
}

var eventForm = regexp.MustCompile(`^[a-z.-]{0,40}$`)

// AuditEntries returns the newest entries of the audit log, of one event or of
// all for "".
func (s *Service) AuditEntries(ctx context.Context, event audit.Event, limit int) ([]audit.Link, error) {
	if !eventForm.MatchString(string(event)) {
		return nil, rest.InvalidField("event", "%s is not an event, for example job.accepted.", rest.Quoted(string(event)))
	}
	return s.store.RecentEntries(ctx, event, limit)
}

// Downloads returns the newest downloads: who downloaded which file, and how
// many bytes of it.
func (s *Service) Downloads(ctx context.Context, limit int) ([]audit.Link, error) {
	return s.store.RecentEntries(ctx, audit.DownloadEnded, limit)
}
