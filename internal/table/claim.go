package table

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// eob are the parts of an ExplanationOfBenefit that are read, of both FHIR
// versions.
type eob struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Meta         struct {
		LastUpdated string   `json:"lastUpdated"`
		Source      string   `json:"source"`
		Tag         []coding `json:"tag"`
	} `json:"meta"`
	Contained  jsontext.Value `json:"contained"` // resources of any type
	Extension  []extension    `json:"extension"`
	Identifier []identifier   `json:"identifier"`
	Status     string         `json:"status"`
	Type       concept        `json:"type"`
	SubType    many[concept]  `json:"subType"` // a list in STU3
	Patient    reference      `json:"patient"`
	Billable   period         `json:"billablePeriod"`
	Provider   reference      `json:"provider"`
	Org        reference      `json:"organization"`
	Facility   reference      `json:"facility"`
	CareTeam   []careTeam     `json:"careTeam"`
	Info       []information  `json:"supportingInfo"`
	Diagnosis  []diagnosis    `json:"diagnosis"`
	Procedure  []procedure    `json:"procedure"`
	Item       []item         `json:"item"`
}

type careTeam struct {
	Extension     []extension `json:"extension"`
	Sequence      *int32      `json:"sequence"`
	Provider      reference   `json:"provider"`
	Responsible   *bool       `json:"responsible"`
	Role          concept     `json:"role"`
	Qualification concept     `json:"qualification"`
}

type information struct {
	Code concept `json:"code"`
}

type diagnosis struct {
	Extension   []extension `json:"extension"`
	Sequence    *int32      `json:"sequence"`
	Concept     concept     `json:"diagnosisCodeableConcept"`
	Type        []concept   `json:"type"`
	OnAdmission concept     `json:"onAdmission"`
	Package     concept     `json:"packageCode"`
}

type procedure struct {
	Sequence *int32    `json:"sequence"`
	Type     []concept `json:"type"`
	Date     string    `json:"date"`
	Concept  concept   `json:"procedureCodeableConcept"`
}

// item is a line; of each pair of names one is R4's and the other STU3's.
type item struct {
	Extension  []extension `json:"extension"`
	Sequence   *int32      `json:"sequence"`
	CareTeam   []int32     `json:"careTeamSequence"`
	CareTeam3  []int32     `json:"careTeamLinkId"`
	Diagnosis  []int32     `json:"diagnosisSequence"`
	Diagnosis3 []int32     `json:"diagnosisLinkId"`
	Procedure  []int32     `json:"procedureSequence"`
	Procedure3 []int32     `json:"procedureLinkId"`
	Service    concept     `json:"productOrService"`
	Service3   concept     `json:"service"`
	Date       string      `json:"servicedDate"`
	Period     period      `json:"servicedPeriod"`
	Location   concept     `json:"locationCodeableConcept"`
	Address    struct {
		State string `json:"state"`
	} `json:"locationAddress"`
	Quantity quantity `json:"quantity"`
	Detail   []struct {
		Service concept `json:"productOrService"`
	} `json:"detail"`
}

type concept struct {
	Extension []extension `json:"extension"`
	Coding    []coding    `json:"coding"`
}

type coding struct {
	System  string `json:"system"`
	Version string `json:"version"`
	Code    string `json:"code"`
	Display string `json:"display"`
}

type identifier struct {
	Extension []extension `json:"extension"`
	Type      concept     `json:"type"`
	System    string      `json:"system"`
	Value     string      `json:"value"`
}

type reference struct {
	Extension  []extension `json:"extension"`
	Reference  string      `json:"reference"`
	Identifier identifier  `json:"identifier"`
	Display    string      `json:"display"`
}

type period struct {
	Extension []extension `json:"extension"`
	Start     string      `json:"start"`
	End       string      `json:"end"`
}

// quantity is a Quantity or Money. Its value is kept as it is written.
type quantity struct {
	Value jsontext.Value `json:"value"`
	Unit  string         `json:"unit"`
}

type extension struct {
	URL        string         `json:"url"`
	Coding     coding         `json:"valueCoding"`
	Identifier identifier     `json:"valueIdentifier"`
	Quantity   quantity       `json:"valueQuantity"`
	Money      quantity       `json:"valueMoney"`
	Decimal    jsontext.Value `json:"valueDecimal"`
}

// many is a list, which may be written as its only element.
type many[T any] []T

// UnmarshalJSON reads either form.
func (m *many[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(m))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*m = []T{one}
	return nil
}

// last is what comes after a URI's last slash.
func last(uri string) string { return uri[strings.LastIndexByte(uri, '/')+1:] }

// code is the code of the first coding whose system ends with one of the names.
func (c concept) code(names ...string) string {
	for _, coding := range c.Coding {
		for _, name := range names {
			if last(coding.System) == name {
				return coding.Code
			}
		}
	}
	return ""
}

// first is the first coding.
func (c concept) first() coding {
	if len(c.Coding) == 0 {
		return coding{}
	}
	return c.Coding[0]
}

// find is the extension of a variable.
func find(list []extension, variable string) *extension {
	for i := range list {
		if last(list[i].URL) == variable {
			return &list[i]
		}
	}
	return nil
}

// text is an extension's value, whichever type it has.
func (e *extension) text() string {
	switch {
	case e == nil:
		return ""
	case e.Coding.Code != "":
		return e.Coding.Code
	}
	return e.Identifier.Value
}

// number is an extension's number as it is written; empty when it has none.
func (e *extension) number() string {
	switch {
	case len(e.Money.Value) > 0:
		return string(e.Money.Value)
	case len(e.Quantity.Value) > 0:
		return string(e.Quantity.Value)
	}
	return string(e.Decimal)
}
