package admin

import (
	"context"
	"errors"
	"net/url"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// NewJob asks for an export on behalf of a contract.
type NewJob struct {
	Contract string `json:"contract"`
	Version  string `json:"version,omitempty"` // v1 or v2; default v2
	Since    string `json:"since,omitempty"`   // FHIR instants
	Until    string `json:"until,omitempty"`
}

// StartJob starts an export for a contract, in the name of actor. origin is
// the scheme and host of the addresses that the job shows. The contract's
// clients find the job by its id.
func (s *Service) StartJob(ctx context.Context, n NewJob, actor, origin string) (Job, error) {
	if !coverage.ValidContractNumber(n.Contract) {
		return Job{}, notContract(n.Contract)
	}
	request, err := s.exportRequest(n, origin)
	if err != nil {
		return Job{}, err
	}
	contract, err := s.intake.Entitled(ctx, n.Contract)
	if errors.Is(err, export.ErrNoContract) || errors.Is(err, export.ErrNotAttested) {
		return Job{}, rest.Conflict("Contract %s does not exist or has no attestation. Without one it gets no claims.", n.Contract)
	}
	if err != nil {
		return Job{}, err
	}
	request.Contract, request.Client = contract, actor
	clients, err := s.store.Clients(ctx, n.Contract)
	if err != nil {
		return Job{}, err
	}
	request.MaxJobs = 1
	for _, c := range clients {
		request.MaxJobs = max(request.MaxJobs, c.MaxJobs)
	}
	j, err := s.intake.Accept(ctx, request)
	var limit *export.JobLimitError
	if errors.As(err, &limit) {
		var ids []string
		for _, running := range limit.Running {
			ids = append(ids, running.ID)
		}
		return Job{}, rest.Conflict("Contract %s has reached its limit of running exports (%d): %v.", n.Contract, len(limit.Running), ids)
	}
	if err != nil {
		return Job{}, err
	}
	return jobOf(j, store.Volume{}), nil
}

// exportRequest parses the request. Its URL is the one that a client would
// have sent.
func (s *Service) exportRequest(n NewJob, origin string) (export.Request, error) {
	request := export.Request{Version: fhir.V2}
	switch n.Version {
	case "", "v2":
	case "v1":
		request.Version = fhir.V1
	case "v3":
		request.Version = fhir.V3
	default:
		return request, rest.InvalidField("version", "%s is none of v1, v2 and v3.", rest.Quoted(n.Version))
	}
	query := url.Values{}
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"since", n.Since, &request.Since}, {"until", n.Until, &request.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := fhir.ParseInstant(bound.text)
		if err != nil || at.After(s.now()) || at.Before(export.EarliestSince) {
			return request, rest.InvalidField(bound.name, "%s is not a FHIR instant between %s and now, for example 2025-01-31T00:00:00Z.",
				rest.Quoted(bound.text), export.EarliestSince.Format(time.DateOnly))
		}
		*bound.to = at
		query.Set("_"+bound.name, bound.text)
	}
	if !request.Since.IsZero() && !request.Until.IsZero() && request.Until.Before(request.Since) {
		return request, rest.InvalidField("until", "it is before since.")
	}
	request.URL = origin + "/api/" + request.Version.String() + "/fhir/Patient/$export"
	if len(query) > 0 {
		request.URL += "?" + query.Encode()
	}
	return request, nil
}
