package synth

import "ab2d/internal/coverage"

// r4Information writes the DRG, the only supporting information that leaves.
// It keeps the sequence it has among those that do not.
func (c *claim) r4Information(w *buffer) {
	if c.drg == "" {
		return
	}
	sequence := int64(5)
	if c.Type == coverage.SNF {
		sequence = 6
	}
	w.text(`"supportingInfo":[{"sequence":`)
	w.number(sequence)
	w.text(`,"category":{"coding":[`)
	w.coding(terminology+"claiminformationcategory", code{"info", "Information"})
	w.coding(bluebutton+"codesystem/information", code{variable + "clm_drg_cd", "Claim Diagnosis Related Group Code (or MS-DRG Code)"})
	w.end(`]},"code":{"coding":[`)
	w.coding(variable+"clm_drg_cd", code{c.drg, ""})
	w.end(`]}}],`)
}

// r4Diagnoses writes the diagnoses, each code in two systems.
func (c *claim) r4Diagnoses(w *buffer) {
	present := presence{}
	for i, d := range c.diagnoses.items() {
		w.text(`{`)
		present.write(w, d)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"diagnosisCodeableConcept":{"coding":[`)
		w.coding("http://hl7.org/fhir/sid/icd-10-cm", d.code)
		w.coding(icd10, d.code)
		w.end(`]},"type":[{"coding":[`)
		w.coding(c.r4DiagnosisType(d.role))
		w.end(`]}]},`)
	}
}

func (c *claim) r4DiagnosisType(as role) (system string, t code) {
	const claimDiagnosis = carin + "CodeSystem/C4BBClaimDiagnosisType"
	switch as {
	case principal:
		return terminology + "ex-diagnosistype", code{"principal", c.kind.principal}
	case admitting:
		return terminology + "ex-diagnosistype", code{"admitting", "Admitting Diagnosis"}
	case external:
		return claimDiagnosis, code{"externalcauseofinjury", "External Cause of Injury"}
	case visit:
		return claimDiagnosis, code{"patientreasonforvisit", "Patient Reason for Visit"}
	}
	return claimDiagnosis, c.kind.otherType
}

func (c *claim) r4Items(w *buffer, linked sequences) {
	for i := range c.lines.items() {
		l := &c.lines.all[i]
		w.text(`{`)
		if c.Type == coverage.DME {
			w.text(`"extension":[`)
			c.writePricing(w)
			w.end(`],`)
		}
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,`)
		w.r4Links(linked)
		if !c.institutional() {
			w.text(`"diagnosisSequence":[`)
			w.number(int64(l.reason + 1))
			w.text(`],`)
		}
		w.text(`"productOrService":{"coding":[`)
		if c.Type == coverage.Inpatient {
			w.coding(variable+"hcpcs_cd", code{l.service.hcpcs, ""})
		}
		w.coding(hcpcs, code{l.service.hcpcs, ""})
		w.end(`]},`)
		c.writeServiced(w, l)
		c.writeLocation(w, l, false)
		w.text(`"quantity":{"value":`)
		w.number(int64(l.units))
		w.text(`}},`)
	}
}

func (w *buffer) r4Links(linked sequences) {
	if linked[0] == 0 {
		return
	}
	w.text(`"careTeamSequence":[`)
	for _, s := range linked {
		if s != 0 {
			w.number(int64(s))
			w.text(`,`)
		}
	}
	w.end(`],`)
}
