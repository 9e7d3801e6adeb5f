package bfdtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ab2d/internal/fhir"
)

// intrudes tells whether a claim is in the answer although the query excludes it.
// Who has no such claim gets a right answer.
func (f *Fault) intrudes(c *Claim) bool {
	switch f.Mode {
	case Drug:
		return c.Type == "pde" || c.Source == "DDPS"
	case Shared:
		return slices.Contains([]string{"FISS", "MCS", "VMS"}, c.Source)
	case Part2:
		return c.Part2
	}
	return false
}

// spoil adds a claim to a page of claims, or takes a field of its first claim.
func (f *Fault) spoil(b *bundle) {
	if len(b.entries) == 0 {
		return
	}
	claim := map[string]json.RawMessage{}
	if json.Unmarshal(b.entries[0], &claim) != nil || string(claim["resourceType"]) != `"ExplanationOfBenefit"` {
		return
	}
	b.entries = slices.Clone(b.entries) // the claims are held
	switch f.Mode {
	case NoTime:
		meta := map[string]json.RawMessage{}
		if json.Unmarshal(claim["meta"], &meta) != nil {
			return
		}
		delete(meta, "lastUpdated")
		claim["meta"] = encode(meta)
		b.entries[0] = encode(claim)
	case NoPeriod:
		delete(claim, "billablePeriod")
		b.entries[0] = encode(claim)
	case OtherPatient:
		claim["id"] = encode(strings.Trim(string(claim["id"]), `"`) + "0")
		claim["patient"] = otherPatient(claim["patient"])
		b.entries = append(b.entries, encode(claim))
	case Preauthorization:
		b.entries = append(b.entries, preauthorization(claim))
	}
}

// otherPatient is a reference to the person with the next number, who may be real in
// the data set.
func otherPatient(reference json.RawMessage) json.RawMessage {
	var patient struct{ Reference string }
	_ = json.Unmarshal(reference, &patient) // parseClaim has read it before
	n, _ := strconv.ParseInt(strings.TrimPrefix(patient.Reference, "Patient/"), 10, 64)
	return encode(object{"reference": "Patient/" + strconv.FormatInt(n+1, 10)})
}

// preauthorization makes a prior authorization of a claim: it is from CWF, has a UUID
// for an id, and no billable period.
func preauthorization(claim map[string]json.RawMessage) []byte {
	meta := map[string]json.RawMessage{}
	_ = json.Unmarshal(claim["meta"], &meta) // parseClaim has read it before
	sum := sha256.Sum256(claim["id"])
	meta["source"] = encode("CWF")
	claim["meta"], claim["use"] = encode(meta), encode("preauthorization")
	claim["id"] = encode(fmt.Sprintf("%x-%x-4%x-8%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
	delete(claim, "billablePeriod")
	return encode(claim)
}

// encode writes what can be written: objects, strings, and JSON that was read.
func encode(v any) json.RawMessage {
	raw, _ := json.Marshal(v)
	return raw
}

// decodeAgain does what a proxy does that decodes a query a second time: a "+" in a
// time arrives as a blank.
func decodeAgain(query url.Values) {
	for i, value := range query["_lastUpdated"] {
		query["_lastUpdated"][i] = strings.ReplaceAll(value, "+", " ")
	}
}

// unproven answers a client that has shown no certificate. Versions 1 and 2 end the
// connection during the handshake, and version 3 is behind a load balancer.
func unproven(w http.ResponseWriter, r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return false
	}
	if !strings.HasPrefix(r.URL.Path, "/"+fhir.V3.String()+"/") {
		panic(http.ErrAbortHandler)
	}
	http.Error(w, "no client certificate", http.StatusUnauthorized)
	return true
}
