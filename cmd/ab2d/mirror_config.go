package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/fhir"
	"ab2d/internal/mirror"
	"ab2d/internal/store"
)

// mirrorConfig says which upstream FHIR server is copied, and how.
type mirrorConfig struct {
	Source     string        `help:"Upstream FHIR server (BFD) whose claims and enrollment are copied, for example https://bfd.example.org. It is called under /v1/fhir, /v2/fhir and /v3/fhir. http is allowed on this machine only." placeholder:"URL"`
	SourceV3   string        `help:"Upstream server of version 3, if it is another one." name:"source-v3" placeholder:"URL"`
	Versions   []string      `help:"Versions whose claims are read: v1, v2, v3." default:"v1,v2,v3" placeholder:"VERSION"`
	Enrollment bool          `help:"Also read the enrollment of the attested contracts. Otherwise it is imported with ab2d import enrollment." default:"true" negatable:""`
	ClientCert string        `help:"Client certificate for the upstream server, in PEM. It is read again when the file changes." type:"path" placeholder:"FILE"`
	ClientKey  string        `help:"Private key of the client certificate, in PEM." type:"path" placeholder:"FILE"`
	PKCS12     string        `help:"Client certificate and key in one PKCS#12 file, instead of --client-cert and --client-key." name:"client-pkcs12" type:"path" placeholder:"FILE"`
	Password   string        `help:"File whose first line is the password of the PKCS#12 file." name:"client-pkcs12-password-file" type:"path" placeholder:"FILE"`
	CA         string        `help:"CA certificates that may have issued the upstream server's certificate, in PEM. The default is the system's." name:"ca" type:"path" placeholder:"FILE"`
	Calls      int           `help:"Most calls at the same time, for each upstream server." default:"8" placeholder:"N"`
	Rate       float64       `help:"Most calls in a second, for each upstream server and process. 0 is no limit." default:"0" placeholder:"N"`
	Every      time.Duration `help:"How often changes are read." default:"24h" placeholder:"DURATION"`
	Complete   time.Duration `help:"How often all claims are read again. Claims that the upstream server does not have any more are removed then." default:"720h" placeholder:"DURATION"`
	Overlap    time.Duration `help:"How far each pass goes back before the start of the last one. It must be longer than the upstream server takes to load claims." default:"1h" placeholder:"DURATION"`
}

// validate reports what is wrong. prefix is that of the flags' names.
func (c *mirrorConfig) validate(f *faults, prefix string) {
	for flag, text := range map[string]string{"source": c.Source, "source-v3": c.SourceV3} {
		u, err := url.Parse(text)
		f.add(text != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != ""),
			"--%s%s: write https://, a host and possibly a path", prefix, flag) // not quoted: it may hold a password
		f.add(err == nil && text != "" && u.Host != "" && u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())),
			"--%s%s: it must begin with https://; http:// is allowed for this machine only", prefix, flag)
	}
	for _, v := range c.Versions {
		f.add(!slices.ContainsFunc(fhir.Versions(), func(known fhir.Version) bool { return known.String() == v }),
			"--%sversions=%s: write v1, v2 or v3, separated by commas", prefix, strings.Join(c.Versions, ","))
	}
	f.add(len(c.Versions) == 0, "--%sversions: write at least one of v1, v2 and v3", prefix)
	f.add(c.PKCS12 != "" && c.ClientCert != "", "--%sclient-pkcs12 and --%sclient-cert: set one of them", prefix, prefix)
	f.add(c.PKCS12 == "" && c.Password != "", "--%sclient-pkcs12-password-file: also set --%sclient-pkcs12", prefix, prefix)
	f.add((c.ClientCert == "") != (c.ClientKey == ""), "--%sclient-cert and --%sclient-key: set both or neither", prefix, prefix)
	f.add(c.Calls < 1 || c.Calls > 1000, "--%scalls=%d: must be 1 to 1000", prefix, c.Calls)
	f.add(c.Rate < 0, "--%srate=%g: must not be negative", prefix, c.Rate)
	f.add(c.Every < time.Minute, "--%severy=%s: must be a minute or more", prefix, c.Every)
	f.add(c.Complete < c.Every, "--%scomplete=%s: must not be shorter than --%severy", prefix, c.Complete, prefix)
	f.add(c.Overlap < 0, "--%soverlap=%s: must not be negative", prefix, c.Overlap)
}

// wanted are the versions whose claims are read, in ascending order.
func (c *mirrorConfig) wanted() (list []fhir.Version) {
	for _, v := range fhir.Versions() {
		if slices.Contains(c.Versions, v.String()) {
			list = append(list, v)
		}
	}
	return list
}

// client makes the client of the upstream server. It also calls version 1 if only
// the enrollment is read there.
func (c *mirrorConfig) client(log *slog.Logger) (*bfd.Client, error) {
	bases := map[fhir.Version]string{}
	for _, v := range fhir.Versions() {
		source := c.Source
		if v == fhir.V3 && c.SourceV3 != "" {
			source = c.SourceV3
		}
		if slices.Contains(c.wanted(), v) || v == fhir.V1 && c.Enrollment {
			bases[v] = strings.TrimRight(source, "/") + "/" + v.String() + "/fhir"
		}
	}
	return bfd.New(bfd.Config{Bases: bases, Certificate: c.ClientCert, Key: c.ClientKey, PKCS12: c.PKCS12, PKCS12Password: c.Password, Authorities: c.CA, ClientID: "ab2d",
		InFlight: c.Calls, PerSecond: c.Rate, Log: log})
}

// open makes the mirror.
func (c *mirrorConfig) open(db *store.DB, log *slog.Logger, progress func(*store.MirrorPass, *mirror.Report)) (*mirror.Mirror, error) {
	client, err := c.client(log)
	if err != nil {
		return nil, &usageError{err}
	}
	return mirror.New(mirror.Config{
		DB: db, Upstream: client, Source: hostOf(c.Source), Versions: c.wanted(), Enrollment: c.Enrollment, Name: processName(),
		Calls: c.Calls, Every: c.Every, Complete: c.Complete, Overlap: c.Overlap, Log: log, Progress: progress,
	})
}

// hostOf is the host of a URL that was validated.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	host, _, err := net.SplitHostPort(u.Host)
	if err != nil {
		return u.Host
	}
	return host
}

// processName names this process in leases: its machine and its number.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
