package eob

// tableSTU3 is what version 1 delivers of a claim, beside the extensions of
// claim and line in extension_stu3.go. It is AB2D's list for STU3, taken down
// to the leaves that BFD's v1 resources have.
var tableSTU3 = []element{
	{"resourceType", text, "Always ExplanationOfBenefit", ""},
	{"id", text, "Id of the resource: claim type, hyphen, claim id", ""},
	{"meta.lastUpdated", text, "When the claim was last changed or loaded", ""},
	{"meta.profile[]", text, "Profile the resource claims to follow", ""},
	{"meta.security[]", coding, "Security labels", "http://terminology.hl7.org/CodeSystem/v3-ActCode"},
	{"meta.tag[]", coding, "Tags", ""},
	{"implicitRules", text, "Rules the content was made under", ""},
	{"language", text, "Language of the content", "urn:ietf:bcp:47"},

	{"identifier[]", identifier, "Claim id (CLM_ID) and claim group: all versions of a claim share the group", variables + "clm_id, https://bluebutton.cms.gov/resources/identifier/claim-group"},
	{"status", text, "active: the newest version of the claim; cancelled: an older one (FINAL_ACTION)", "http://hl7.org/fhir/explanationofbenefit-status"},
	{"type", concept, "Claim type: NCH claim type, kind of ExplanationOfBenefit, FHIR claim type, near-line record, service classification", variables + "nch_clm_type_cd, https://bluebutton.cms.gov/resources/codesystem/eob-type, http://hl7.org/fhir/ex-claimtype, " + variables + "nch_near_line_rec_ident_cd, " + variables + "clm_srvc_clsfctn_type_cd"},
	{"subType[]", concept, "Finer claim type", ""},
	{"patient.reference", text, "The beneficiary: Patient/ and the beneficiary id (BENE_ID)", ""},
	{"billablePeriod", period, "First and last day of the services (CLM_FROM_DT, CLM_THRU_DT)", ""},
	{"billablePeriod.extension[claim_query_cd]", coding, "Claim query code: interim, final or adjusted bill", variables + "claim_query_cd"},

	{"provider.identifier", identifier, "Institution that billed: CMS certification number (PRVDR_NUM)", variables + "prvdr_num"},
	{"organization.identifier", identifier, "Organization: NPI (ORG_NPI_NUM)", npi},
	{"organization.display", text, "Organization: name", ""},
	{"facility.identifier", identifier, "Facility of the services: NPI", npi},
	{"facility.display", text, "Facility: name", ""},
	{"facility.extension[clm_fac_type_cd]", coding, "Facility type (CLM_FAC_TYPE_CD)", variables + "clm_fac_type_cd"},

	{"careTeam[].sequence", number, "Number that lines refer to", ""},
	{"careTeam[].provider.identifier", identifier, "Attending, operating, rendering or other provider: NPI", npi},
	{"careTeam[].provider.display", text, "Provider: name", ""},
	{"careTeam[].responsible", boolean, "Whether the provider bills", ""},
	{"careTeam[].role", concept, "Role in the care", "http://hl7.org/fhir/claimcareteamrole"},
	{"careTeam[].qualification", concept, "Specialty (PRVDR_SPCLTY)", variables + "prvdr_spclty"},
	{"careTeam[].extension[prtcptng_ind_cd]", coding, "Whether the provider participates in Medicare (PRTCPTNG_IND_CD)", variables + "prtcptng_ind_cd"},
	{"careTeam[].extension[carr_line_prvdr_type_cd]", coding, "Provider type (CARR_LINE_PRVDR_TYPE_CD)", variables + "carr_line_prvdr_type_cd"},
	{"careTeam[].extension[" + npi + "]", coding, "Organization of the provider: NPI", npi},

	{"diagnosis[].sequence", number, "Number that lines refer to", ""},
	{"diagnosis[].diagnosisCodeableConcept", concept, "Diagnosis, without the dot (ICD_DGNS_CD, ADMTG_DGNS_CD, RSN_VISIT_CD and ICD_DGNS_E_CD of all numbers)", "http://hl7.org/fhir/sid/icd-10, http://hl7.org/fhir/sid/icd-9-cm"},
	{"diagnosis[].type[]", concept, "Principal, admitting, external cause or reason for visit", "https://bluebutton.cms.gov/resources/codesystem/diagnosis-type"},
	{"diagnosis[].packageCode", concept, "Diagnosis related group (CLM_DRG_CD), an entry of its own", drgSystem},
	{"diagnosis[].extension[clm_poa_ind_sw1..25]", coding, "Whether the diagnosis was present on admission", variables + "clm_poa_ind_sw1 to 25"},
	{"diagnosis[].extension[clm_e_poa_ind_sw1..12]", coding, "Whether the external cause was present on admission", variables + "clm_e_poa_ind_sw1 to 12"},

	{"procedure[].sequence", number, "Number of the procedure", ""},
	{"procedure[].date", text, "Day of the procedure (PRCDR_DT)", ""},
	{"procedure[].procedureCodeableConcept", concept, "Procedure (ICD_PRCDR_CD)", "http://hl7.org/fhir/sid/icd-10, http://hl7.org/fhir/sid/icd-9-cm"},

	{"item[].sequence", number, "Line number (CLM_LINE_NUM)", ""},
	{"item[].careTeamLinkId[]", number, "Providers of the line, by careTeam.sequence", ""},
	{"item[].diagnosisLinkId[]", number, "Diagnoses of the line, by diagnosis.sequence", ""},
	{"item[].procedureLinkId[]", number, "Procedures of the line, by procedure.sequence", ""},
	{"item[].service", concept, "Service (HCPCS_CD); version is the HCPCS year code", "https://bluebutton.cms.gov/resources/codesystem/hcpcs"},
	{"item[].service.extension[rev_cntr_ide_ndc_upc_num]", coding, "National drug code of a revenue center line (REV_CNTR_IDE_NDC_UPC_NUM)", variables + "rev_cntr_ide_ndc_upc_num"},
	{"item[].service.extension[carr_line_ansthsa_unit_cnt]", quantity, "Anesthesia units (CARR_LINE_ANSTHSA_UNIT_CNT)", ""},
	{"item[].servicedDate", text, "Day of the service (REV_CNTR_DT)", ""},
	{"item[].servicedPeriod", period, "First and last day of the service (LINE_1ST_EXPNS_DT, LINE_LAST_EXPNS_DT)", ""},
	{"item[].locationCodeableConcept", concept, "Place of service (LINE_PLACE_OF_SRVC_CD)", variables + "line_place_of_srvc_cd"},
	{"item[].locationCodeableConcept.extension[prvdr_state_cd]", coding, "Provider's state, SSA code (PRVDR_STATE_CD)", variables + "prvdr_state_cd"},
	{"item[].locationCodeableConcept.extension[prvdr_zip]", coding, "Provider's zip code (PRVDR_ZIP)", variables + "prvdr_zip"},
	{"item[].locationCodeableConcept.extension[carr_line_prcng_lclty_cd]", coding, "Pricing locality (CARR_LINE_PRCNG_LCLTY_CD)", variables + "carr_line_prcng_lclty_cd"},
	{"item[].locationCodeableConcept.extension[carr_line_clia_lab_num]", identifier, "Laboratory's CLIA number (CARR_LINE_CLIA_LAB_NUM)", variables + "carr_line_clia_lab_num"},
	{"item[].locationCodeableConcept.extension[carr_line_clia_lab_num]", coding, "The same, as the published dictionary has it", variables + "carr_line_clia_lab_num"},
	{"item[].locationCodeableConcept.extension[dmerc_line_prcng_state_cd]", coding, "Pricing state (DMERC_LINE_PRCNG_STATE_CD)", variables + "dmerc_line_prcng_state_cd"},
	{"item[].locationCodeableConcept.extension[dmerc_line_supplr_type_cd]", coding, "Supplier type (DMERC_LINE_SUPPLR_TYPE_CD)", variables + "dmerc_line_supplr_type_cd"},
	{"item[].locationAddress.state", text, "Provider's state, SSA code (PRVDR_STATE_CD)", ""},
	{"item[].quantity", quantity, "Number of units of the service", ""},
}

const npi = "http://hl7.org/fhir/sid/us-npi"
