package check

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// faults are what the alerts are for, as a server's metrics show it.
func faults(now time.Time) map[string]fault {
	day := float64(86400)
	return map[string]fault{
		"Ab2dDown":                    becomes("up", nil, 0),
		"Ab2dDatabaseNotReadable":     becomes("ab2d_database_readable", nil, 0),
		"Ab2dJobsWaiting":             grows("ab2d_oldest_waiting_job_age_seconds", nil, 60),
		"Ab2dPartsRetrying":           becomes("ab2d_parts", kv{"state": "retrying"}, 1),
		"Ab2dJobsFailed":              grows("ab2d_job_duration_seconds_count", kv{"outcome": "failed"}, 0.02),
		"Ab2dLeasesLost":              grows("ab2d_steps_total", kv{"outcome": "lease_lost", "step": "part"}, 1),
		"Ab2dEnrolleesNotRead":        grows("ab2d_exported_enrollees_total", kv{"outcome": "not_read"}, 1),
		"Ab2dFilesDamaged":            becomes("ab2d_damaged_files", nil, 1),
		"Ab2dServerErrors":            errors(),
		"Ab2dTokenRequestsRejected":   grows("ab2d_token_requests_total", kv{"result": "invalid_client"}, 120),
		"Ab2dTokenEndpointFails":      grows("ab2d_token_requests_total", kv{"result": "server_error"}, 1),
		"Ab2dMirrorBehind":            becomes("ab2d_mirror_read_up_to_timestamp_seconds", kv{"version": "v2"}, float64(now.Unix())-2*day),
		"Ab2dMirrorPeopleFailed":      becomes("ab2d_mirror_failed_people", kv{"version": "v2"}, 3),
		"Ab2dMirrorEnrollmentFailed":  becomes("ab2d_mirror_enrollment_failed_contracts", nil, 1),
		"Ab2dImportUnfinished":        becomes("ab2d_import_unfinished_age_seconds", nil, 2*day+1),
		"Ab2dSigningKeyOld":           becomes("ab2d_signing_key_created_timestamp_seconds", nil, float64(now.Unix())-45*day),
		"Ab2dClientsLosingAccess":     becomes("ab2d_clients_losing_access", kv{"within": "7d"}, 1),
		"Ab2dDiskFull":                becomes("ab2d_disk_free_bytes", kv{"volume": "data"}, 1<<20),
		"Ab2dDatabaseConnectionsBusy": grows("go_sql_wait_duration_seconds_total", kv{"db_name": "read"}, 180),
		"Ab2dReleasesDiffer":          otherRelease(),
		"Ab2dMaintenanceLong":         becomes("ab2d_maintenance", nil, 1),
		"Ab2dAuditWentBack":           becomes("ab2d_audit_entries_total", nil, 1),
	}
}

type kv map[string]string

func (want kv) of(name string, l labels.Labels) bool {
	for k, v := range want {
		if l.Get(k) != v {
			return false
		}
	}
	return l.Get("__name__") == name
}

// becomes is a series that has another value from the fault on.
func becomes(name string, l kv, v float64) fault {
	return func(of labels.Labels, _ int, _ float64) (float64, bool) { return v, l.of(name, of) }
}

// grows is a series that grows with each minute.
func grows(name string, l kv, each float64) fault {
	return func(of labels.Labels, minute int, healthy float64) (float64, bool) {
		return healthy + float64(minute)*each, l.of(name, of)
	}
}

// errors is a server all of whose new requests fail.
func errors() fault {
	return func(of labels.Labels, minute int, healthy float64) (float64, bool) {
		return healthy + float64(minute)*10, kv{"status": "500"}.of("ab2d_requests_total", of)
	}
}

// otherRelease is a second process, of another release.
func otherRelease() fault {
	return func(of labels.Labels, _ int, _ float64) (float64, bool) {
		return 1, kv{"version": "0.0.0-other"}.of("ab2d_build_info", of)
	}
}
