package eob

// tableR4V3 is what version 3 delivers of a claim. It is the leaves that AB2D's
// list for version 3 leaves of BFD's, and what CMS's data dictionary promises but
// that list loses: the drug codes of lines, the laboratory's CLIA number, the
// facility type, the claim query code, the provider's specialty, supervising
// providers, and of the provider the NPI, the CCN and the postal code. There is no
// amount in it.
//
// picksR4V3 and needsR4V3 belong to it: they keep, of arrays that have much else
// in them, only what is named there.
var tableR4V3 = []element{
	{"resourceType", text, "Always ExplanationOfBenefit", ""},
	{"id", text, "Id of the resource: the unique claim id, a number; not the one of version 2", ""},
	{"meta.lastUpdated", text, "When the claim was last loaded", ""},
	{"meta.profile[]", text, "CARIN Blue Button profile, as BFD labels it", ""},
	{"meta.source", text, "System the claim is from: NCH, in older claims NationalClaimsHistory", ""},
	{"meta.security[]", namedCoding, "Security labels", "http://terminology.hl7.org/CodeSystem/v3-ActCode"},
	{"meta.tag[]", bareCoding, "System the claim is from, and whether this is the final action on it", systemType + ", " + finalAction},
	{"implicitRules", text, "Rules the content was made under", ""},
	{"language", text, "Language of the content", "urn:ietf:bcp:47"},

	{"identifier[]", namedIdentifier, "Unique claim id (type uc, without a system) and claim control number", "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM"},
	{"status", text, "Always active: there is one version of a claim", "http://hl7.org/fhir/explanationofbenefit-status"},
	{"type", namedConcept, "Claim type: code, kind of ExplanationOfBenefit, FHIR claim type", claimType + ", " + codeSystem + "EOB-TYPE, " + terminology + "claim-type"},
	{"subType", bareConcept, "Institutional claim: inpatient or outpatient", carin + "C4BBInstitutionalClaimSubType"},
	{"use", text, "Always claim", ""},
	{"outcome", text, "complete: the claim is adjudicated", ""},
	{"patient.reference", text, "The beneficiary: Patient/ and the patient id, another number than in version 2", ""},
	{"billablePeriod", period, "First and last day of the services (CLM_FROM_DT, CLM_THRU_DT)", ""},
	{"billablePeriod.extension[" + definition + "CLM-QUERY-CD]", bareCoding, "Claim query code, in older claims: interim, final or adjusted bill", codeSystem + "CLM-QUERY-CD"},
	{"provider.reference", text, "Provider that billed: # and the id of a contained resource", ""},
	{"provider.extension[http://hl7.org/fhir/StructureDefinition/data-absent-reason]", text, "Why there is no provider", ""},
	{"facility.identifier", namedIdentifier, "Facility of the services: NPI or CCN", npi + ", " + ccn},
	{"facility.display", text, "Facility: name", ""},
	{"insurance[].focal", boolean, "Whether the coverage is that of the claim", ""},
	{"insurance[].coverage.display", text, "Part A or Part B", ""},

	{"contained[].resourceType", text, "Organization or Practitioner, a provider; Observation, a laboratory", ""},
	{"contained[].id", text, "Id that a reference of the claim has after #", ""},
	{"contained[].identifier[]", namedIdentifier, "Provider: NPI and CCN", npi + ", " + ccn},
	{"contained[].address[].postalCode", text, "Provider: postal code", ""},
	{"contained[].performer[].identifier", identifier, "Laboratory's CLIA number; the result of its test is not kept", clia},

	{"careTeam[].sequence", number, "Number that lines refer to", ""},
	{"careTeam[].role", namedConcept, "Role in the care", terminology + "claimcareteamrole, " + carin + "C4BBClaimCareTeamRole"},
	{"careTeam[].provider.type", text, "Practitioner or Organization", ""},
	{"careTeam[].provider.identifier", namedIdentifier, "Provider: NPI", npi},
	{"careTeam[].provider.display", text, "Provider: name", ""},
	{"careTeam[].provider.reference", text, "Provider, in older claims: # and the id of a contained resource", ""},
	{"careTeam[].qualification", namedConcept, "Specialty or taxonomy", codeSystem + "CLM-PRVDR-SPCLTY-CD, http://nucc.org/provider-taxonomy"},

	{"supportingInfo[].sequence", number, "Number of the entry", ""},
	{"supportingInfo[].category", namedConcept, "Category of the entry", codeSystem + "Supporting-Information, " + terminology + "claiminformationcategory, " + carin + "C4BBSupportingInfoType"},
	{"supportingInfo[].code", namedConcept, "Near-line record: which part of Medicare the record is of; diagnosis related group; facility type; claim query code", nearLine + ", " + msDRG + ", " + facilityType + ", " + queryCode},
	{"supportingInfo[].valueReference.reference", text, "Laboratory: # and the id of a contained resource", ""},

	{"diagnosis[].sequence", number, "Number that lines refer to", ""},
	{"diagnosis[].diagnosisCodeableConcept", bareConcept, "Diagnosis, mostly with the dot", "http://hl7.org/fhir/sid/icd-10-cm, http://hl7.org/fhir/sid/icd-9-cm"},
	{"diagnosis[].type[]", bareConcept, "Principal, admitting, other, secondary, external cause or reason for visit", terminology + "ex-diagnosistype, " + carin + "C4BBClaimDiagnosisType"},
	{"diagnosis[].onAdmission", bareConcept, "Whether the diagnosis was present on admission", "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding"},

	{"procedure[].sequence", number, "Number of the procedure", ""},
	{"procedure[].type[]", namedConcept, "Principal or other", carin + "C4BBClaimProcedureType"},
	{"procedure[].date", text, "Day of the procedure", ""},
	{"procedure[].procedureCodeableConcept", bareConcept, "Procedure", "http://www.cms.gov/Medicare/Coding/ICD10, http://www.cms.gov/Medicare/Coding/ICD9"},

	{"item[].sequence", number, "Line number", ""},
	{"item[].careTeamSequence[]", number, "Providers of the line, by careTeam.sequence", ""},
	{"item[].diagnosisSequence[]", number, "Diagnoses of the line, by diagnosis.sequence", ""},
	{"item[].procedureSequence[]", number, "Procedures of the line, by procedure.sequence", ""},
	{"item[].productOrService", namedConcept, "Service: HCPCS or CPT, or that there is none", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets, http://www.ama-assn.org/go/cpt, " + terminology + "data-absent-reason"},
	{"item[].detail[].productOrService", bareConcept, "National drug code of the line; the quantity of the drug is not kept", ndc},
	{"item[].servicedDate", text, "Day of the service", ""},
	{"item[].servicedPeriod", period, "First and last day of the service", ""},
	{"item[].locationCodeableConcept", namedConcept, "Place of service", "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"},
	{"item[].quantity.value", number, "Number of units of the service", ""},
	{"item[].extension[" + definition + "CLM-LINE-ANSTHSA-UNIT-CNT]", number, "Anesthesia units", ""},
	{"item[].extension[" + definition + "CLM-PRCNG-LCLTY-CD]", bareCoding, "Pricing locality", codeSystem + "CLM-PRCNG-LCLTY-CD"},
	{"item[].extension[" + definition + "CLM-PRVDR-TYPE-CD]", namedCoding, "Supplier type", codeSystem + "CLM-PRVDR-TYPE-CD"},
	{"item[].extension[" + definition + "CLM-PRVDR-SPCLTY-CD]", namedCoding, "Specialty of the provider", codeSystem + "CLM-PRVDR-SPCLTY-CD"},
}

// picksR4V3 are texts of which version 3 keeps only these values, and with
// another value nothing of what they are of.
var picksR4V3 = []pick{
	{"contained[].resourceType", []string{"Organization", "Practitioner", "Observation"}, "contained resources of providers and laboratories; no other, such as a person insured"},
	{"contained[].identifier[].system", []string{npi, ccn}, "NPI and CCN of a provider; not its tax number"},
	{"contained[].performer[].identifier.system", []string{clia}, "CLIA numbers"},
	{"facility.identifier.system", []string{npi, ccn}, "NPI and CCN of a facility"},
	{"careTeam[].provider.identifier.system", []string{npi}, "NPIs"},
	{"careTeam[].role.coding[].code", []string{"attending", "referring", "operating", "otheroperating", "rendering", "supervisor"}, "care team members of these roles"},
	{"supportingInfo[].code.coding[].system", []string{nearLine, msDRG, facilityType, queryCode}, "supporting information of these codes; of a type of bill, only the facility type"},
	{"item[].detail[].productOrService.coding[].system", []string{ndc}, "drug codes"},
}

// needsR4V3 are the elements without which an entry of an array says nothing that
// a sponsor may see.
var needsR4V3 = []need{
	{"contained[].id"},
	{"contained[].identifier[]", "contained[].address[]", "contained[].performer[]"},
	{"careTeam[].role"},
	{"supportingInfo[].code", "supportingInfo[].valueReference"},
}

// The code and identifier systems that decide what is kept.
const (
	carin        = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
	terminology  = "http://terminology.hl7.org/CodeSystem/"
	ccn          = "http://terminology.hl7.org/NamingSystem/CCN"
	clia         = "http://terminology.hl7.org/NamingSystem/CLIA"
	ndc          = "http://hl7.org/fhir/sid/ndc"
	nearLine     = codeSystem + "CLM-NRLN-RIC-CD"
	facilityType = codeSystem + "CLM-BILL-FAC-TYPE-CD"
	queryCode    = codeSystem + "CLM-QUERY-CD"
	msDRG        = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software"
)
