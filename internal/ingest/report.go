package ingest

import (
	"fmt"

	"ab2d/internal/feed"
	"ab2d/internal/store"
)

// ClaimsReport counts the claims of a file. It is stored with the import, so that a
// resumed import goes on counting.
type ClaimsReport struct {
	feed.Report
	Merged store.Merged `json:"merged"`
}

// Accepted tells whether anything of the file is stored or has removed a stored
// claim.
func (r *ClaimsReport) Accepted() bool { return r.Kept > 0 || r.Merged.Withdrawn > 0 }

// auditText is the report for the audit log.
func (r *ClaimsReport) auditText() string {
	return fmt.Sprintf("%d read, %d kept, %d Part D, %d substance use, %d of other types, %d invalid; %d new, %d replaced, %d removed",
		r.Read, r.Kept, r.PartD, r.SubstanceUse, r.OtherType, r.Invalid, r.Merged.New, r.Merged.Replaced, r.Merged.Withdrawn)
}
