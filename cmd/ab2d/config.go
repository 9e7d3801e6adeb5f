package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// config are the settings of a server. The zero value of each setting means its
// default.
type config struct {
	Listen   string `help:"Address to listen on, as host:port. Port 0 takes a free one, which is printed." default:"localhost:8080" placeholder:"HOST:PORT"`
	Data     string `help:"Directory of the server's state: jobs, result files, signing keys. It is made if it is not there, and a server started with it again goes on where the last one stopped." default:"ab2d-data" type:"path" placeholder:"DIR"`
	Database string `help:"Where jobs, clients and keys are kept: sqlite:PATH. The default is ab2d.db in the data directory." placeholder:"ADDRESS"`
	Files    string `help:"Where result files are kept: dir:PATH. The default is files in the data directory." placeholder:"ADDRESS"`
	Claims   string `help:"Where claims come from: synthetic: (computed from the seed)." default:"synthetic:" placeholder:"ADDRESS"`
	Seed     uint64 `help:"Seed number of the synthetic claims. The same seed gives the same people and claims on every machine." default:"1" placeholder:"N"`

	Workers       int           `help:"Parts of exports that are worked on at once. The default is one for each processor." default:"${processors}" placeholder:"N"`
	MaxDownloads  int           `help:"How often a file may be downloaded completely. The tutorial's rule is once; CMS's server allows 6 times." default:"1" placeholder:"N"`
	MaxJobs       int           `help:"Exports that a contract may have under way at once. Applies to clients when they are first stored." default:"3" placeholder:"N"`
	Keep          time.Duration `help:"How long a completed job and its files are kept. Then the files are deleted." default:"72h" placeholder:"DURATION"`
	TokenLifetime time.Duration `help:"How long an access token is valid." default:"1h" placeholder:"DURATION"`
	AuthServer    string        `help:"Name of the authorization server in the token endpoint's path, /oauth2/NAME/v1/token." default:"aus2r7y3gdaFMKBol297" placeholder:"NAME"`
	PublicURL     string        `help:"Where clients reach this server, for example https://ab2d.example.org. The default is what each request says; needed behind a proxy." name:"public-url" placeholder:"URL"`
	Lease         time.Duration `help:"How long a worker may be silent before others take over its work." default:"15s" placeholder:"DURATION"`

	LogLevel  string `help:"What is logged to standard error: debug, info, warn or error." default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"How it is logged: text or json." default:"text" placeholder:"FORMAT"`
}

// usageError is a fault of the arguments or settings.
type usageError struct{ error }

// complete fills in what depends on other settings.
func (c *config) complete() {
	if c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.Data, "ab2d.db")
	}
	if c.Files == "" {
		c.Files = "dir:" + filepath.Join(c.Data, "files")
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
}

var authServerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// validate reports all faults of the settings at once.
func (c *config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(c.Listen)
	fault(err != nil, "--listen=%s: write host:port, for example localhost:8080 or :8080", c.Listen)
	fault(c.Workers < 1, "--workers=%d: give 1 or more: no other process can share %s and do the work", c.Workers, c.Database)
	fault(c.MaxDownloads < 1, "--max-downloads=%d: give 1 or more", c.MaxDownloads)
	fault(c.MaxJobs < 1, "--max-jobs=%d: give 1 or more", c.MaxJobs)
	fault(c.Keep < time.Second, "--keep=%s: give a second or more, for example 72h", c.Keep)
	fault(c.TokenLifetime < time.Second, "--token-lifetime=%s: give a second or more, for example 1h", c.TokenLifetime)
	fault(c.Lease < time.Second, "--lease=%s: give a second or more, for example 15s", c.Lease)
	fault(!authServerName.MatchString(c.AuthServer), "--auth-server=%s: use letters, digits, - and _", c.AuthServer)
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		fault(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil,
			"--public-url=%s: write http:// or https://, a host and possibly a path", c.PublicURL)
	}
	if len(faults) > 0 {
		return &usageError{fmt.Errorf("the settings have %d faults:\n%w", len(faults), errors.Join(faults...))}
	}
	return nil
}
