package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"ab2d/client"
	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// adminCommand is ab2d admin.
type adminCommand struct {
	Sponsor     adminSponsorCommand     `cmd:"" help:"Manage sponsors. Contracts name them."`
	Contract    adminContractCommand    `cmd:"" help:"Manage contracts and their attestations."`
	Request     adminRequestCommand     `cmd:"" help:"Decide what clients ask for in their account."`
	Client      adminClientCommand      `cmd:"" help:"Manage OAuth2 clients and their secrets."`
	Job         adminJobCommand         `cmd:"" help:"Manage export jobs."`
	Worker      adminWorkerCommand      `cmd:"" help:"Show workers and their running steps."`
	Failure     adminFailureCommand     `cmd:"" help:"Show failures."`
	Files       adminFilesCommand       `cmd:"" help:"Manage stored result files."`
	Backup      adminBackupCommand      `cmd:"" help:"Copy the database to a file while servers use it, and print what else to copy. For PostgreSQL and S3, print what to call."`
	Download    adminDownloadCommand    `cmd:"" help:"Show downloads."`
	Key         adminKeyCommand         `cmd:"" help:"Manage the keys that sign access tokens."`
	Encryption  adminEncryptionCommand  `cmd:"" help:"Manage the keys that encrypt result files and claims."`
	Mirror      adminMirrorCommand      `cmd:"" help:"Show the copy of an upstream server."`
	Maintenance adminMaintenanceCommand `cmd:"" help:"Manage maintenance, in which no new exports are accepted."`
	Token       adminTokenCommand       `cmd:"" help:"Manage tokens for the administration over HTTP. Run this on the machine that has the database."`
}

// adminConfig says where the administration works: on the database, or with
// --server on a server. Both are the same handlers.
type adminConfig struct {
	stateConfig
	keyConfig
	Server    string `help:"Administer this server over HTTP, with an admin token, instead of a database." placeholder:"URL"`
	TokenFile string `help:"File with the admin token." env:"AB2D_ADMIN_TOKEN_FILE" type:"path" placeholder:"FILE"`
	JSON      bool   `help:"Print JSON." name:"json"`

	files     string            // where result files are, for the command that reads them
	encrypted *encryptionConfig // and by what they are encrypted
	timeout   time.Duration     // of the request; 0: a minute
	claims    string            // where contracts come from, when a job is started; otherwise store:
	seed      uint64
}

// ask does one act of administration and reads its answer into, as JSON.
func (c *adminConfig) ask(ctx context.Context, s streams, method, path string, body any) (_ []byte, err error) {
	c.complete()
	through, base, done, err := c.way(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	var sent io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, base+"/admin/v1"+path, sent)
	if err != nil {
		return nil, err
	}
	if c.Server != "" {
		token, err := c.token()
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	h := &http.Client{Transport: through, Timeout: cmp.Or(c.timeout, time.Minute), CheckRedirect: keepToken}
	resp, err := h.Do(r)
	if err != nil {
		if gone := client.NotThere(c.Server, err); gone != nil {
			err = gone
		}
		return nil, harmlessError{err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
	case resp.StatusCode >= 400:
		err = refusalOf(resp.Status, b)
	case resp.StatusCode >= 300:
		err = fmt.Errorf("%s answered with a redirect (%s). The admin token is not sent to another address. Set --server to the server's own address", c.Server, harmless(resp.Status))
	}
	return b, err
}

// keepToken is a CheckRedirect: an admin token goes to the address that it was
// meant for only.
func keepToken(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// refusalOf is the error of an OperationOutcome.
func refusalOf(status string, body []byte) error {
	var o fhir.OperationOutcome
	if json.Unmarshal(body, &o) != nil || len(o.Issue) == 0 {
		return fmt.Errorf("the server answered %s", harmless(status))
	}
	return errors.New(strings.TrimRight(harmless(o.Issue[0].Details.Text), "."))
}

func (c *adminConfig) token() (string, error) {
	if c.TokenFile == "" {
		return "", &usageError{errors.New("--server needs an admin token: set --token-file=FILE. To create a token, run ab2d admin token add on the machine that has the database")}
	}
	b, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, " \t\r\n\x00") {
		return "", fmt.Errorf("--token-file=%s: it has no admin token: a token is one word", c.TokenFile)
	}
	return token, nil
}

// way leads to the handlers: over the network, or to those in this process,
// which work on the database.
func (c *adminConfig) way(ctx context.Context, s streams) (http.RoundTripper, string, func() error, error) {
	if c.Server != "" {
		u, err := url.Parse(c.Server)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, "", nil, &usageError{errors.New("--server: write http:// or https://, a host and possibly a path")} // not quoted: it may hold a password
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.Proxy = obs.Proxy
		done := func() error { transport.CloseIdleConnections(); return nil }
		return transport, strings.TrimRight(c.Server, "/"), done, nil
	}
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return nil, "", nil, err
	}
	roster := source(db)
	if _, synthetic := syntheticExtra(c.claims); synthetic {
		roster = openClaims(&workConfig{Claims: c.claims, Seed: c.seed}, db, db.Now)
	}
	var stored export.Files
	if c.files != "" {
		ring, err := openRing(ctx, c.encrypted, db)
		if err == nil {
			stored, _, err = openFiles(c.files, ring)
		}
		if err != nil {
			return nil, "", nil, errors.Join(err, db.Close())
		}
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelError}))
	service, err := admin.New(admin.Config{
		Store: db, Files: stored, Now: db.Now, KeyRing: func(ctx context.Context) (*auth.KeyRing, error) { return c.keys(ctx, db) },
		Intake: &export.Intake{Jobs: db, Roster: roster, Source: roster.Source(), Notifier: export.NewNotifier(), Now: db.Now, Removed: db},
	})
	if err != nil {
		return nil, "", nil, errors.Join(err, db.Close())
	}
	const here = "http://localhost"
	handler := admin.LocalHandler(service, admin.HandlerConfig{
		Responder: rest.NewResponder(log, db.Now, nil), Origin: func(*http.Request) string { return here },
	}, operator())
	return handlerTransport{handler}, here, db.Close, nil
}

func (c *adminConfig) keys(ctx context.Context, db *store.DB) (*auth.KeyRing, error) {
	if c.KeyFile == "" && !strings.HasPrefix(c.Database, "sqlite:") {
		return nil, &usageError{errors.New("--key-file: set it to the key file of the servers")}
	}
	seal, err := openSeal(&c.stateConfig, &c.keyConfig)
	if err != nil {
		return nil, err
	}
	return auth.OpenKeyRing(ctx, db, seal, db.Now)
}

// operator names who runs this program, for the audit.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// asOperator gives entries of the audit the operator as their actor.
func asOperator(ctx context.Context) context.Context {
	return audit.With(ctx, &audit.Facts{Actor: "operator " + operator()})
}

// handlerTransport sends requests to a handler in this process.
type handlerTransport struct{ handler http.Handler }

// RoundTrip answers a request.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &responseRecorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), Header: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// responseRecorder is a response in memory.
type responseRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *responseRecorder) Header() http.Header         { return k.header }
func (k *responseRecorder) WriteHeader(status int)      { k.status = status }
func (k *responseRecorder) Write(b []byte) (int, error) { return k.body.Write(b) }

// printResponse makes a request and prints the response: as JSON, or as show writes it for people.
func printResponse[T any](ctx context.Context, s streams, c asker, method, path string, body any, show func(io.Writer, T) error) error {
	b, err := c.ask(ctx, s, method, path, body)
	if err != nil {
		return err
	}
	return printBody(s, b, c.asJSON(), show)
}

// asker makes requests of a command. asJSON tells whether the command prints JSON.
type asker interface {
	ask(ctx context.Context, s streams, method, path string, body any) ([]byte, error)
	asJSON() bool
}

func (c *adminConfig) asJSON() bool { return c.JSON }

// printBody prints a response: as JSON, or as show writes it for people.
func printBody[T any](s streams, b []byte, asJSON bool, show func(io.Writer, T) error) error {
	if asJSON {
		var indented bytes.Buffer
		if err := json.Indent(&indented, b, "", "  "); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		_, err := fmt.Fprintln(s.out, obs.EscapeJSON(indented.String()))
		return err
	}
	var answer T
	b, err := harmlessValues(b)
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return show(s.out, answer)
}

// listing writes rows of cells separated by tabs.
func listing[T any](header string, row func(T) string) func(io.Writer, []T) error {
	return func(w io.Writer, list []T) error {
		if len(list) == 0 {
			_, err := fmt.Fprintln(w, "There are none.")
			return err
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, header)
		for _, r := range list {
			fmt.Fprintln(t, row(r))
		}
		return t.Flush()
	}
}

// dryRunFlag is of commands that take something away.
type dryRunFlag struct {
	DryRun bool `help:"Only print what would be done."`
}

func (d dryRunFlag) on(path string) string {
	if d.DryRun {
		return path + "?dryRun=true"
	}
	return path
}

// printEffect says what was done, or would be.
func printEffect(w io.Writer, e admin.Effect) error {
	word := "done: "
	if !e.Done {
		word = "would "
	}
	_, err := fmt.Fprintln(w, word+e.Effect)
	return err
}

// moment is how people read a time, wherever the program prints one.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// momentOr is moment, or something else for none.
func momentOr(t *time.Time, none string) string {
	if t == nil || t.IsZero() {
		return none
	}
	return moment(*t)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
