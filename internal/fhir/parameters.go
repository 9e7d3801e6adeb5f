package fhir

// Parameters is a FHIR Parameters resource that this server answers with.
type Parameters struct {
	ResourceType string      `json:"resourceType"`
	Parameter    []Parameter `json:"parameter"`
}

// Parameter is one of them; it has one value.
type Parameter struct {
	Name         string `json:"name"`
	ValueString  string `json:"valueString,omitempty"`
	ValueInstant string `json:"valueInstant,omitempty"`
	ValueInteger *int64 `json:"valueInteger,omitempty"`
}
