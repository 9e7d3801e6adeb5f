package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// maxBody bounds the body of a kick-off, in bytes.
const maxBody = mostBody

const bodyExample = `{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"ExplanationOfBenefit"}]}`

// valuesOf are the parameters of a kick-off: those of a GET stand in its query
// string, those of a POST in a FHIR Parameters resource (Bulk Data Access IG,
// "Bulk Data Kick-off Request"). What is wrong with some of them is among the
// faults; an error is for a body that is not read at all.
func valuesOf(w http.ResponseWriter, r *http.Request) (values url.Values, faults []fhir.Issue, err error) {
	if r.Method != http.MethodPost {
		values, faults = queryValues(r.URL.RawQuery)
		return values, faults, nil
	}
	body, err := parametersBody(w, r)
	if err != nil {
		return nil, nil, err
	}
	values, faults = parseParameters(body)
	if r.URL.RawQuery != "" {
		faults = append(faults, fhir.ErrorIssue(fhir.CodeInvalid, "The parameters of a POST stand in its body, not in the address. "+
			"Leave out what follows the question mark, and send "+bodyExample+"."))
	}
	return values, faults, nil
}

// parametersBody reads the body of a POST.
func parametersBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != fhir.TypeFHIR && kind != "application/json" {
		return nil, rest.Errorf(http.StatusUnsupportedMediaType, fhir.CodeNotSupported, "The Content-Type %s is not taken. "+
			"Send a FHIR Parameters resource as %s: %s.", rest.Quoted(r.Header.Get("Content-Type")), fhir.TypeFHIR, bodyExample)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, rest.Errorf(http.StatusRequestEntityTooLarge, fhir.CodeTooCostly, "The body is longer than %d bytes. A kick-off has some parameters only: %s.", maxBody, bodyExample)
	}
	if err != nil {
		return nil, fmt.Errorf("read the body of a kick-off: %w", err)
	}
	return body, nil
}

// queryValues reads a query string, as far as it can be read.
func queryValues(query string) (values url.Values, faults []fhir.Issue) {
	if n := strings.Count(query, "&") + 1; n > maxParams {
		return nil, tooMany("query string", n)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		faults = append(faults, fhir.ErrorIssue(fhir.CodeInvalid, fmt.Sprintf("The query string cannot be read: %s in it is not written as it should. "+
			"Write a value's special characters as %%XX, for example _outputFormat=application%%2Ffhir%%2Bndjson.", unreadable(err))))
	}
	return values, faults
}

func tooMany(where string, n int) []fhir.Issue {
	return []fhir.Issue{fhir.ErrorIssue(fhir.CodeTooCostly, fmt.Sprintf("The %s has %d parameters; at most %d are read. Supported are %s.",
		where, n, maxParams, strings.Join(knownParams, ", ")))}
}

// unreadable names what url.ParseQuery stopped at: a bad escape or a semicolon.
func unreadable(err error) string {
	if escape := url.EscapeError(""); errors.As(err, &escape) {
		return rest.Quoted(string(escape))
	}
	return `";"`
}

// parameters is a FHIR Parameters resource, as far as a kick-off has it.
type parameters struct {
	ResourceType string           `json:"resourceType"`
	Parameter    []jsontext.Value `json:"parameter"` // read one by one, when there are few
}

// parseParameters reads a body, as far as it can be read.
func parseParameters(body []byte) (values url.Values, faults []fhir.Issue) {
	var p parameters
	if err := json.Unmarshal(body, &p); err != nil || p.ResourceType != "Parameters" {
		return nil, []fhir.Issue{fhir.ErrorIssue(fhir.CodeInvalid, "The body is not a FHIR Parameters resource in JSON. Send "+bodyExample+".")}
	}
	if len(p.Parameter) > maxParams+export.MaxPatients {
		return nil, tooMany("body", len(p.Parameter))
	}
	others := 0
	values = url.Values{}
	var wrong issues
	for i, raw := range p.Parameter {
		var parameter map[string]jsontext.Value
		if json.Unmarshal(raw, &parameter) != nil {
			parameter = nil // without a name
		}
		name, value, err := readParameter(parameter)
		if err != nil {
			wrong.fault(fhir.CodeInvalid, "Parameter %d of the body %v. Write each as in %s.", i+1, err, bodyExample)
			continue
		}
		if name != "patient" {
			others++
		}
		values.Add(name, value)
	}
	if others > maxParams {
		return nil, tooMany("body", others)
	}
	return values, wrong.all()
}

// valueTypes are those of the parameters that are read.
var valueTypes = []string{"valueString", "valueCode", "valueUri", "valueInstant", "valueDateTime"}

// referenced is the value of a reference: Patient/1.
type referenced struct {
	Reference string `json:"reference"`
}

// readParameter gives a parameter's name and value. The value of one that is not
// read may be anything; its name is enough to refuse or to ignore it.
func readParameter(p map[string]jsontext.Value) (name, value string, err error) {
	if json.Unmarshal(p["name"], &name) != nil || name == "" {
		return "", "", errors.New("has no name")
	}
	if !slices.Contains(knownParams, name) {
		return name, "", nil
	}
	if raw, ok := p["valueReference"]; ok && name == "patient" {
		var r referenced
		if json.Unmarshal(raw, &r) != nil {
			return "", "", errors.New("(patient) has a valueReference that is not a reference")
		}
		return name, r.Reference, nil
	}
	if raw, ok := p["valueBoolean"]; ok && name == "allowPartialManifests" {
		return name, string(raw), nil // true, false, or what is refused
	}
	for _, kind := range valueTypes {
		raw, ok := p[kind]
		if !ok {
			continue
		}
		if json.Unmarshal(raw, &value) != nil {
			return "", "", fmt.Errorf("(%s) has a %s that is not a text", name, kind)
		}
		return name, value, nil
	}
	return "", "", fmt.Errorf("(%s) has none of %s", name, strings.Join(valueTypes, ", "))
}
