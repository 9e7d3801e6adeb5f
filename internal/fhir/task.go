package fhir

import (
	"encoding/json"
	"time"
)

// Bundle is a FHIR Bundle of what a search found.
type Bundle struct {
	ResourceType string        `json:"resourceType"`
	Type         string        `json:"type"`
	Total        *int          `json:"total,omitempty"` // of all that match; nil: not known
	Link         []BundleLink  `json:"link,omitempty"`
	Entry        []BundleEntry `json:"entry,omitempty"` // FHIR has no empty lists
}

// BundleLink leads to another page of a search.
type BundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

// Patient is a FHIR Patient that tells a number and nothing else.
type Patient struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
}

// BundleEntry is one resource of a Bundle.
type BundleEntry struct {
	FullURL  string `json:"fullUrl,omitempty"`
	Resource any    `json:"resource"`
}

// Task is an export as a FHIR Task, in STU3 or R4. Zero times are left out.
type Task struct {
	Version   Version
	ID        string // UUID
	Status    string // http://hl7.org/fhir/task-status
	Business  string // the same in this server's words
	Authored  time.Time
	Modified  time.Time
	Started   time.Time
	Ended     time.Time
	Request   string // the kick-off URL
	StatusURL string
	Reason    string // why it failed
}

// MarshalJSON writes the resource. STU3 calls the reason otherwise.
func (t Task) MarshalJSON() ([]byte, error) {
	task := map[string]any{
		"resourceType": "Task", "id": t.ID, "status": t.Status, "intent": "order", "businessStatus": Text{t.Business},
		"authoredOn": FormatInstant(t.Authored), "lastModified": FormatInstant(t.Modified),
		"input":  []any{map[string]any{"type": Text{"request"}, "valueString": t.Request}},
		"output": []any{map[string]any{"type": Text{"status"}, "valueUri": t.StatusURL}},
	}
	period := map[string]string{}
	if !t.Started.IsZero() {
		period["start"] = FormatInstant(t.Started)
	}
	if !t.Ended.IsZero() {
		period["end"] = FormatInstant(t.Ended)
	}
	if len(period) > 0 {
		task["executionPeriod"] = period
	}
	switch {
	case t.Reason == "":
	case t.Version == V1:
		task["reason"] = Text{t.Reason}
	default:
		task["statusReason"] = Text{t.Reason}
	}
	return json.Marshal(task)
}
