package obs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Count is a number of something by its state.
type Count struct {
	State string
	N     int64
}

// Readings are what the database tells of all processes together. A zero time says
// that there is none.
type Readings struct {
	Jobs          []Count       // by state
	Waiting       int64         // jobs that are not finished and that no worker works on
	WaitingAge    time.Duration // of the oldest of them, since its request; 0 for none
	PartsRunning  int64         // of running jobs
	PartsWaiting  int64         // never tried, or handed back
	PartsRetrying int64         // wait for another attempt after a failure
	Downloads     int64         // that are under way
	Stored        int64         // bytes of the result files of completed jobs, as they are stored
	Damaged       int64         // result files that are marked as damaged
	Database      int64         // bytes of the database
	AuditNumber   int64         // of the newest audit entry
	SigningKey    time.Time     // when the newest signing key was created
	Expiring      []Expiring
	Maintenance   bool
	UnfinishedAge time.Duration // since the start of the import or mirror pass that is not published; 0 for none
	Versions      []VersionReadings
	Unenrolled    int64 // contracts whose enrollment the mirror could not read
}

// Expiring counts what expires within some time.
type Expiring struct {
	Within        string // as the label, such as 7d
	Secrets       int64  // of clients, still valid
	LosingClients int64  // enabled clients that then have no valid secret and no keys
	AdminTokens   int64
}

// VersionReadings are of the claims of one version of the API.
type VersionReadings struct {
	Version       string
	Published     time.Time // of the newest import or mirror pass
	NewestClaim   time.Time // its lastUpdated
	ReadUpTo      time.Time // what the upstream server had at this time has been read
	PassPublished time.Time // of the newest mirror pass
	PassPeople    int64     // who were read in it
	PassRejected  int64     // claims that it could not store
	PassRunning   bool      // a pass has begun and is not published
	Failed        int64     // people who could not be read the last time
}

const (
	// readTime bounds how long a reader of the metrics waits for the database.
	readTime = 3 * time.Second
	// readEvery is how old what the database told may be: many readers do not make
	// it work more.
	readEvery = 2 * time.Second
)

// Read lets the metrics tell what the database tells, asked when they are read.
func (m *Metrics) Read(log *slog.Logger, read func(context.Context) (*Readings, error)) {
	m.registry.MustRegister(&readings{log: log, read: read})
}

type readings struct {
	log  *slog.Logger
	read func(context.Context) (*Readings, error)

	mu   sync.Mutex
	last *Readings
	at   time.Time
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe tells of no metric beforehand, because there are those that have no value
// at times.
func (r *readings) Describe(chan<- *prometheus.Desc) {}

// Collect leaves the numbers out when the database does not give them.
func (r *readings) Collect(c chan<- prometheus.Metric) {
	now, err := r.current()
	value := func(name, help string, v float64) {
		c <- prometheus.MustNewConstMetric(gauge(name, help), prometheus.GaugeValue, v)
	}
	value("ab2d_database_readable", "1 if the database gave the numbers that are about all processes, or 0.", float(err == nil))
	if err != nil {
		r.log.Error("read the metrics from the database", "error", err)
		return
	}
	now.queue(c, value)
	now.state(value)
	now.expiring(c)
	for i := range now.Versions {
		now.Versions[i].collect(c)
	}
}

func (r *readings) current() (*Readings, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && time.Since(r.at) < readEvery {
		return r.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	now, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	r.last, r.at = now, time.Now()
	return now, nil
}

func (r *Readings) queue(c chan<- prometheus.Metric, value func(string, string, float64)) {
	jobs := gauge("ab2d_jobs", "Jobs by state, over all processes.", "state")
	for _, n := range r.Jobs {
		c <- prometheus.MustNewConstMetric(jobs, prometheus.GaugeValue, float64(n.N), n.State)
	}
	parts := gauge("ab2d_parts", "Parts of running jobs that are not done, by state, over all processes.", "state")
	for state, n := range map[string]int64{"running": r.PartsRunning, "waiting": r.PartsWaiting, "retrying": r.PartsRetrying} {
		c <- prometheus.MustNewConstMetric(parts, prometheus.GaugeValue, float64(n), state)
	}
	value("ab2d_jobs_waiting", "Jobs that are not finished and that no worker works on.", float64(r.Waiting))
	value("ab2d_oldest_waiting_job_age_seconds", "Time since the request of the oldest of ab2d_jobs_waiting, or 0.", r.WaitingAge.Seconds())
	value("ab2d_downloads_running", "Downloads that are under way, over all processes.", float64(r.Downloads))
	audit := gauge("ab2d_audit_entries_total", "Number of the newest entry of the audit log.")
	c <- prometheus.MustNewConstMetric(audit, prometheus.CounterValue, float64(r.AuditNumber))
}

func (r *Readings) state(value func(string, string, float64)) {
	value("ab2d_files_stored_bytes", "Bytes of the result files of completed jobs, as they are stored.", float64(r.Stored))
	value("ab2d_damaged_files", "Result files of completed jobs that are damaged or missing.", float64(r.Damaged))
	value("ab2d_database_size_bytes", "Size of the database.", float64(r.Database))
	value("ab2d_maintenance", "1 during a maintenance, or 0.", float(r.Maintenance))
	value("ab2d_mirror_enrollment_failed_contracts", "Contracts whose enrollment the mirror could not read the last time.", float64(r.Unenrolled))
	timestamp(value, "ab2d_signing_key_created_timestamp_seconds", "When the newest signing key was created.", r.SigningKey)
	value("ab2d_import_unfinished_age_seconds", "Time since the start of the import or mirror pass that is not finished, or 0.", r.UnfinishedAge.Seconds())
}

// timestamp leaves out what never happened.
func timestamp(value func(string, string, float64), name, help string, t time.Time) {
	if !t.IsZero() {
		value(name, help, float64(t.UnixMilli())/1000)
	}
}

func (r *Readings) expiring(c chan<- prometheus.Metric) {
	secrets := gauge("ab2d_client_secrets_expiring", "Valid secrets of clients that expire within a time.", "within")
	clients := gauge("ab2d_clients_losing_access", "Enabled clients without keys whose secrets have all expired within a time.", "within")
	tokens := gauge("ab2d_admin_tokens_expiring", "Valid admin tokens that expire within a time.", "within")
	for _, e := range r.Expiring {
		c <- prometheus.MustNewConstMetric(secrets, prometheus.GaugeValue, float64(e.Secrets), e.Within)
		c <- prometheus.MustNewConstMetric(clients, prometheus.GaugeValue, float64(e.LosingClients), e.Within)
		c <- prometheus.MustNewConstMetric(tokens, prometheus.GaugeValue, float64(e.AdminTokens), e.Within)
	}
}

func (v *VersionReadings) collect(c chan<- prometheus.Metric) {
	value := func(name, help string, n float64) {
		c <- prometheus.MustNewConstMetric(gauge(name, help, "version"), prometheus.GaugeValue, n, v.Version)
	}
	timestamp(value, "ab2d_import_published_timestamp_seconds", "When the newest import or mirror pass of claims was published.", v.Published)
	timestamp(value, "ab2d_newest_claim_timestamp_seconds", "lastUpdated of the newest stored claim.", v.NewestClaim)
	if v.PassPublished.IsZero() && !v.PassRunning {
		return
	}
	timestamp(value, "ab2d_mirror_read_up_to_timestamp_seconds", "What the upstream server had at this time has been read.", v.ReadUpTo)
	timestamp(value, "ab2d_mirror_pass_published_timestamp_seconds", "When the newest mirror pass was published.", v.PassPublished)
	value("ab2d_mirror_pass_people", "People who were read in the newest published mirror pass.", float64(v.PassPeople))
	value("ab2d_mirror_pass_rejected_claims", "Claims of the newest published mirror pass that were not valid.", float64(v.PassRejected))
	value("ab2d_mirror_pass_running", "1 while a mirror pass is running, or 0.", float(v.PassRunning))
	value("ab2d_mirror_failed_people", "People whose claims the mirror could not read the last time.", float64(v.Failed))
}

func float(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
