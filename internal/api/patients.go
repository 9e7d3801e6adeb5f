package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

const patientExample = `{"name":"patient","valueReference":{"reference":"Patient/-10000010254618"}}`

// readPatients reads patient: whom to export (Bulk Data Access IG, "patient"). A
// patient stands in a body only, as the IG says: addresses end up in logs.
func (r *reader) readPatients() {
	values := r.values["patient"]
	switch {
	case len(values) == 0:
		return
	case r.version == fhir.V1:
		r.fault(fhir.CodeNotSupported, "The parameter patient is available in v2 and v3 only. Leave it out, or ask at /api/v2/fhir.")
		return
	case !r.posted:
		r.fault(fhir.CodeNotSupported, "The parameter patient is read from the body of a POST only, because addresses are logged. "+
			"Send a Parameters resource with %s.", patientExample)
		return
	case len(values) > export.MaxPatients:
		r.fault(fhir.CodeTooCostly, "The body has %d patients; at most %d are read. Send several requests, or leave patient out to export all enrollees.",
			len(values), export.MaxPatients)
		return
	}
	wrong := 0
	for _, value := range values {
		id, ok := parsePatient(value)
		if !ok {
			wrong++
			continue
		}
		r.patients = append(r.patients, id)
	}
	if wrong > 0 {
		r.fault(fhir.CodeValue, "Of %d patients, %d are not references to a patient by number. Write each as in %s.", len(values), wrong, patientExample)
	}
}

// parsePatient reads Patient/ and a number, or the number alone.
func parsePatient(value string) (coverage.EnrolleeID, bool) {
	number := strings.TrimPrefix(value, "Patient/")
	id, err := strconv.ParseInt(number, 10, 64)
	return coverage.EnrolleeID(id), err == nil && id != 0 && strconv.FormatInt(id, 10) == number
}

// The bounds of a page of patients, and what it is when _count is not given.
const (
	maxPatientsListed = 10_000
	patientsListed    = 1000
)

// patientList lists the patients of the client's contract, as a Bundle of Patients
// that have a number only: those whose claims an export can deliver today.
func patientList(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	contract, err := a.Intake.Entitled(r.Context(), c.client.Contract)
	if err != nil {
		return err
	}
	limit, err := countParam(r, maxPatientsListed, patientsListed)
	if err != nil {
		return err
	}
	from := export.FirstPatient
	if s := r.URL.Query().Get("_from"); s != "" {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return rest.Errorf(http.StatusBadRequest, fhir.CodeValue, "The _from is not one of a link to the next page. Leave it out to begin with the first page.")
		}
		from = coverage.EnrolleeID(id)
	}
	patients, next, more, err := a.Intake.Patients(r.Context(), contract.Number, c.version, from, limit)
	if err != nil {
		return err
	}
	b := fhir.Bundle{ResourceType: "Bundle", Type: "searchset", Entry: make([]fhir.BundleEntry, 0, len(patients))}
	if more {
		b.Link = []fhir.BundleLink{{Relation: "next", URL: fmt.Sprintf("%s/Patient?_count=%d&_from=%d", a.baseURL(r, c.version), limit, next)}}
	}
	for _, p := range patients {
		b.Entry = append(b.Entry, fhir.BundleEntry{Resource: fhir.Patient{ResourceType: "Patient", ID: strconv.FormatInt(int64(p), 10)}})
	}
	e := audit.Entry{Event: audit.PatientsListed, Detail: fmt.Sprintf("%d patients, %s", len(patients), c.version)}
	if err := a.Audit.Record(r.Context(), e); err != nil {
		return fmt.Errorf("record that patients are listed: %w", err)
	}
	return rest.WriteJSON(w, http.StatusOK, fhir.TypeFHIR, b)
}

// patientsRejected names the patients of a strict request who are not enrolled.
func patientsRejected(contract string, unknown *export.UnknownPatientsError) *rest.Error {
	var wrong issues
	for _, p := range unknown.Patients {
		if len(wrong.faults) >= maxIssues {
			wrong.more++
			continue
		}
		wrong.faults = append(wrong.faults, export.UnknownPatient(p, contract))
	}
	return &rest.Error{Status: http.StatusBadRequest, Issues: wrong.all()}
}
