package fhir

// Capability describes one server for its CapabilityStatement.
type Capability struct {
	Version  Version
	BaseURL  string // absolute, without a slash at the end: http://localhost:8080/api/v1/fhir
	TokenURL string
	Software string // the server's release
	Date     string // FHIR date of the release
	CORS     bool   // scripts of web pages may ask
}

// Statement builds the CapabilityStatement that GET metadata answers (Bulk
// Data Access IG, "bulk-data" CapabilityStatement). It is a plain tree,
// because STU3 and R4 differ in the form of three of its elements only.
func (c Capability) Statement() map[string]any {
	statement := map[string]any{
		"resourceType": "CapabilityStatement",
		"status":       "active",
		"date":         c.Date,
		"publisher":    "ab2d",
		"kind":         "instance",
		"instantiates": []string{"http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"},
		"software":     map[string]any{"name": "ab2d", "version": c.Software},
		"implementation": map[string]any{
			"description": "Bulk export of a Part D sponsor's enrollees' Part A and B claims",
			"url":         c.BaseURL,
		},
		"fhirVersion": c.Version.FHIR(),
		"format":      []string{"application/fhir+json", "json"},
	}
	rest := map[string]any{"mode": "server", "security": c.security()}
	if c.Version == V1 {
		statement["acceptUnknown"] = "extensions" // mandatory in STU3, gone in R4
		// A resource of STU3 needs an interaction, such as read, and here there is none.
		rest["operation"] = []any{c.operation("export", "patient-export"), c.operation("patient-export", "patient-export"),
			c.operation("export-group", "group-export"), c.operation("group-export", "group-export")}
	} else {
		rest["resource"] = c.resources()
	}
	statement["rest"] = []any{rest}
	return statement
}

func (c Capability) security() map[string]any {
	return map[string]any{
		"cors": c.CORS,
		"service": []any{map[string]any{
			"coding": []any{map[string]any{"system": c.securitySystem(), "code": "OAuth"}},
			"text":   "OAuth2 client credentials",
		}},
		"extension": []any{map[string]any{
			"url":       "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
			"extension": []any{map[string]any{"url": "token", "valueUri": c.TokenURL}},
		}},
	}
}

func (c Capability) securitySystem() string {
	if c.Version == V1 {
		return "http://hl7.org/fhir/restful-security-service"
	}
	return "http://terminology.hl7.org/CodeSystem/restful-security-service"
}

// resources lists where the operations stand in R4: at their resource type. Clients
// look for them by the name in the URL as well as by that of the definition.
func (c Capability) resources() []any {
	return []any{
		map[string]any{"type": "ExplanationOfBenefit"},
		map[string]any{"type": "Group", "operation": []any{c.operation("export", "group-export"), c.operation("group-export", "group-export")}},
		map[string]any{"type": "Patient", "operation": []any{c.operation("export", "patient-export"), c.operation("patient-export", "patient-export")}},
	}
}

// operation names an operation: by a Reference in STU3, by a canonical in R4.
func (c Capability) operation(name, definition string) map[string]any {
	url := "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/" + definition
	if c.Version == V1 {
		return map[string]any{"name": name, "definition": map[string]any{"reference": url}}
	}
	return map[string]any{"name": name, "definition": url}
}
