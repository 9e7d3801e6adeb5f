package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
)

const npiType = `{"type":{"coding":[{"system":"` + terminology + `v2-0203","code":"NPI","display":"National provider identifier"}]},"system":"` +
	npiSystem + `","value":"`

// v3Biller is who billed a claim. npi is zero if the claim does not say it.
type v3Biller struct {
	npi    uint64
	person bool
	org    population.Organization
}

// v3BilledBy returns who billed a claim: mostly an organization, sometimes a person,
// and for a few stays it is unknown, as in BFD's own samples.
func v3BilledBy(c *claimgen.Claim) v3Biller {
	org, t := c.Team.Organization, &c.Team
	one := c.Control >> 24 % 16
	switch {
	case c.Type == coverage.Carrier && t.Performing != org.NPI() && one%2 == 0:
		return v3Biller{npi: t.Performing, person: true, org: org}
	case c.Type == coverage.HHA && one == 0:
		return v3Biller{npi: t.Attending, person: true, org: org}
	case one == 1 && (c.Type == coverage.SNF || c.Type == coverage.Inpatient):
		return v3Biller{}
	}
	return v3Biller{npi: org.NPI(), org: org}
}

func (w *Buffer) v3Provider(from v3Biller) {
	if from.npi == 0 {
		w.text(`"provider":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},`)
		return
	}
	w.text(`"provider":{"reference":"#`)
	w.digits(from.npi, 10)
	w.text(`"},`)
}

// v3Contained writes the resources that a claim refers to. A sponsor sees the
// provider's numbers and postal code, and the number of a laboratory.
func (w *Buffer) v3Contained(c *claimgen.Claim, from v3Biller) {
	if !w.withheld && from.npi == 0 && !c.Lab {
		return
	}
	w.text(`"contained":[`)
	if w.withheld {
		w.text(`{"resourceType":"Organization","id":"insurer-org","meta":{"profile":["` + carin + `StructureDefinition/C4BB-Organization|2.2.0",` +
			`"http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization|7.0.0"]},"active":true,"name":"Centers for Medicare and Medicaid Services"},`)
	}
	if from.npi != 0 {
		w.v3Biller(from)
	}
	if c.Lab {
		w.v3Observation(c)
	}
	w.end(`],`)
}

// v3Biller writes the provider as a contained resource. The tax number is one of
// those that are assigned to nobody.
func (w *Buffer) v3Biller(from v3Biller) {
	kind, profile := "Organization", "organization"
	if from.person {
		kind, profile = "Practitioner", "practitioner"
	}
	w.text(`{"resourceType":"`, kind, `","id":"`)
	w.digits(from.npi, 10)
	w.text(`",`)
	if w.withheld {
		w.text(`"meta":{"profile":["`+carin+`StructureDefinition/C4BB-`, kind,
			`|2.2.0","http://hl7.org/fhir/us/core/StructureDefinition/us-core-`, profile, `|7.0.0"]},`)
	}
	w.text(`"identifier":[` + npiType)
	w.digits(from.npi, 10)
	w.text(`"},`)
	if !from.person && codes.Organizations[from.org.Kind].CCN != 0 {
		w.text(`{"system":"` + ccnSystem + `","value":"`)
		w.ccn(from.org)
		w.text(`"},`)
	}
	if w.withheld {
		w.v3TaxNumber(from.npi)
		w.text(`,`)
	}
	w.end(`],`)
	if w.withheld {
		w.v3BillerName(from)
	}
	w.text(`"address":[{"postalCode":"`, from.org.Home.ZIP)
	w.digits(from.npi/10, 2)
	w.text(`"}]},`)
}

func (w *Buffer) v3BillerName(from v3Biller) {
	if from.person {
		w.text(`"active":true,"name":[{"family":"Synthetic","given":["Doctor `)
		w.digits(from.npi/10, 6)
		w.text(`"]}],`)
		return
	}
	w.text(`"active":true,"name":"`)
	w.organizationName(from.org)
	w.text(`",`)
}

// v3TaxNumber writes a tax number as an identifier. Numbers that begin with 00 are
// assigned to nobody.
func (w *Buffer) v3TaxNumber(npi uint64) {
	w.text(`{"type":{"coding":[{"system":"` + terminology +
		`v2-0203","code":"TAX","display":"Tax ID number"}]},"system":"urn:oid:2.16.840.1.113883.4.4","value":"00`)
	w.digits(npi/10, 7)
	w.text(`"}`)
}

// v3Observation writes the laboratory's CLIA number, which is in a contained
// observation. What was observed is not for a sponsor.
func (w *Buffer) v3Observation(c *claimgen.Claim) {
	w.text(`{"resourceType":"Observation","id":"line-observation-1",`)
	if w.withheld {
		w.text(`"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},`)
	}
	w.text(`"performer":[{"identifier":{"system":"http://terminology.hl7.org/NamingSystem/CLIA","value":"`, c.Person.Home.SSA, `D`)
	w.digits(c.Team.Performing/10, 7)
	w.text(`"}}]`)
	if w.withheld {
		w.text(`,"valueString":"`)
		w.number(int64(10 + c.Control>>30%6))
		w.text(`.5"`)
	}
	w.text(`},`)
}

// v3Team writes the care team and returns the sequence of the rendering provider, or
// 0 if there is none. The service provider is last, because no sponsor sees it.
func (w *Buffer) v3Team(c *claimgen.Claim) (rendering int) {
	t, next := &c.Team, 1
	add := func(npi uint64, role codes.Code, specialty *codes.Code) {
		if npi == 0 {
			return
		}
		w.v3Member(c, next, npi, role, specialty)
		next++
	}
	add(t.Referring, codes.Code{Code: "referring", Display: "Referring"}, nil)
	if c.Institutional() {
		add(t.Attending, codes.Code{Code: "attending", Display: "Attending"}, v3Attends(c))
		add(t.Operating, codes.Code{Code: "operating", Display: "Operating"}, nil)
		add(t.OtherOperating, codes.Code{Code: "otheroperating", Display: "Other Operating"}, nil)
	}
	if t.Performing != 0 {
		rendering = next
	}
	add(t.Performing, codes.Code{Code: "rendering", Display: "Rendering provider"}, t.Specialty)
	add(v3Supervisor(c), codes.Code{Code: "supervisor", Display: "Supervising Provider"}, nil)
	if w.withheld && c.Type == coverage.Outpatient {
		add(t.Organization.NPI(), codes.Code{Code: "service", Display: "Service Facility"}, nil)
	}
	return rendering
}

// v3Attends returns the specialty of the attending doctor, which claims of nursing
// facilities and hospices do not have.
func v3Attends(c *claimgen.Claim) *codes.Code {
	if c.Type == coverage.SNF || c.Type == coverage.Hospice {
		return nil
	}
	return c.Person.Specialty(c.Team.Attending)
}

// v3Supervisor returns the doctor who supervises a nurse practitioner or physician
// assistant, or 0.
func v3Supervisor(c *claimgen.Claim) uint64 {
	s := c.Team.Specialty
	if c.Type != coverage.Carrier || s.Code != "50" && s.Code != "97" {
		return 0
	}
	return population.NPI(population.NPIPerson, c.Person.Home, c.Person.Doctors[0].Number)
}

// v3Member writes a member of the team, with the number and name in place.
func (w *Buffer) v3Member(c *claimgen.Claim, sequence int, npi uint64, role codes.Code, specialty *codes.Code) {
	w.text(`{"sequence":`)
	w.number(int64(sequence))
	org := npi == c.Team.Organization.NPI()
	if org {
		w.text(`,"provider":{"type":"Organization","identifier":` + npiType)
	} else {
		w.text(`,"provider":{"type":"Practitioner","identifier":` + npiType)
	}
	w.digits(npi, 10)
	if org {
		w.text(`"},"display":"`)
		w.organizationName(c.Team.Organization)
	} else {
		w.text(`"},"display":"Synthetic, Doctor `)
		w.digits(npi/10, 6)
	}
	w.text(`"},"role":{"coding":[`)
	w.coding(terminology+"claimcareteamrole", role)
	w.coding(c4bb+"C4BBClaimCareTeamRole", role)
	w.end(`]}`)
	if specialty != nil {
		w.text(`,"qualification":{"coding":[`)
		w.coding(bfdCode+"CLM-PRVDR-SPCLTY-CD", *specialty)
		w.end(`]}`)
	}
	w.text(`},`)
}
