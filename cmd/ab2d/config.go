package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"ab2d/internal/auth"
	"ab2d/internal/encryption"
	"ab2d/internal/obs"
)

// stateConfig says where the state of a server is. Commands that work on it
// beside a running server have the same settings.
type stateConfig struct {
	Data     string `help:"Directory of the server's state: jobs, result files, signing keys. A server creates it if needed and continues from the state in it. The default is ab2d-data, and ab2d-sandbox for the sandbox." type:"path" placeholder:"DIR"`
	Database string `help:"Database for jobs, clients, keys, enrollment and imported claims: sqlite:PATH, or postgres://USER@HOST/DATABASE. The default is ab2d.db in the data directory." placeholder:"ADDRESS"`

	defaultData string // of the command; "": ab2d-data
}

// The default data directories. They differ, so that a server never finds the
// published clients of a sandbox.
const (
	defaultData        = "ab2d-data"
	defaultSandboxData = "ab2d-sandbox"
)

// complete fills in what depends on other settings.
func (c *stateConfig) complete() {
	if c.Data == "" {
		c.Data = kong.ExpandPath(cmp.Or(c.defaultData, defaultData))
	}
	if c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.Data, "ab2d.db")
	}
}

// shown is the database's address without secrets.
func (c *stateConfig) shown() string { return obs.HideSecrets(c.Database) }

// logConfig says what is logged.
type logConfig struct {
	LogLevel  string `help:"Lowest level that is logged to standard error: debug, info, warn or error." default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"Format of log lines: text or json." default:"text" placeholder:"FORMAT"`
}

// workConfig are the settings of whatever works on exports.
type workConfig struct {
	stateConfig
	logConfig
	retentionConfig
	encryptionConfig
	Files     string        `help:"Storage of result files: dir:PATH, or s3://BUCKET/PREFIX?endpoint=URL. The default is files in the data directory." placeholder:"ADDRESS"`
	Seed      uint64        `help:"Seed of the synthetic claims. The same seed gives the same people and claims on every machine." default:"1" placeholder:"N"`
	Profiles  string        `help:"Directory for profiles of the whole run (CPU, allocations, mutexes, blocking), for go tool pprof. They are written when the process ends." placeholder:"DIR" type:"path"`
	Retention time.Duration `help:"How long completed jobs and their files are stored." env:"AB2D_RETENTION,AB2D_KEEP" default:"72h" placeholder:"DURATION"`
	Lease     time.Duration `help:"How long a worker can be silent before others take over its steps." default:"15s" placeholder:"DURATION"`

	Claims  string `kong:"-"` // each command has its own flag, with its own default
	Workers int    `kong:"-"`

	// Mirror is the upstream server that this process copies on a schedule; nil, or
	// without a source, for none. Each command has its own flags.
	Mirror *mirrorConfig `kong:"-"`

	Sandbox      bool `kong:"-"` // the tutorial's clients, and simulated failures
	DefaultSince bool `kong:"-"` // in a sandbox: exports without _since go on from the last one
}

// keyConfig says how signing keys are encrypted.
type keyConfig struct {
	KeyFile string `help:"File with the key that encrypts the signing keys in the database: 32 bytes in Base64. All servers on a database use the same key. The default is key-encryption-key in the data directory, which is created if needed. With PostgreSQL there is no default." type:"path" placeholder:"FILE"`
}

// encryptionConfig says by which keys result files and claims are encrypted.
type encryptionConfig struct {
	EncryptionKeyFile string `help:"Encrypt result files and imported claims. The file has the wrapping key: 32 bytes in Base64. Older keys can follow, one on a line. All processes on a database use the same keys. The default is that nothing is encrypted." type:"path" placeholder:"FILE"`
	EncryptionKMS     string `help:"Encrypt them, with a wrapping key of AWS KMS: aws-kms:KEY?region=NAME, where KEY is a key id, alias/NAME or an ARN. With &endpoint=URL it is another service with the same API." name:"encryption-kms" placeholder:"ADDRESS"`
}

func (c *encryptionConfig) settings() encryption.Settings {
	return encryption.Settings{KeyFile: c.EncryptionKeyFile, KMS: c.EncryptionKMS}
}

// tlsConfig says how the server is reached over TLS.
type tlsConfig struct {
	TLSCert     string `help:"Serve TLS with this certificate and its chain, in PEM. When the file changes, the server uses the new certificate." name:"tls-cert" type:"path" placeholder:"FILE"`
	TLSKey      string `help:"Private key of the certificate, in PEM." name:"tls-key" type:"path" placeholder:"FILE"`
	TLSClientCA string `help:"Require client certificates issued by one of these CA certificates, in PEM." name:"tls-client-ca" type:"path" placeholder:"FILE"`
}

// issuerConfig says whose tokens are taken.
type issuerConfig struct {
	Issuer         string        `help:"Accept tokens of this authorization server instead of issuing tokens. Its issuer URL, for example https://login.example.org/oauth2/default." placeholder:"URL"`
	IssuerAudience string        `help:"Required aud of its tokens." default:"AB2D" placeholder:"NAME"`
	IssuerClient   string        `help:"The claim of its tokens that contains the client id, such as cid, client_id, azp or sub." default:"client_id" placeholder:"CLAIM"`
	IssuerLeeway   time.Duration `help:"Allowed difference between its clock and this server's." default:"30s" placeholder:"DURATION"`
	FetchPrivate   bool          `help:"Allow private and local addresses for the JWK Sets of clients and of the issuer."`
}

// config are the settings of a server.
type config struct {
	workConfig
	keyConfig
	tlsConfig
	issuerConfig
	limitConfig
	RotateKeys      time.Duration `help:"Age at which the signing key is replaced by a new one. 0: only ab2d admin key rotate replaces it." default:"720h" placeholder:"DURATION"`
	AdminAPI        bool          `help:"Serve the administration at /admin/v1. It requires an admin token." name:"admin-api" default:"true" negatable:""`
	Account         bool          `help:"Serve the account of sponsors at /account/v1, where a client sees and changes its secrets, keys and networks." default:"true" negatable:""`
	Listen          string        `help:"Address to listen on, as host:port. With port 0 the server chooses a free port and prints it." default:"localhost:8080" placeholder:"HOST:PORT"`
	CORSOrigins     []string      `kong:"-"` // each command has its own flag, with its own default
	V3              bool          `help:"Offer version 3 of the API to contracts for which it is enabled." name:"v3" default:"true" negatable:""`
	V3EarliestSince time.Time     `help:"The earliest _since that version 3 of the API accepts." name:"v3-earliest-since" default:"2026-04-01T00:00:00-05:00" placeholder:"TIME"`
	MaxDownloads    int           `help:"How often a file can be downloaded completely. The tutorial says once; CMS's server allows 6 times." default:"1" placeholder:"N"`
	MaxPolls        float64       `help:"Status requests per second that this process accepts for a job. The first 60 can come faster." default:"1" placeholder:"N"`
	TokenLifetime   time.Duration `help:"How long an access token is valid." default:"1h" placeholder:"DURATION"`
	AuthServer      string        `help:"Name of the authorization server in the token endpoint's path, /oauth2/NAME/v1/token." default:"aus2r7y3gdaFMKBol297" placeholder:"NAME"`
	PublicURL       string        `help:"Public URL of this server, for example https://ab2d.example.org. If it is not set, the address is taken from each request. It is required, or --allowed-hosts is, if the server listens for other machines." name:"public-url" placeholder:"URL"`
	AllowedHosts    []string      `help:"Hosts by which clients may address this server, as HOST or HOST:PORT, if there is no public URL. The default is this machine's own: localhost, 127.0.0.1 and [::1]." placeholder:"HOST"`
	TrustedProxies  []string      `help:"Addresses or networks of trusted reverse proxies, for example 10.0.0.0/8. Only their X-Forwarded-Proto, -Host and -For headers are used." placeholder:"CIDR"`
	Drain           time.Duration `help:"How long /health reports that the server is stopping before it accepts no more requests." default:"0s" placeholder:"DURATION"`
}

// usageError is a fault of the arguments or settings.
type usageError struct{ error }

// complete fills in what depends on other settings.
func (c *workConfig) complete() {
	c.stateConfig.complete()
	c.retentionConfig.complete()
	if c.Files == "" {
		c.Files = "dir:" + filepath.Join(c.Data, "files")
	}
}

// complete fills in what depends on other settings.
func (c *config) complete() {
	c.workConfig.complete()
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
}

// faults gathers what is wrong with settings.
type faults []error

func (f *faults) add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// err is all faults as one error, or nil.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	if len(f) == 1 {
		return &usageError{f[0]}
	}
	return &usageError{fmt.Errorf("%d settings are wrong:\n%w", len(f), errors.Join(f...))}
}

// local tells what of the state no other process or machine can share.
func (c *workConfig) local() string {
	switch {
	case strings.HasPrefix(c.Database, "sqlite:"):
		return c.Database
	case strings.HasPrefix(c.Files, "dir:"):
		return c.Files
	}
	return ""
}

func (c *workConfig) validate(f *faults) {
	f.add(c.Retention < time.Second, "--retention=%s: must be a second or more, for example 72h", c.Retention)
	c.retentionConfig.validate(f)
	f.add(c.Lease < time.Second, "--lease=%s: must be a second or more, for example 15s", c.Lease)
	f.add(c.Workers < 0, "--workers=%d: must not be negative", c.Workers)
	_, synthetic := syntheticExtra(c.Claims)
	if c.mirrors() {
		c.Mirror.validate(f, "mirror-")
		f.add(synthetic, "--mirror-source: also set --claims=store:, because the claims are copied into the database")
	}
	f.add(!synthetic && c.Claims != "store:", "--claims=%s: must be synthetic: or store:", c.Claims)
}

// mirrors tells whether this process copies an upstream server.
func (c *workConfig) mirrors() bool { return c.Mirror != nil && c.Mirror.Source != "" }

// isLoopback tells whether nobody but this machine reaches a host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listenHost is the host of an address to listen on.
func listenHost(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--listen=%s: write host:port, for example localhost:8080 or :8080", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", fmt.Errorf("--listen=%s: the port must be a number from 0 to 65535", address)
	}
	return host, nil
}

var authServerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// validate reports all faults of the settings at once.
func (c *config) validate() error {
	var f faults
	c.workConfig.validate(&f)
	c.limitConfig.validate(&f)
	host, err := listenHost(c.Listen)
	f.add(err != nil, "%w", err)
	f.add(err == nil && c.Sandbox && c.Claims == "store:" && !isLoopback(host), "--listen=%s: a sandbox with imported claims listens on this machine only, "+
		"for example localhost:8080; for others there is ab2d serve", c.Listen)
	f.add(err == nil && !isLoopback(host) && c.PublicURL == "" && len(c.AllowedHosts) == 0, "--listen=%s: other machines can reach this server, so set --public-url, "+
		"for example --public-url=https://ab2d.example.org, or the hosts by which it is addressed: --allowed-hosts=HOST", c.Listen)
	for _, h := range c.AllowedHosts {
		f.add(!hostForm.MatchString(h), "--allowed-hosts=%q: write HOST or HOST:PORT, for example ab2d.example.org", h)
	}
	f.add(c.Workers == 0 && c.local() != "", "--workers=0: no other process can share %s and run the exports; set 1 or more", c.local())
	f.add(c.MaxDownloads < 1, "--max-downloads=%d: must be 1 or more", c.MaxDownloads)
	f.add(!(c.MaxPolls >= 0.01), "--max-polls=%g: must be 0.01 or more", c.MaxPolls)
	f.add(c.TokenLifetime < time.Second, "--token-lifetime=%s: must be a second or more, for example 1h", c.TokenLifetime)
	_, err = obs.ParseProxies(c.TrustedProxies)
	f.add(err != nil, "--trusted-proxies: %v", err)
	for _, o := range c.CORSOrigins {
		u, err := url.Parse(o)
		f.add(o != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o), "--cors-origins=%s: write https://HOST, or * for every page", obs.HideSecrets(o))
	}
	f.add(!authServerName.MatchString(c.AuthServer), "--auth-server=%s: use letters, digits, - and _", c.AuthServer)
	f.add((c.TLSCert == "") != (c.TLSKey == ""), "--tls-cert and --tls-key: set both or neither")
	f.add(c.TLSClientCA != "" && c.TLSCert == "", "--tls-client-ca: also set --tls-cert and --tls-key")
	f.add(c.RotateKeys != 0 && c.RotateKeys < time.Hour, "--rotate-keys=%s: must be an hour or more, or 0", c.RotateKeys)
	f.add(c.Issuer != "" && auth.CheckURL(c.Issuer) != nil, "--issuer=%s: write https://, a host and a path", obs.HideSecrets(c.Issuer))
	f.add(c.Issuer != "" && (c.IssuerAudience == "" || c.IssuerClient == ""), "--issuer-audience and --issuer-client: must not be empty with --issuer")
	f.add(c.IssuerLeeway < 0 || c.IssuerLeeway > 5*time.Minute, "--issuer-leeway=%s: must be 0s to 5m", c.IssuerLeeway)
	f.add(c.KeyFile == "" && strings.HasPrefix(c.Database, "postgres"), "--key-file: servers that share a database need the same one; "+
		"make it once with: (umask 077; head -c 32 /dev/urandom | base64 > key-encryption-key)")
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		f.add(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil,
			"--public-url=%s: write http:// or https://, a host and possibly a path", obs.HideSecrets(c.PublicURL))
	}
	return f.err()
}
