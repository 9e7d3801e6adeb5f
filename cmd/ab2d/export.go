package main

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"ab2d/client"
	"ab2d/internal/obs"
	"ab2d/internal/synth"
	"ab2d/internal/table"
)

// exportCommand is ab2d export.
type exportCommand struct {
	exportServer
	exportCredentials
	Out      string `help:"Folder to keep up to date. It has a folder for each export, and ab2d.json with the state." short:"o" default:"claims" type:"path" placeholder:"DIR"`
	Format   string `help:"Format of the claims: ndjson, or parquet or csv in addition (the tables claims, lines, diagnoses, procedures and care_team)." default:"ndjson" placeholder:"FORMAT"`
	Latest   bool   `help:"Also write latest/, with only the newest version of each claim from all exports in the folder."`
	NoNDJSON bool   `help:"Remove the NDJSON files after the tables were made and each cell of them was compared with the claims. Fields without a column are then lost, and --latest is not possible." name:"no-ndjson"`
	Parallel int    `help:"Number of files to download at the same time." default:"4" placeholder:"N"`
	MaxFile  string `help:"Largest file to download when the manifest does not tell its length." name:"max-file-size" default:"64GiB" placeholder:"SIZE"`

	Full        bool     `help:"Export everything. The default is what changed since the last export in the folder."`
	Since       string   `help:"Export what changed after this instant, for example 2026-01-01T00:00:00Z." placeholder:"INSTANT"`
	Until       string   `help:"Export what changed up to this instant. Not in v1 of AB2D." placeholder:"INSTANT"`
	ServiceDate []string `help:"Export only claims with these service dates: eq, gt, ge, lt or le and a date, for example ge2023-01-01. Repeat it for a period. Not in v1 of AB2D." name:"service-date" placeholder:"BOUND"`
	Patients    string   `help:"Export only the patients in this file: one number per line, as claims name them. Without --since, their whole history." placeholder:"FILE" type:"path"`
	NewMembers  bool     `help:"Export the whole history of new members: patients whom the server lists and the folder does not have yet." name:"new-members"`
	Group       string   `help:"Export the members of a group instead of all patients. In AB2D a group is a contract." placeholder:"ID"`
	Type        string   `help:"Resource type to export. Only ExplanationOfBenefit can be converted to tables." default:"ExplanationOfBenefit" placeholder:"TYPE"`

	Delete bool `help:"Delete the export at the server when all files are on disk. AB2D does not support this."`
	Cancel bool `help:"Cancel the unfinished export of the folder, also at the server, and stop."`
	Rebind bool `help:"Continue with a folder that was filled by another client, or from another URL, of the same contract."`

	JSON  bool `help:"Write events to standard output, one JSON object per line." name:"json"`
	Quiet bool `help:"Print only errors and what the server reports." short:"q"`
}

// exportServer says where the claims are.
type exportServer struct {
	Server    string   `help:"A server of CMS: sandbox (sandbox.ab2d.cms.gov) or prod (api.ab2d.cms.gov)." placeholder:"NAME"`
	URL       string   `help:"URL of any other server: an ab2d server, for example http://localhost:8080, or the FHIR base URL of a Bulk Data server." name:"url" placeholder:"URL"`
	API       string   `help:"Version of AB2D's API: v1 (FHIR STU3), v2 or v3 (FHIR R4)." name:"api" default:"v2" placeholder:"VERSION"`
	AllowHost []string `help:"Another host that may receive the access token when files need it, as HOST or HOST:PORT. Can be repeated. By default only the server itself receives it." name:"allow-host" placeholder:"HOST"`
	TokenURL  string   `help:"OAuth2 token endpoint. The default is the one that the server names." name:"token-url" placeholder:"URL"`
}

// cms are CMS's own servers.
var cms = map[string]struct{ api, token string }{
	"sandbox": {"https://sandbox.ab2d.cms.gov", "https://test.idp.idm.cms.gov/oauth2/aus2r7y3gdaFMKBol297/v1/token"},
	"prod":    {"https://api.ab2d.cms.gov", "https://idm.cms.gov/oauth2/aus2ytanytjdaF9cr297/v1/token"},
}

// serviceDate is a bound on service dates (FHIR R4 §3.1.1.5.6).
var serviceDate = regexp.MustCompile(`^(eq|gt|ge|lt|le)[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`)

// apiVersions are those of AB2D's API, by what ends a base URL.
var apiVersions = map[string]apiVersion{
	"v1": {},
	// Without _since an export goes on from whatever anybody downloaded last.
	"v2": {first: time.Date(2020, 2, 13, 5, 0, 0, 0, time.UTC)},
	// Without _since an export is of everything, and an early one is refused.
	"v3": {floor: time.Date(2026, 4, 1, 5, 0, 0, 0, time.UTC)},
}

// apiVersion is what a version of AB2D's API does with _since.
type apiVersion struct {
	first time.Time // what asks for everything; zero: none
	floor time.Time // the earliest that is taken, where that matters
}

// base is the FHIR base URL.
func (c *exportServer) base() string {
	address := c.URL
	if c.Server != "" {
		address = cms[c.Server].api
	}
	address = strings.TrimRight(address, "/")
	if u, err := url.Parse(address); err == nil && u.Path == "" {
		return address + "/api/" + c.API + "/fhir"
	}
	return address
}

// version is that of AB2D's API; the zero value for other servers.
func (c *exportServer) version() apiVersion {
	base := c.base()
	for name, v := range apiVersions {
		if strings.HasSuffix(base, "/api/"+name+"/fhir") {
			return v
		}
	}
	return apiVersion{}
}

// faultyAPI is what is wrong with a version of the API; nil for a known one.
func faultyAPI(name string) error {
	if _, known := apiVersions[name]; known {
		return nil
	}
	return fmt.Errorf("--api=%s: write v1, v2 or v3", name)
}

func (c *exportServer) validate(f *faults) {
	_, known := cms[c.Server]
	f.add(c.Server != "" && !known, "--server=%s: write sandbox or prod, or set --url to the address of another server", obs.HideSecrets(c.Server))
	f.add((c.Server == "") == (c.URL == ""), "--server or --url: set one of them, for example --url=http://localhost:8080")
	err := faultyAPI(c.API)
	f.add(err != nil, "%v", err)
	for name, address := range map[string]string{"url": c.URL, "token-url": c.TokenURL} {
		u, err := url.Parse(address)
		f.add(address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != ""),
			"--%s: write http:// or https://, a host and possibly a path", name)
	}
}

// request reads what is to be exported.
func (c *exportCommand) request(f *faults) client.Request {
	r := client.Request{Type: c.Type, OutputFormat: "application/fhir+ndjson", Group: c.Group}
	for _, at := range []struct {
		name, value string
		to          *time.Time
	}{{"since", c.Since, &r.Since}, {"until", c.Until, &r.Until}} {
		if at.value == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, at.value)
		f.add(err != nil, "--%s=%s: write an instant with its zone, for example 2026-01-01T00:00:00Z", at.name, at.value)
		*at.to = t.UTC()
	}
	f.add(c.Full && c.Since != "", "--full and --since: set only one of them")
	for _, bound := range c.ServiceDate {
		f.add(!serviceDate.MatchString(bound), "--service-date=%s: write eq, gt, ge, lt or le and a date, for example ge2023-01-01", bound)
	}
	if c.Patients != "" {
		patients, err := readPatients(c.Patients)
		f.add(err != nil, "--patients: %v", err)
		r.Patients = patients
	}
	f.add(c.Patients != "" && (c.Full || c.NewMembers), "--patients: leave it out with --full and --new-members")
	f.add(c.NewMembers && (c.Full || c.Since != "" || c.Until != "" || len(c.ServiceDate) > 0), "--new-members: leave out --full, --since, --until and --service-date, because the whole history is exported")
	if len(c.ServiceDate) > 0 {
		r.TypeFilter = []string{c.Type + "?service-date=" + strings.Join(c.ServiceDate, "&service-date=")}
	}
	return r
}

// validate reports all faults of the arguments at once.
func (c *exportCommand) validate() (client.Request, error) {
	var f faults
	c.exportServer.validate(&f)
	c.exportCredentials.validate(&f)
	_, named := cms[c.Server]
	f.add(named && !c.known(), "--server=%s: CMS asks for credentials: %s", c.Server, howToSignIn)
	r := c.request(&f)
	switch table.Format(c.Format) {
	case table.NDJSON:
	case table.Parquet, table.CSV:
		f.add(c.Type != "ExplanationOfBenefit", "--format=%s: only ExplanationOfBenefit can be converted to tables", c.Format)
	default:
		f.add(true, "--format=%s: write ndjson, parquet or csv", c.Format)
	}
	f.add(c.NoNDJSON && c.Format == string(table.NDJSON), "--no-ndjson: also set --format=parquet or --format=csv")
	f.add(c.NoNDJSON && c.Latest, "--no-ndjson: leave out --latest, which is made of the NDJSON files. The views in %s find the newest version of each claim", table.ViewsFile)
	f.add(c.Latest && c.Type != "ExplanationOfBenefit", "--latest: only ExplanationOfBenefit has versions of claims")
	most, err := humanize.ParseBytes(c.MaxFile)
	f.add(err != nil || most == 0 || most > math.MaxInt64, "--max-file-size=%s: must be bytes, or a number with a unit, for example 64GiB", c.MaxFile)
	f.add(c.Parallel < 1 || c.Parallel > 32, "--parallel=%d: must be 1 to 32", c.Parallel)
	return r, f.err()
}

// open makes the client and opens the folder. Nothing is written before the server
// was reached.
func (c *exportCommand) open(ctx context.Context) (*client.Client, *client.Folder, error) {
	cfg, err := c.exportCredentials.config()
	if err != nil {
		return nil, nil, err
	}
	cfg.BaseURL = c.base()
	cfg.AllowHosts = c.AllowHost
	if cfg.Key != nil && cfg.Scope == "" {
		cfg.Scope = "system/" + c.Type + ".rs"
	}
	most, err := humanize.ParseBytes(c.MaxFile)
	if err != nil {
		return nil, nil, err
	}
	cfg.MaxFileBytes = int64(most)
	api, err := c.connect(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	folder, err := api.OpenFolder(c.Out, client.FolderOptions{Group: c.Group, Rebind: c.Rebind})
	if err != nil {
		return nil, nil, err
	}
	return api, folder, nil
}

// connect finds the token endpoint where it is not told.
func (c *exportCommand) connect(ctx context.Context, cfg client.Config) (*client.Client, error) {
	if err := client.Reach(ctx, cfg.BaseURL, nil); err != nil {
		return nil, err
	}
	switch {
	case cfg.ClientID == "":
	case c.TokenURL != "":
		cfg.TokenURL = c.TokenURL
	case c.Server != "":
		cfg.TokenURL = cms[c.Server].token
	default:
		var err error
		if cfg.TokenURL, err = client.Discover(ctx, cfg.BaseURL, nil); err != nil {
			return nil, fmt.Errorf("%w\n(if the address is right, set the token endpoint with --token-url)", err)
		}
	}
	return client.New(cfg)
}

// exportCredentials say who exports, and what the token is asked for.
type exportCredentials struct {
	clientCredentials
	Scope string `help:"Scope of the access token. The default is clientCreds, or with a private key system/TYPE.rs, where TYPE is that of --type." placeholder:"SCOPE"`
}

// config is that of clientCredentials, with the scope.
func (c *exportCredentials) config() (client.Config, error) {
	cfg, err := c.clientCredentials.config()
	cfg.Scope = c.Scope
	return cfg, err
}

// clientCredentials say which client asks, and how it proves that.
type clientCredentials struct {
	ClientID         string          `help:"OAuth2 client id." name:"client-id" placeholder:"ID"`
	ClientSecretFile string          `help:"File with the client's secret." name:"client-secret-file" type:"path" placeholder:"FILE"`
	ClientSecret     environmentOnly `help:"The client's secret. Set it in the environment only: it is rejected on the command line, because other users could read it there." name:"client-secret" placeholder:"SECRET"`
	AuthFile         string          `help:"File with id:secret in Base64, as CMS's sample clients use it." name:"auth-file" type:"path" placeholder:"FILE"`
	PrivateKey       string          `help:"File with a private key, PEM or JWK, instead of a secret (SMART Backend Services): RSA, or EC with P-384." name:"private-key" type:"path" placeholder:"FILE"`
	KeyID            string          `help:"The kid of the key, as registered at the server. The default is the kid in the JWK, or the thumbprint of the key (RFC 7638)." name:"key-id" placeholder:"KID"`
	Sponsor          string          `help:"One of the sandbox's sponsors, whose credentials are public: PDP-100, PDP-1000, PDP-2000, PDP-5000 or PDP-10000." placeholder:"NAME"`
}

func (c *clientCredentials) validate(f *faults) {
	given := 0
	for _, s := range []string{c.Sponsor, c.AuthFile, c.ClientSecretFile, c.PrivateKey} {
		if s != "" {
			given++
		}
	}
	f.add(given > 1, "--sponsor, --auth-file, --client-secret-file and --private-key: set only one of them")
	f.add(c.ClientID != "" && (c.Sponsor != "" || c.AuthFile != ""), "--client-id: leave it out with --sponsor and --auth-file, which have it")
	f.add(c.ClientID == "" && (c.ClientSecretFile != "" || c.PrivateKey != ""), "--client-id: set it, too")
	f.add(c.ClientID != "" && given == 0 && c.ClientSecret == "", "--client-id: also set --client-secret-file, --private-key or AB2D_CLIENT_SECRET")
	f.add(c.KeyID != "" && c.PrivateKey == "", "--key-id: also set --private-key")
	if c.Sponsor != "" {
		_, err := sandboxSponsor(c.Sponsor)
		f.add(err != nil, "%v", err)
	}
}

// howToSignIn says which flags give credentials.
const howToSignIn = "set --sponsor (for a sandbox of ab2d), --auth-file, or --client-id with --client-secret-file or --private-key"

// known tells whether there are any credentials.
func (c *clientCredentials) known() bool {
	return c.Sponsor != "" || c.AuthFile != "" || c.ClientID != ""
}

func sandboxSponsor(name string) (*synth.Sponsor, error) {
	var names []string
	for _, p := range synth.Sponsors() {
		if p.Name == name {
			return &p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("--sponsor=%s: write one of %s", name, strings.Join(names, ", "))
}

// config is the configuration of a client with these credentials. Without any
// it is one for a server that asks for none.
func (c *clientCredentials) config() (client.Config, error) {
	cfg := client.Config{ClientID: c.ClientID}
	var err error
	switch {
	case c.Sponsor != "":
		p, err := sandboxSponsor(c.Sponsor)
		if err != nil {
			return cfg, err
		}
		cfg.ClientID, cfg.ClientSecret = p.Credentials[0].ID, p.Credentials[0].Secrets[0]
	case c.AuthFile != "":
		cfg.ClientID, cfg.ClientSecret, err = readAuth(c.AuthFile)
	case c.ClientSecretFile != "":
		cfg.ClientSecret, err = readSecret(c.ClientSecretFile)
	case c.PrivateKey != "":
		var content string
		if content, err = readSecret(c.PrivateKey); err == nil {
			cfg.Key, err = client.ParseKey([]byte(content), c.KeyID)
		}
	case c.ClientID != "":
		cfg.ClientSecret = string(c.ClientSecret)
	}
	if err != nil {
		return cfg, &usageError{err}
	}
	return cfg, nil
}
