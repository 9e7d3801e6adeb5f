package table

import (
	"slices"
	"strings"
)

// ndcSystem is the code system of national drug codes.
const ndcSystem = "http://hl7.org/fhir/sid/ndc"

// otherServices are code systems, without their scheme and in lower case, that a
// service or a drug may be written in and that are neither HCPCS nor CPT.
var otherServices = map[string]bool{
	"snomed.info/sct":                                   true,
	"loinc.org":                                         true,
	"hl7.org/fhir/sid/cvx":                              true,
	"hl7.org/fhir/sid/ndc":                              true,
	"hl7.org/fhir/sid/icd-10":                           true,
	"hl7.org/fhir/sid/icd-10-cm":                        true,
	"hl7.org/fhir/sid/icd-10-pcs":                       true,
	"hl7.org/fhir/sid/icd-9-cm":                         true,
	"www.cms.gov/medicare/coding/icd10":                 true,
	"www.cms.gov/medicare/coding/icd9":                  true,
	"www.nlm.nih.gov/research/umls/rxnorm":              true,
	"fdasis.nlm.nih.gov":                                true,
	"www.nubc.org/codesystem/revenuecodes":              true,
	"terminology.hl7.org/codesystem/v3-nullflavor":      true,
	"terminology.hl7.org/codesystem/data-absent-reason": true,
}

// hcpcs is the coding of a service in HCPCS or CPT; empty when there is none. A
// coding of a system that is not known counts where there is no better one: servers
// name their own.
func (c concept) hcpcs() (unknown coding) {
	for _, coding := range c.Coding {
		switch strings.ToLower(last(coding.System)) {
		case "hcpcs", "hcpcs_cd", "hcpcsreleasecodesets", "cpt", "urn:oid:2.16.840.1.113883.6.285", "urn:oid:2.16.840.1.113883.6.12":
			return coding
		}
		_, system, found := strings.Cut(strings.ToLower(coding.System), "://")
		if known := found && otherServices[system]; !known && unknown.Code == "" {
			unknown = coding
		}
	}
	return unknown
}

// drugs are the national drug codes of a line, each once, with a space between.
func (i *item) drugs(service concept) string {
	var out []string
	add := func(c concept) {
		for _, coding := range c.Coding {
			if coding.System == ndcSystem {
				out = append(out, coding.Code)
			}
		}
	}
	add(service)
	for _, d := range i.Detail {
		add(d.Service)
	}
	return strings.Join(distinct(out), " ")
}

// distinct are the texts that are not empty, each once; nil where there are none.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	list = slices.DeleteFunc(list, func(s string) bool {
		again := s == "" || seen[s]
		seen[s] = true
		return again
	})
	if len(list) == 0 {
		return nil
	}
	return list
}
