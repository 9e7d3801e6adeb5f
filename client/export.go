package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Request says what to export. The zero value asks for everything a server
// gives by default.
type Request struct {
	// Type is _type, a resource type, for example ExplanationOfBenefit.
	Type string `json:"type,omitempty"`
	// OutputFormat is _outputFormat, for example application/fhir+ndjson.
	OutputFormat string `json:"outputFormat,omitempty"`
	// Since is _since: only what changed after it. Sent to the millisecond.
	// Zero for all.
	Since time.Time `json:"since,omitzero"`
	// Until is _until: only what changed up to it. Sent to the millisecond.
	// Zero for no bound. Not every server knows it; AB2D does from v2 on.
	Until time.Time `json:"until,omitzero"`
	// TypeFilter are the _typeFilter, each a FHIR search that only fitting
	// resources belong to, such as
	// ExplanationOfBenefit?service-date=ge2023-01-01&service-date=le2023-12-31.
	TypeFilter []string `json:"typeFilter,omitempty"`
	// Group exports the members of a Group, in AB2D a contract such as S1234,
	// rather than all patients.
	Group string `json:"group,omitempty"`
	// Patients exports these patients only, by their numbers as the server knows
	// them: at most MaxPatients. The request is then a POST. In AB2D, without Since
	// their whole history. Not every server knows it; CMS's AB2D does not.
	Patients []string `json:"patients,omitempty"`
	// AllowPartial is allowPartialManifests: the server may list files while the
	// export runs, and its manifest may come in pages. A server that rejects it is
	// asked again without it.
	AllowPartial bool `json:"allowPartial,omitempty"`
	// IdempotencyKey is the Idempotency-Key under which a server that knows
	// this header starts the same export once only. Others pass over it.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// Job is an export at the server.
type Job struct {
	// StatusURL is where its status is asked for. It is all there is to a
	// job: kept, it lets another process wait for the job.
	StatusURL string `json:"statusUrl,omitempty"`
	// Accepted is when the server accepted it, by the server's clock; zero
	// when it does not say.
	Accepted time.Time `json:"accepted,omitzero"`
	// Partial says that the server accepted Request.AllowPartial, or passed over it.
	Partial bool `json:"partial,omitempty"`
}

// shown is the status URL for people; empty when the job has none yet.
func (j Job) shown() string {
	if j.StatusURL == "" {
		return ""
	}
	return shown(j.StatusURL)
}

// MaxPatients is how many patients one export can be limited to.
const MaxPatients = 10_000

// maxGroup is the longest id of a group, in bytes.
const maxGroup = 256

// instant is how FHIR writes a moment, here in UTC.
const instant = "2006-01-02T15:04:05.000Z07:00"

// Start asks for an export (Bulk Data Access IG, "Bulk Data Kick-off
// Request"). It is not tried again by itself: a request whose answer was lost
// may have started an export. A server that already runs as many exports as it
// allows answers with an *Error of status 429 that names them.
func (c *Client) Start(ctx context.Context, r Request) (Job, error) {
	job, err := c.start(ctx, r)
	if err != nil {
		return Job{}, fmt.Errorf("starting the export: %w", err)
	}
	return job, nil
}

// start asks for an export. A server that may not know partial manifests is asked once
// more, without them: it has refused the request, so that it has not started one.
func (c *Client) start(ctx context.Context, r Request) (Job, error) {
	job, err := c.ask(ctx, r)
	if r.AllowPartial && refusesPartial(err) {
		r.AllowPartial = false
		job, err = c.ask(ctx, r)
	}
	job.Partial = err == nil && r.AllowPartial
	return job, err
}

// ask makes the request for an export.
func (c *Client) ask(ctx context.Context, r Request) (Job, error) {
	u, err := c.kickOff(r)
	if err != nil {
		return Job{}, err
	}
	h := header("application/fhir+json")
	h.Set("Prefer", "respond-async")
	if r.IdempotencyKey != "" {
		h.Set("Idempotency-Key", r.IdempotencyKey)
	}
	method, body := http.MethodGet, []byte(nil)
	if len(r.Patients) > 0 {
		if body, err = r.body(); err != nil {
			return Job{}, err
		}
		method, u.RawQuery = http.MethodPost, ""
		h.Set("Content-Type", "application/fhir+json")
	}
	resp, err := c.sendBody(ctx, method, u, h, body, true)
	if err != nil {
		return Job{}, err
	}
	defer resp.Body.Close()
	location := resp.Header.Get("Content-Location")
	accepted := resp.StatusCode == http.StatusAccepted
	if (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent) && location != "" {
		accepted = true // as some servers say it
	}
	if !accepted {
		e := c.refusal(resp)
		e.Jobs = locations(resp.Header)
		return Job{}, e
	}
	if location == "" {
		return Job{}, errors.New("the server accepted it but does not say where its status is (no Content-Location)")
	}
	status, err := c.resolve(location, resp.Request.URL)
	if err != nil {
		return Job{}, err
	}
	job := Job{StatusURL: status.String()}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		job.Accepted = t
	}
	return job, nil
}

// parameter is a parameter of a FHIR Parameters resource.
type parameter struct {
	Name         string     `json:"name"`
	ValueString  string     `json:"valueString,omitempty"`
	ValueInstant string     `json:"valueInstant,omitempty"`
	ValueBoolean bool       `json:"valueBoolean,omitempty"`
	Reference    *reference `json:"valueReference,omitempty"`
}

type reference struct {
	Reference string `json:"reference"`
}

// patientNumber is the id of a patient, as FHIR allows it.
var patientNumber = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// body is the request as a FHIR Parameters resource.
func (r *Request) body() ([]byte, error) {
	if len(r.Patients) > MaxPatients {
		return nil, fmt.Errorf("%d patients are too many for one export, which can have %d", len(r.Patients), MaxPatients)
	}
	parameters := []parameter{}
	add := func(p parameter) {
		if p.ValueString != "" || p.ValueInstant != "" {
			parameters = append(parameters, p)
		}
	}
	add(parameter{Name: "_type", ValueString: r.Type})
	add(parameter{Name: "_outputFormat", ValueString: r.OutputFormat})
	if !r.Since.IsZero() {
		add(parameter{Name: "_since", ValueInstant: r.Since.UTC().Format(instant)})
	}
	if !r.Until.IsZero() {
		add(parameter{Name: "_until", ValueInstant: r.Until.UTC().Format(instant)})
	}
	for _, f := range r.TypeFilter {
		add(parameter{Name: "_typeFilter", ValueString: f})
	}
	if r.AllowPartial {
		parameters = append(parameters, parameter{Name: "allowPartialManifests", ValueBoolean: true})
	}
	for i, p := range r.Patients {
		if !patientNumber.MatchString(p) {
			return nil, fmt.Errorf("patient %d of %d is not the id of a patient", i+1, len(r.Patients))
		}
		parameters = append(parameters, parameter{Name: "patient", Reference: &reference{"Patient/" + p}})
	}
	return json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": parameters})
}

// kickOff is the URL that starts an export.
func (c *Client) kickOff(r Request) (*url.URL, error) {
	u := c.base.JoinPath("Patient", "$export")
	if r.Group != "" {
		// Servers use ids that FHIR does not allow: any text is sent, as one
		// segment of the path.
		if len(r.Group) > maxGroup || strings.Trim(r.Group, ".") == "" || strings.ContainsFunc(r.Group, unicode.IsControl) {
			return nil, fmt.Errorf("%q is not the id of a group", Printable(r.Group, maxGroup))
		}
		u = c.base.JoinPath("Group", url.PathEscape(r.Group), "$export")
	}
	q := u.Query()
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("_type", r.Type)
	set("_outputFormat", r.OutputFormat)
	if !r.Since.IsZero() {
		set("_since", r.Since.UTC().Format(instant))
	}
	if !r.Until.IsZero() {
		set("_until", r.Until.UTC().Format(instant))
	}
	for _, f := range r.TypeFilter {
		q.Add("_typeFilter", f)
	}
	if r.AllowPartial {
		set("allowPartialManifests", "true")
	}
	u.RawQuery = q.Encode()
	return u, nil
}

// locations are the URLs in Content-Location, of which a refused kick-off may
// have several.
func locations(h http.Header) []string {
	var out []string
	for _, v := range h.Values("Content-Location") {
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// Delete cancels an export under way, or tells the server that the files of a
// finished one are no longer needed (Bulk Data Access IG, "Bulk Data Delete
// Request"). AB2D refuses the latter with status 400.
func (c *Client) Delete(ctx context.Context, job Job) error {
	if err := c.delete(ctx, job); err != nil {
		return fmt.Errorf("deleting the export: %w", err)
	}
	return nil
}

func (c *Client) delete(ctx context.Context, job Job) error {
	u, err := c.statusURL(job)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, http.MethodDelete, u, header("application/fhir+json"), true)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusOK, http.StatusNoContent:
		return nil
	}
	return c.refusal(resp)
}

// statusURL is where to ask for a job. It must be the server's own, because
// the token goes with it.
func (c *Client) statusURL(job Job) (*url.URL, error) {
	u, err := c.resolve(job.StatusURL, c.base)
	if err != nil {
		return nil, err
	}
	if !c.own(u) {
		return nil, fmt.Errorf("the job is at %s, but the API is at %s: the token is not sent elsewhere", origin(u), origin(c.base))
	}
	return u, nil
}
