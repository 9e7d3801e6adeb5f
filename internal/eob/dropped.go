package eob

// absent is an element, or a kind of them, that a version leaves out, and the
// reason. The allow-list decides without it: what is in neither is left out,
// too. It is for the reader of the data dictionary, and the tests hold it true.
type absent struct {
	paths []string
	why   string
}

const (
	whyPayment = "payment: a sponsor may see what care was given, not what was paid for it"
	whyOthers  = "who else had to do with the claim, which is not needed to coordinate care"
	whyCourse  = "how the claim went through its processing"
)

// droppedSTU3 is what version 1 leaves out of what STU3 defines.
var droppedSTU3 = append([]absent{
	{[]string{"payment", "totalCost", "unallocDeductable", "totalBenefit", "benefitBalance", "insurance", "item[].adjudication", "item[].unitPrice", "item[].factor", "item[].net", "addItem"}, whyPayment},
	{[]string{"insurer", "enterer", "payee", "referral"}, whyOthers},
	{[]string{"created", "outcome", "disposition", "claim", "claimResponse", "related", "prescription", "originalPrescription", "form", "processNote", "employmentImpacted", "accident", "hospitalization", "item[].noteNumber", "item[].encounter"}, whyCourse},
	{[]string{"information", "item[].informationLinkId"}, "supporting information: not on AB2D's list"},
	{[]string{"item[].extension[line_hct_hgb_rslt_num]"}, "refers to a contained resource, the result of a blood test"},
	{[]string{"facility.extension[phrmcy_srvc_type_cd]", "item[].quantity.extension[days_suply_num]", "item[].quantity.extension[fill_num]"}, "only Part D events have it, and they are not delivered"},
	{[]string{"precedence"}, "AB2D adds it with the value 0, which FHIR does not allow"},
}, droppedOfBoth...)

// droppedR4 is what version 2 leaves out of what R4 defines.
var droppedR4 = append([]absent{
	{[]string{"payment", "total", "adjudication", "benefitBalance", "benefitPeriod", "fundsReserve", "fundsReserveRequested", "insurance", "item[].adjudication", "item[].unitPrice", "item[].factor", "item[].net", "addItem"}, whyPayment},
	{[]string{"insurer", "enterer", "payee", "referral", "provider"}, whyOthers},
	{[]string{"created", "use", "outcome", "disposition", "priority", "claim", "claimResponse", "related", "prescription", "originalPrescription", "preAuthRef", "preAuthRefPeriod", "form", "formCode", "processNote", "precedence", "accident", "item[].noteNumber", "item[].encounter"}, whyCourse},
	{[]string{"extension[carr_num]", "extension[prpayamt]", "extension[clm_mdcr_non_pmt_rsn_cd]", "item[].extension[betos_cd]", "item[].extension[suplrnum]"}, "of the extensions of claim and line, AB2D keeps four in this version; these and all others go"},
	{[]string{"item[].informationSequence"}, "supporting information: of it, only the diagnosis related group is kept"},
}, droppedOfBoth...)

// droppedOfBoth is what no version delivers.
var droppedOfBoth = []absent{
	{[]string{"contained", "diagnosis[].diagnosisReference", "procedure[].procedureReference", "procedure[].udi", "item[].locationReference", "item[].udi", "facility.reference", "careTeam[].provider.reference"}, "contained resources, and references to resources that are not delivered"},
	{[]string{"text", "type.text", "item[].service.text", "item[].productOrService.text", "patient.display"}, "free text can hold anything, names and amounts among it"},
	{[]string{"modifierExtension", "item[].modifierExtension"}, "no extension that changes the meaning of the claim is on the list"},
	{[]string{"item[].revenue", "item[].category", "item[].modifier", "item[].programCode", "item[].bodySite", "item[].subSite", "item[].detail"}, "not on AB2D's list of a line's fields"},
	{[]string{"meta.versionId", "meta.source"}, "tells of the source's storage, not of the claim"},
}

// droppedR4V3 is what version 3 leaves out of what R4 defines.
var droppedR4V3 = []absent{
	{[]string{"payment", "total", "adjudication", "benefitBalance", "benefitPeriod", "fundsReserve", "fundsReserveRequested", "item[].adjudication", "item[].unitPrice", "item[].factor", "item[].net", "item[].revenue", "item[].detail[].quantity", "addItem"}, whyPayment},
	{[]string{"insurer", "enterer", "payee", "referral", "insurance[].extension", "insurance[].preAuthRef"}, whyOthers},
	{[]string{"created", "disposition", "priority", "claim", "claimResponse", "related", "prescription", "originalPrescription", "preAuthRef", "preAuthRefPeriod", "form", "formCode", "processNote", "precedence", "accident", "item[].noteNumber", "item[].encounter"}, whyCourse},
	{[]string{"contained[].name", "contained[].meta", "contained[].active", "contained[].telecom", "contained[].address[].line", "contained[].address[].city", "contained[].code", "contained[].valueString"}, "of a provider only its NPI, CCN and postal code are kept, of a laboratory only its CLIA number"},
	{[]string{"extension", "modifierExtension", "item[].modifierExtension", "item[].extension[" + definition + "CLM-PRVDR-TAX-NUM]", "item[].extension[" + definition + "CLM-LINE-RX-NUM]"}, "of the extensions of claim and line, the ones above are kept, and no others"},
	{[]string{"supportingInfo[].timingDate", "supportingInfo[].timingPeriod", "supportingInfo[].valueString", "supportingInfo[].valueQuantity", "item[].informationSequence"}, "of supporting information only the codes above and the laboratory are kept"},
	{[]string{"diagnosis[].diagnosisReference", "diagnosis[].packageCode", "procedure[].procedureReference", "procedure[].udi", "item[].locationReference", "item[].locationAddress", "item[].udi", "facility.reference"}, "the source does not fill it"},
	{[]string{"text", "type.text", "item[].productOrService.text", "patient.display"}, "free text can hold anything, names and amounts among it"},
	{[]string{"item[].category", "item[].modifier", "item[].programCode", "item[].bodySite", "item[].subSite"}, "not on AB2D's list of a line's fields"},
	{[]string{"meta.versionId"}, "tells of the source's storage, not of the claim"},
}
