package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// Pools are the connections to the database, by what they are for.
func (db *DB) Pools() map[string]*sql.DB {
	return map[string]*sql.DB{"write": db.write, "read": db.read, "claims": db.claims}
}

// Readings reads what the metrics tell of all processes together.
func (db *DB) Readings(ctx context.Context) (*obs.Readings, error) {
	var r obs.Readings
	for what, read := range map[string]func(context.Context, *obs.Readings) error{
		"jobs": db.readJobs, "parts": db.readParts, "files": db.readFiles, "state": db.readState, "versions": db.readVersions, "what expires": db.readExpiring,
	} {
		if err := read(ctx, &r); err != nil {
			return nil, fmt.Errorf("read the %s for the metrics: %w", what, err)
		}
	}
	return &r, nil
}

// readJobs counts jobs by state, and those on which no worker works.
func (db *DB) readJobs(ctx context.Context, r *obs.Readings) error {
	rows, err := db.read.QueryContext(ctx, `select state, count(*) from job group by state order by state`)
	if err != nil {
		return err
	}
	defer rows.Close()
	counts := map[export.State]int64{}
	for rows.Next() {
		var state export.State
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return err
		}
		counts[state] = n
	}
	for _, state := range []export.State{export.Accepted, export.Running, export.Completed, export.Failed, export.Canceled, export.Expired} {
		r.Jobs = append(r.Jobs, obs.Count{State: string(state), N: counts[state]})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var oldest int64
	now := db.now()
	err = db.read.QueryRowContext(ctx, `select count(*), coalesce(min(j.transaction_time), 0) from job j
		where j.state in ('accepted', 'running') and j.lease_until <= $1
		and not exists (select 1 from part p where p.job = j.id and p.done = 0 and p.lease_until > $1)`, millis(now)).Scan(&r.Waiting, &oldest)
	if oldest > 0 {
		r.WaitingAge = max(0, now.Sub(timeOf(oldest)))
	}
	return err
}

func (db *DB) readParts(ctx context.Context, r *obs.Readings) error {
	return db.read.QueryRowContext(ctx, `select cast(coalesce(sum(case when p.lease_until > $1 then 1 else 0 end), 0) as bigint),
			cast(coalesce(sum(case when p.lease_until <= $1 and p.failures = 0 then 1 else 0 end), 0) as bigint),
			cast(coalesce(sum(case when p.lease_until <= $1 and p.failures > 0 then 1 else 0 end), 0) as bigint)
		from job j join part p on p.job = j.id and p.done = 0 where j.state = 'running'`, millis(db.now())).
		Scan(&r.PartsRunning, &r.PartsWaiting, &r.PartsRetrying)
}

func (db *DB) readFiles(ctx context.Context, r *obs.Readings) (err error) {
	err = db.read.QueryRowContext(ctx, `select cast(coalesce(sum(f.stored), 0) as bigint) from job j join file f on f.job = j.id where j.state = 'completed'`).
		Scan(&r.Stored)
	if err != nil {
		return err
	}
	if err := db.read.QueryRowContext(ctx, `select count(*) from delivery where held_until > $1`, millis(db.now())).Scan(&r.Downloads); err != nil {
		return err
	}
	r.Damaged, err = db.DamagedFiles(ctx)
	return err
}

func (db *DB) readState(ctx context.Context, r *obs.Readings) error {
	var key, unfinished int64
	err := db.read.QueryRowContext(ctx, `select (select number from audit_head), (select coalesce(max(created), 0) from signing_key),
			(select count(*) from maintenance) > 0, (select count(*) from mirror_enrollment where failures > 0),
			(select coalesce(min(started), 0) from load where published = 0)`).
		Scan(&r.AuditNumber, &key, &r.Maintenance, &r.Unenrolled, &unfinished)
	if err != nil {
		return err
	}
	r.SigningKey = timeOf(key)
	if unfinished > 0 {
		r.UnfinishedAge = max(0, db.now().Sub(timeOf(unfinished)))
	}
	return db.read.QueryRowContext(ctx, db.sizeQuery).Scan(&r.Database)
}

// readVersions reads the versions of the API for which there are claims.
func (db *DB) readVersions(ctx context.Context, r *obs.Readings) error {
	rows, err := db.read.QueryContext(ctx, `select version, max(published), max(newest) from load where published > 0 and digest not like 'refresh:%' or digest like 'mirror:%'
		group by version order by version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var versions []fhir.Version
	for rows.Next() {
		var version int
		var published, newest int64
		if err := rows.Scan(&version, &published, &newest); err != nil {
			return err
		}
		versions = append(versions, fhir.Version(version))
		r.Versions = append(r.Versions, obs.VersionReadings{Version: fhir.Version(version).String(), Published: timeOf(published), NewestClaim: timeOf(newest)})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, v := range versions {
		if err := db.readPasses(ctx, v, &r.Versions[i]); err != nil {
			return err
		}
	}
	return nil
}

// readPasses reads what the mirror has done. Who failed is counted by an index of
// those alone.
func (db *DB) readPasses(ctx context.Context, version fhir.Version, v *obs.VersionReadings) error {
	var readUpTo, published int64
	var report string
	err := db.read.QueryRowContext(ctx, `select coalesce(max(case when again = 0 and published > 0 then read_up_to end), 0), coalesce(max(published), 0),
			coalesce((select l.report from mirror_pass l where l.version = $1 and l.published > 0 order by l.id desc limit 1), '{}'),
			count(case when published = 0 then 1 end) > 0,
			(select count(*) from mirror_person p where p.version = $1 and p.failures > 0)
		from mirror_pass where version = $1`, int(version)).Scan(&readUpTo, &published, &report, &v.PassRunning, &v.Failed)
	if err != nil {
		return err
	}
	v.ReadUpTo, v.PassPublished = timeOf(readUpTo), timeOf(published)
	counts := struct{ People, Invalid int64 }{}
	if err := json.Unmarshal([]byte(report), &counts); err != nil {
		return fmt.Errorf("read the report of a mirror pass: %w", err)
	}
	v.PassPeople, v.PassRejected = counts.People, counts.Invalid
	return nil
}

// expiringWithin are the times within which the metrics tell what expires.
var expiringWithin = []struct {
	label string
	time.Duration
}{{"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

func (db *DB) readExpiring(ctx context.Context, r *obs.Readings) error {
	clients, err := db.Clients(ctx, "")
	if err != nil {
		return err
	}
	tokens, err := db.AdminTokens(ctx)
	if err != nil {
		return err
	}
	now := db.now()
	for _, within := range expiringWithin {
		e, then := obs.Expiring{Within: within.label}, now.Add(within.Duration)
		for _, c := range clients {
			secrets, loses := expiringSecrets(c, now, then)
			e.Secrets += secrets
			e.LosingClients += int64(bit(loses))
		}
		for _, t := range tokens {
			e.AdminTokens += int64(bit(now.Before(t.Expires) && !then.Before(t.Expires)))
		}
		r.Expiring = append(r.Expiring, e)
	}
	return nil
}

// expiringSecrets counts the secrets of a client that are valid now and not then, and
// tells whether the client has nothing else by which it could get a token.
func expiringSecrets(c *auth.Client, now, then time.Time) (n int64, loses bool) {
	lasting := c.KeySet != "" || c.KeysURL != ""
	for _, s := range c.Secrets {
		switch {
		case s.Live(then):
			lasting = true
		case s.Live(now):
			n++
		}
	}
	return n, n > 0 && !lasting && c.Enabled && !c.ContractDisabled
}
