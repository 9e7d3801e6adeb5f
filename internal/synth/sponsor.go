package synth

import (
	"time"

	"ab2d/internal/coverage"
)

// Sponsor is a synthetic Part D sponsor with one contract.
type Sponsor struct {
	Name        string // PDP-100
	Contract    string // Z0000
	Enrollees   int
	Credentials []Credential

	// Attested is the day of attestation; zero is that of the sandbox's
	// sponsors, 2020-03-01. Unattested: there was none.
	Attested   coverage.Date
	Unattested bool
}

// facts returns the contract of the sponsor as the roster has it.
func (p *Sponsor) facts() coverage.Contract {
	c := coverage.Contract{Number: p.Contract, Sponsor: p.Name}
	if p.Unattested {
		return c
	}
	c.HasAttested, c.Attested = true, attested
	if p.Attested != 0 {
		c.Attested = p.Attested
	}
	return c
}

// Credential is an OAuth2 client id and the secrets that are accepted with it.
// Those of the sandbox are published and protect nothing.
type Credential struct {
	ID      string
	Secrets []string
}

// attested is the day on which all sponsors of the sandbox attested.
var attested = coverage.DateOf(2020, time.March, 1)

// Sponsors returns the sandbox's sponsors, as the public AB2D tutorial and its
// sandbox pages print them. PDP-1000 has two credentials, and both must work: the
// tutorial prints its id and secret truncated, beside a Base64 text with all of them.
// The full secret is public in two spellings.
func Sponsors() []Sponsor {
	return []Sponsor{
		{Name: "PDP-100", Contract: "Z0000", Enrollees: 100, Credentials: []Credential{
			{"0oa2t0lsrdZw5uWRx297", []string{"HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw"}},
		}},
		{Name: "PDP-1000", Contract: "Z0001", Enrollees: 1000, Credentials: []Credential{
			{"0oa2t0lc65ErV8OmY297", []string{
				"1Bl3HGO6eglkXUDtjVjto3L-3C0offzTMk2qlz9r",
				"1Bl3HGO6eglkXUDtjVjto3L-3C0offzMk2qlz9r",
			}},
			{"0lc65ErV8OmY297", []string{"GO6eglkXUDtjVjto3L-3C0offzTMk2qlz9r"}},
		}},
		{Name: "PDP-2000", Contract: "Z0002", Enrollees: 2000, Credentials: []Credential{
			{"0oa2t0lkicpxFGkGt297", []string{"eDpanJTtw90vY2viYlX4o2rgVRIR4tDRH0mWr9vN"}},
		}},
		{Name: "PDP-5000", Contract: "Z0005", Enrollees: 5000, Credentials: []Credential{
			{"0oa2t0l6c1tQbTikz297", []string{"80zX-7GeiMiiA6zVghiqYZL82oLAWSxhgfBkfo0T"}},
		}},
		{Name: "PDP-10000", Contract: "Z0010", Enrollees: 10000, Credentials: []Credential{
			{"0oa2t0lm9qoAtJHqC297", []string{"ybR60JmtcpRt6SAeLmvbq6l-3YDRCZP-WN1At6t_"}},
		}},
	}
}
