package fhir

// Code is an OperationOutcome issue code
// (http://hl7.org/fhir/issue-type, the same in STU3 and R4 but for
// MultipleMatches, which we do not use).
type Code string

// The issue codes this server answers with.
const (
	CodeInvalid      Code = "invalid"
	CodeRequired     Code = "required"
	CodeValue        Code = "value"
	CodeNotSupported Code = "not-supported"
	CodeSecurity     Code = "security"
	CodeLogin        Code = "login"
	CodeExpired      Code = "expired"
	CodeForbidden    Code = "forbidden"
	CodeNotFound     Code = "not-found"
	CodeDeleted      Code = "deleted"
	CodeConflict     Code = "conflict"
	CodeTooCostly    Code = "too-costly"
	CodeThrottled    Code = "throttled"
	CodeTransient    Code = "transient"
	CodeException    Code = "exception"
	CodeInformation  Code = "informational"
)

// Severity of an issue.
type Severity string

// The severities this server uses.
const (
	SeverityError       Severity = "error"
	SeverityWarning     Severity = "warning"
	SeverityInformation Severity = "information"
)

// Issue is one thing to tell the caller.
type Issue struct {
	Severity Severity `json:"severity"`
	Code     Code     `json:"code"`
	Details  Text     `json:"details"`
	// Diagnostics carries the request id, for the operator.
	Diagnostics string `json:"diagnostics,omitempty"`
}

// Text is a CodeableConcept with text only.
type Text struct {
	Text string `json:"text"`
}

// OperationOutcome is the body of every error, and a line of an error file.
type OperationOutcome struct {
	ResourceType string  `json:"resourceType"`
	Issue        []Issue `json:"issue"`
}

// Outcome makes an OperationOutcome of its issues. FHIR wants at least one.
func Outcome(issues ...Issue) OperationOutcome {
	return OperationOutcome{ResourceType: "OperationOutcome", Issue: issues}
}

// ErrorIssue is an issue of severity error.
func ErrorIssue(code Code, text string) Issue {
	return Issue{Severity: SeverityError, Code: code, Details: Text{text}}
}

// Note is an issue of severity information.
func Note(text string) Issue {
	return Issue{Severity: SeverityInformation, Code: CodeInformation, Details: Text{text}}
}
