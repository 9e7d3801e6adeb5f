package table

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Names that claims of version 3 of AB2D's API have, and no others.
const (
	v3System    = "https://bluebutton.cms.gov/fhir/CodeSystem/"
	v3Extension = "https://bluebutton.cms.gov/fhir/StructureDefinition/"
	v3Control   = "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM"

	npiSystem  = "http://hl7.org/fhir/sid/us-npi"
	ccnSystem  = "http://terminology.hl7.org/NamingSystem/CCN"
	cliaSystem = "http://terminology.hl7.org/NamingSystem/CLIA"
	dme        = "DME"
)

// v3Kinds are the kinds of claim by their CLM-TYPE-CD. Claims as BFD wrote them at
// first have no other.
var v3Kinds = map[string]string{
	"10": "HHA", "20": "SNF", "30": "SNF", "40": "OUTPATIENT", "50": "HOSPICE", "60": "INPATIENT", "61": "INPATIENT", "62": "INPATIENT",
	"63": "INPATIENT", "64": "INPATIENT", "71": "CARRIER", "72": "CARRIER", "81": dme, "82": dme,
}

// v3 tells whether a claim's type is one of version 3.
func (c concept) v3() bool {
	return slices.ContainsFunc(c.Coding, func(c coding) bool { return strings.HasPrefix(c.System, v3System) })
}

// v3Code is the code of a code system of version 3.
func (c concept) v3Code(name string) string {
	for _, coding := range c.Coding {
		if coding.System == v3System+name {
			return coding.Code
		}
	}
	return ""
}

// kind is the kind of claim of a claim's type, in all versions.
func (c concept) kind() string {
	if kind := c.code("eob-type"); kind != "" {
		return kind
	}
	if kind := c.v3Code("EOB-TYPE"); kind != "" {
		return kind
	}
	return v3Kinds[c.v3Code("CLM-TYPE-CD")]
}

// contained is a resource inside a claim: a provider or a laboratory.
type contained struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Identifier   many[identifier] `json:"identifier"`
	Address      many[struct {
		PostalCode string `json:"postalCode"`
	}] `json:"address"`
	Performer many[reference] `json:"performer"`
}

// number is an identifier of a system; c may be nil.
func (c *contained) number(system string) string {
	if c == nil {
		return ""
	}
	for _, i := range c.Identifier {
		if i.System == system {
			return i.Value
		}
	}
	return ""
}

// containedIn reads the contained resources of a claim, by what a reference to one
// says.
func containedIn(e *eob) (list []contained, byReference map[string]*contained, err error) {
	if len(e.Contained) > 0 {
		if err := json.Unmarshal(e.Contained, &list); err != nil {
			return nil, nil, errors.New("contained: it is not as a claim has it")
		}
	}
	byReference = make(map[string]*contained, len(list))
	for i := range list {
		byReference["#"+list[i].ID] = &list[i]
	}
	return list, byReference, nil
}

// v3 sets what a claim of version 3 has in other places than those of versions 1
// and 2.
func (r *rows) v3(e *eob) error {
	list, byReference, err := containedIn(e)
	if err != nil {
		return err
	}
	r.claim.v3Head(e)
	r.claim.v3Information(e)
	r.claim.v3Providers(e, byReference[e.Provider.Reference])
	r.claim.v3Laboratories(list)
	for i := range r.lines {
		if err := r.lines[i].v3(e.Item[i].Extension, r.claim.ClaimType); err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	// ICD codes have no dot in versions 1 and 2, nor in CMS's own files.
	for i := range r.diagnoses {
		r.diagnoses[i].Code = strings.ReplaceAll(r.diagnoses[i].Code, ".", "")
	}
	for i := range r.procedures {
		r.procedures[i].Code = strings.ReplaceAll(r.procedures[i].Code, ".", "")
	}
	for i := range r.careTeam {
		m := &r.careTeam[i]
		if m.NPI == "" {
			m.NPI = byReference[e.CareTeam[i].Provider.Reference].number(npiSystem)
		}
		if specialty := e.CareTeam[i].Qualification.v3Code("CLM-PRVDR-SPCLTY-CD"); specialty != "" {
			m.Specialty = specialty // rather than a taxonomy, which may come first
		}
	}
	return nil
}

// v3Head sets what identifies the claim.
func (c *Claim) v3Head(e *eob) {
	c.NCHClaimType = e.Type.v3Code("CLM-TYPE-CD")
	for _, i := range e.Identifier {
		switch {
		case i.System == v3Control:
			c.ControlNumber = i.Value
		case i.System == "" && i.Type.code("C4BBIdentifierType") == "uc":
			c.ClmID = i.Value
		}
	}
	tags := concept{Coding: e.Meta.Tag}
	c.FinalAction = tags.v3Code("Final-Action")
	if c.Source = e.Meta.Source; c.Source == "" {
		c.Source = tags.v3Code("System-Type")
	}
}

// v3Information sets what is in the supporting information.
func (c *Claim) v3Information(e *eob) {
	for i := range e.Billable.Extension { // in claims as BFD wrote them at first
		if x := &e.Billable.Extension[i]; x.URL == v3Extension+"CLM-QUERY-CD" {
			c.QueryCode = x.text()
		}
	}
	for _, i := range e.Info {
		for _, column := range []struct {
			to   *string
			code string
		}{
			{&c.NearLine, i.Code.v3Code("CLM-NRLN-RIC-CD")},
			{&c.FacilityType, i.Code.v3Code("CLM-BILL-FAC-TYPE-CD")},
			{&c.QueryCode, i.Code.v3Code("CLM-QUERY-CD")},
			{&c.DRG, threeDigits(i.Code.code("MS-DRG-Classifications-and-Software"))},
		} {
			if *column.to == "" {
				*column.to = column.code
			}
		}
	}
}

// threeDigits writes a DRG as versions 1 and 2 do; version 3 leaves out zeros in
// front.
func threeDigits(drg string) string {
	if drg == "" || strings.Trim(drg, "0123456789") != "" {
		return drg
	}
	return strings.Repeat("0", max(0, 3-len(drg))) + drg
}

// v3Providers sets who billed, which is nil if it is not told, and where the services
// were.
func (c *Claim) v3Providers(e *eob, p *contained) {
	c.ProviderNPI, c.ProviderNumber = p.number(npiSystem), p.number(ccnSystem)
	if p != nil && p.ResourceType == "Organization" {
		c.OrganizationNPI = c.ProviderNPI
	}
	if p != nil && len(p.Address) > 0 {
		c.ProviderZip = p.Address[0].PostalCode
	}
	if e.Facility.Identifier.System == ccnSystem {
		c.FacilityNPI = ""
		if c.ProviderNumber == "" {
			c.ProviderNumber = e.Facility.Identifier.Value
		}
	}
}

// v3Laboratories sets who observed something. To which line that belongs is not
// delivered.
func (c *Claim) v3Laboratories(list []contained) {
	var numbers []string
	for i := range list {
		for _, l := range list[i].Performer {
			if l.Identifier.System == cliaSystem {
				numbers = append(numbers, l.Identifier.Value)
			}
		}
	}
	c.CLIA = distinct(numbers)
}

// v3 sets what is in a line's extensions. Two of them mean another thing on a claim
// for equipment.
func (l *Line) v3(list []extension, kind string) (err error) {
	locality, provider := &l.Locality, &l.Kind
	if kind == dme {
		locality, provider = &l.PriceState, &l.Supplier
	}
	for i := range list {
		x := &list[i]
		name, ok := strings.CutPrefix(x.URL, v3Extension)
		switch {
		case !ok:
		case name == "CLM-PRCNG-LCLTY-CD":
			*locality = x.text()
		case name == "CLM-PRVDR-TYPE-CD":
			*provider = x.text()
		case name == "CLM-PRVDR-SPCLTY-CD":
			l.Specialty = x.text()
		case name == "CLM-LINE-ANSTHSA-UNIT-CNT":
			if l.Anesthesia, err = float(x.number()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}
