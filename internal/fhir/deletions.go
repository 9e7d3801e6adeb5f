package fhir

// Deletions is a transaction Bundle that says which resources are gone (Bulk Data Access
// IG, manifest field deleted).
type Deletions struct {
	ResourceType string `json:"resourceType"`
	Meta         struct {
		LastUpdated string `json:"lastUpdated"` // an instant
	} `json:"meta"`
	Type  string          `json:"type"`
	Entry []DeletionEntry `json:"entry"`
}

// DeletionEntry is one deletion.
type DeletionEntry struct {
	Request struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
}

// Delete adds the deletion of a resource.
func (d *Deletions) Delete(resourceType, id string) {
	var e DeletionEntry
	e.Request.Method, e.Request.URL = "DELETE", resourceType+"/"+id
	d.Entry = append(d.Entry, e)
}
