// Command ab2d is the whole system in one program: the sandbox, the server, the
// workers, the client and the administration.
//
//   - main.go      arguments, signals, exit codes
//   - version.go   ab2d version
//   - renamed.go   old names of commands, flags and variables
//   - help.go, examples.go  --help, and the examples in it
//   - environment.go  the variables that set flags, and their old names
//   - profile.go   flags from ~/.config/ab2d/config.toml
//   - duration.go  durations of days and weeks
//   - completion.go, man.go  scripts for shells, and manual pages
//   - config.go    the settings of a server, and their faults
//   - backends.go  the only place that knows which back ends exist
//   - server.go    the parts of a server put together, run and stopped
//   - hosts.go     by which hosts a server is addressed
//   - limits.go, descriptors_unix.go, descriptors_other.go  limits of connections and clients
//   - monitor.go   metrics, and the lines in the log at start and stop
//   - workers.go   the back ends and the workers on them
//   - retention.go how long the database holds what is over
//   - monitor.go   the health and metrics of a worker, and the first and last lines of the log
//   - sandbox.go, sandbox_clients.go  ab2d sandbox, and who may use its clients
//   - expected.go, statistics.go  ab2d sandbox expected, ab2d sandbox statistics
//   - synth.go, synth_upstream.go  ab2d synth
//   - tls.go       certificates that are read again
//   - serve.go, worker.go, migrate.go, minimize.go: the commands of these names
//   - admin.go     ab2d admin: the way to the handlers of /admin/v1
//   - admin_contract.go, admin_client.go, admin_job.go, admin_files.go, admin_mirror.go, admin_system.go, admin_backup.go, admin_encryption.go  its commands
//   - admin_text.go  text of a server, made harmless for a terminal
//   - admin_request.go  ab2d admin request
//   - account.go, account_change.go, account_list.go  ab2d account
//   - audit.go, audit_archive.go, syslog_unix.go, syslog_other.go  ab2d audit
//   - mirror.go, mirror_config.go, mirror_sandbox.go  ab2d mirror, its settings, and a sandbox that it fills
//   - import.go, import_claims.go, import_hpms.go  ab2d import
//   - export.go    ab2d export: its flags, server and credentials
//   - export_patients.go  the file of --patients
//   - export_run.go     an export from the folder to the exit code
//   - export_tables.go  the tables of its claims
//   - export_view.go, export_report.go  what is shown of it
//   - export_secret.go  files and variables with secrets
//   - rejected.go  lines of a download that cannot be read
//   - bars.go      progress bars
//   - demo.go      ab2d demo
//   - summary.go   what downloaded claims hold, in a table
//
// The end-to-end tests are here, too: testdata/script has the tutorial as a person
// types it, and crash_test.go kills the real program.
package main
