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
}

// Credential is an OAuth2 client id and the secrets that are accepted with it.
// Those of the sandbox are published and protect nothing.
type Credential struct {
	ID      string
	Secrets []string
}

// attested is the day on which all sponsors of the sandbox attested.
var attested = coverage.DateOf(2020, time.March, 1)

// Sponsors lists the sandbox's sponsors, as the public AB2D tutorial and its
// sandbox pages print them. PDP-1000 has two credentials: the tutorial prints
// its id and secret cut, beside a Base64 text of them that is whole, and both
// must work; the whole secret is in public in two spellings.
func Sponsors() []Sponsor {
	return []Sponsor{
		{"PDP-100", "Z0000", 100, []Credential{
			{"0oa2t0lsrdZw5uWRx297", []string{"HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw"}},
		}},
		{"PDP-1000", "Z0001", 1000, []Credential{
			{"0oa2t0lc65ErV8OmY297", []string{
				"1Bl3HGO6eglkXUDtjVjto3L-3C0offzTMk2qlz9r",
				"1Bl3HGO6eglkXUDtjVjto3L-3C0offzMk2qlz9r",
			}},
			{"0lc65ErV8OmY297", []string{"GO6eglkXUDtjVjto3L-3C0offzTMk2qlz9r"}},
		}},
		{"PDP-2000", "Z0002", 2000, []Credential{
			{"0oa2t0lkicpxFGkGt297", []string{"eDpanJTtw90vY2viYlX4o2rgVRIR4tDRH0mWr9vN"}},
		}},
		{"PDP-5000", "Z0005", 5000, []Credential{
			{"0oa2t0l6c1tQbTikz297", []string{"80zX-7GeiMiiA6zVghiqYZL82oLAWSxhgfBkfo0T"}},
		}},
		{"PDP-10000", "Z0010", 10000, []Credential{
			{"0oa2t0lm9qoAtJHqC297", []string{"ybR60JmtcpRt6SAeLmvbq6l-3YDRCZP-WN1At6t_"}},
		}},
	}
}
