package table

// The rows of the tables. Tags: parquet is the column's name and type, variable
// the Blue Button variable of an extension that fills it by itself, doc what it
// holds. Dates are days since 1970-01-01, times microseconds since then, in UTC,
// and amounts cents. Every column is optional: what a claim does not have is
// NULL in Parquet and an empty cell in CSV. No column holds an empty text, and no
// list is empty. CSV has no lists: it has their elements with a space between.
//
// A change of the columns that queries can notice raises Version.

// Claim is a row of the table claims: one version of one claim.
type Claim struct {
	ClaimID         string   `parquet:"claim_id,optional" doc:"id of the resource; with last_updated it joins the other tables"`
	LastUpdated     *int64   `parquet:"last_updated,timestamp(microsecond)" doc:"when this version was last changed or loaded"`
	Status          string   `parquet:"status,optional,dict" doc:"active: the newest version of the claim; cancelled: an older one. Always active in v3"`
	ClmID           string   `parquet:"clm_id,optional" doc:"claim id of CMS (CLM_ID); in v3 the unique claim id, another number"`
	ClaimGroup      string   `parquet:"claim_group,optional" doc:"claim group: all versions of a claim share it; v1 and v2"`
	ControlNumber   string   `parquet:"claim_control_number,optional" doc:"claim control number (CLM_CNTL_NUM); v3"`
	FinalAction     string   `parquet:"final_action,optional,dict" doc:"whether this is the final action on the claim: FinalAction, NotFinalAction; v3"`
	Source          string   `parquet:"source,optional,dict" doc:"system that the claim is from, such as NCH; v3"`
	Contract        string   `parquet:"contract,optional,dict" doc:"contract that the claim was delivered for, from the name of the file, as AB2D names it"`
	SourceFile      string   `parquet:"source_file,optional,dict" doc:"NDJSON file that the claim was read from: the folder of the export, and the file in it"`
	SourceLine      *int64   `parquet:"source_line" doc:"its line there, from 1"`
	ClaimType       string   `parquet:"claim_type,optional,dict" doc:"kind of claim: CARRIER, DME, HHA, HOSPICE, INPATIENT, OUTPATIENT, SNF"`
	NCHClaimType    string   `parquet:"nch_claim_type,optional,dict" doc:"claim type code (NCH_CLM_TYPE_CD, in v3 CLM_TYPE_CD), such as 60 inpatient"`
	Class           string   `parquet:"claim_class,optional,dict" doc:"institutional, professional or other, in FHIR's words"`
	SubType         string   `parquet:"sub_type,optional,dict" doc:"finer claim type, such as inpatient"`
	NearLine        string   `parquet:"near_line_record,optional,dict" variable:"nch_near_line_rec_ident_cd" doc:"which part of Medicare the record is of (NCH_NEAR_LINE_REC_IDENT_CD)"`
	ServiceClass    string   `parquet:"service_classification,optional,dict" doc:"service classification (CLM_SRVC_CLSFCTN_TYPE_CD); v1"`
	PatientID       string   `parquet:"patient_id,optional" doc:"beneficiary id (BENE_ID); in v3 another number"`
	MBI             string   `parquet:"mbi,optional" doc:"current Medicare beneficiary identifier"`
	HistoricMBIs    []string `parquet:"historic_mbis,optional,list" doc:"earlier ones"`
	Start           *int32   `parquet:"service_start,date" doc:"first day of the services (CLM_FROM_DT)"`
	End             *int32   `parquet:"service_end,date" doc:"last day of the services (CLM_THRU_DT)"`
	QueryCode       string   `parquet:"claim_query_code,optional,dict" doc:"interim, final or adjusted bill (CLAIM_QUERY_CD)"`
	DRG             string   `parquet:"drg,optional,dict" doc:"diagnosis related group (CLM_DRG_CD); with three digits also where v3 writes fewer"`
	ProviderNumber  string   `parquet:"provider_number,optional,dict" doc:"CMS certification number of the provider that billed (PRVDR_NUM); v1 and v3"`
	ProviderNPI     string   `parquet:"provider_npi,optional,dict" doc:"NPI of the provider that billed, an organization or a person; v3"`
	ProviderZip     string   `parquet:"provider_zip,optional,dict" doc:"its postal code; v3"`
	OrganizationNPI string   `parquet:"organization_npi,optional,dict" doc:"NPI of the organization (ORG_NPI_NUM); v1 and v3"`
	Organization    string   `parquet:"organization_name,optional,dict" doc:"its name; v1"`
	FacilityNPI     string   `parquet:"facility_npi,optional,dict" doc:"NPI of the facility; v1 and v3"`
	Facility        string   `parquet:"facility_name,optional,dict" doc:"its name"`
	FacilityType    string   `parquet:"facility_type,optional,dict" doc:"facility type (CLM_FAC_TYPE_CD, in v3 CLM_BILL_FAC_TYPE_CD)"`
	CLIA            []string `parquet:"clia_numbers,optional,list" doc:"CLIA numbers of its laboratories; v3, which does not tell the line"`

	CarrierNumber  string `parquet:"carr_num,optional,dict" variable:"carr_num" doc:"contractor that processed a carrier or DME claim; v1, as all below"`
	CarrierControl string `parquet:"carr_clm_cntl_num,optional" variable:"carr_clm_cntl_num" doc:"its control number"`
	PaymentDenial  string `parquet:"carr_clm_pmt_dnl_cd,optional,dict" variable:"carr_clm_pmt_dnl_cd" doc:"whether and to whom the claim was paid, or denied"`
	Assignment     string `parquet:"asgmntcd,optional,dict" variable:"asgmntcd" doc:"whether the provider accepts assignment"`
	Trial          string `parquet:"clm_clncl_tril_num,optional" variable:"clm_clncl_tril_num" doc:"clinical trial number"`
	NonPayment     string `parquet:"clm_mdcr_non_pmt_rsn_cd,optional,dict" variable:"clm_mdcr_non_pmt_rsn_cd" doc:"why Medicare did not pay"`
	FINumber       string `parquet:"fi_num,optional,dict" variable:"fi_num" doc:"contractor that processed an institutional claim"`
	FIControl      string `parquet:"fi_doc_clm_cntl_num,optional" variable:"fi_doc_clm_cntl_num" doc:"its control number"`
	FIOriginal     string `parquet:"fi_orig_clm_cntl_num,optional" variable:"fi_orig_clm_cntl_num" doc:"control number of the original claim"`

	PrimaryPayer    *int64 `parquet:"prpayamt,decimal(2:18)" variable:"prpayamt" doc:"paid by a primary payer before Medicare"`
	CashDeductible  *int64 `parquet:"carr_clm_cash_ddctbl_apld_amt,decimal(2:18)" variable:"carr_clm_cash_ddctbl_apld_amt" doc:"cash deductible applied"`
	ToProvider      *int64 `parquet:"nch_clm_prvdr_pmt_amt,decimal(2:18)" variable:"nch_clm_prvdr_pmt_amt" doc:"paid to the provider"`
	ToBeneficiary   *int64 `parquet:"nch_clm_bene_pmt_amt,decimal(2:18)" variable:"nch_clm_bene_pmt_amt" doc:"paid to the beneficiary"`
	Submitted       *int64 `parquet:"nch_carr_clm_sbmtd_chrg_amt,decimal(2:18)" variable:"nch_carr_clm_sbmtd_chrg_amt" doc:"submitted charges"`
	Allowed         *int64 `parquet:"nch_carr_clm_alowd_amt,decimal(2:18)" variable:"nch_carr_clm_alowd_amt" doc:"allowed charges"`
	Professional    *int64 `parquet:"nch_profnl_cmpnt_chrg_amt,decimal(2:18)" variable:"nch_profnl_cmpnt_chrg_amt" doc:"charges of the professional component"`
	PartBDeductible *int64 `parquet:"nch_bene_ptb_ddctbl_amt,decimal(2:18)" variable:"nch_bene_ptb_ddctbl_amt" doc:"Part B deductible"`
	PartBCoins      *int64 `parquet:"nch_bene_ptb_coinsrnc_amt,decimal(2:18)" variable:"nch_bene_ptb_coinsrnc_amt" doc:"Part B coinsurance"`
	OPProvider      *int64 `parquet:"clm_op_prvdr_pmt_amt,decimal(2:18)" variable:"clm_op_prvdr_pmt_amt" doc:"outpatient payment to the provider"`
	OPBeneficiary   *int64 `parquet:"clm_op_bene_pmt_amt,decimal(2:18)" variable:"clm_op_bene_pmt_amt" doc:"outpatient payment to the beneficiary"`
	Blood           *int64 `parquet:"nch_bene_blood_ddctbl_lblty_am,decimal(2:18)" variable:"nch_bene_blood_ddctbl_lblty_am" doc:"blood deductible"`
	IPDeductible    *int64 `parquet:"nch_bene_ip_ddctbl_amt,decimal(2:18)" variable:"nch_bene_ip_ddctbl_amt" doc:"inpatient deductible"`
	PartACoins      *int64 `parquet:"nch_bene_pta_coinsrnc_lblty_amt,decimal(2:18)" variable:"nch_bene_pta_coinsrnc_lblty_amt" doc:"Part A coinsurance"`
	NotCovered      *int64 `parquet:"nch_ip_ncvrd_chrg_amt,decimal(2:18)" variable:"nch_ip_ncvrd_chrg_amt" doc:"charges that are not covered"`
	Deductions      *int64 `parquet:"nch_ip_tot_ddctn_amt,decimal(2:18)" variable:"nch_ip_tot_ddctn_amt" doc:"total deductions"`
	CapitalShare    *int64 `parquet:"clm_pps_cptl_dsprprtnt_shr_amt,decimal(2:18)" variable:"clm_pps_cptl_dsprprtnt_shr_amt" doc:"capital payment: disproportionate share"`
	CapitalExcept   *int64 `parquet:"clm_pps_cptl_excptn_amt,decimal(2:18)" variable:"clm_pps_cptl_excptn_amt" doc:"capital payment: exception"`
	CapitalFederal  *int64 `parquet:"clm_pps_cptl_fsp_amt,decimal(2:18)" variable:"clm_pps_cptl_fsp_amt" doc:"capital payment: federal portion"`
	CapitalIME      *int64 `parquet:"clm_pps_cptl_ime_amt,decimal(2:18)" variable:"clm_pps_cptl_ime_amt" doc:"capital payment: indirect medical education"`
	CapitalOutlier  *int64 `parquet:"clm_pps_cptl_outlier_amt,decimal(2:18)" variable:"clm_pps_cptl_outlier_amt" doc:"capital payment: outlier"`
	CapitalHold     *int64 `parquet:"clm_pps_old_cptl_hld_hrmls_amt,decimal(2:18)" variable:"clm_pps_old_cptl_hld_hrmls_amt" doc:"capital payment: hold harmless"`
	OperatingIME    *int64 `parquet:"ime_op_clm_val_amt,decimal(2:18)" variable:"ime_op_clm_val_amt" doc:"operating payment: indirect medical education"`
	OperatingShare  *int64 `parquet:"dsh_op_clm_val_amt,decimal(2:18)" variable:"dsh_op_clm_val_amt" doc:"operating payment: disproportionate share"`
	PassThrough     *int64 `parquet:"clm_pass_thru_per_diem_amt,decimal(2:18)" variable:"clm_pass_thru_per_diem_amt" doc:"pass-through amount a day"`
	CapitalTotal    *int64 `parquet:"clm_tot_pps_cptl_amt,decimal(2:18)" variable:"clm_tot_pps_cptl_amt" doc:"total capital payment"`
	Uncompensated   *int64 `parquet:"clm_uncompd_care_pmt_amt,decimal(2:18)" variable:"clm_uncompd_care_pmt_amt" doc:"payment for uncompensated care"`
	Outlier         *int64 `parquet:"nch_drg_outlier_aprvd_pmt_amt,decimal(2:18)" variable:"nch_drg_outlier_aprvd_pmt_amt" doc:"approved outlier payment"`
}

// Line is a row of the table lines: a service of a claim.
type Line struct {
	ClaimID     string   `parquet:"claim_id,optional" doc:"claims.claim_id"`
	LastUpdated *int64   `parquet:"last_updated,timestamp(microsecond)" doc:"claims.last_updated"`
	PatientID   string   `parquet:"patient_id,optional" doc:"claims.patient_id"`
	Line        *int32   `parquet:"line" doc:"number of the line (CLM_LINE_NUM)"`
	HCPCS       string   `parquet:"hcpcs,optional,dict" doc:"service, HCPCS or CPT (HCPCS_CD)"`
	HCPCSYear   string   `parquet:"hcpcs_version,optional,dict" doc:"its HCPCS year code"`
	NDC         string   `parquet:"ndc,optional,dict" doc:"national drug code; of several, which is rare, with a space between"`
	Start       *int32   `parquet:"service_start,date" doc:"first day of the service"`
	End         *int32   `parquet:"service_end,date" doc:"last day of the service"`
	Place       string   `parquet:"place_of_service,optional,dict" doc:"place of service (LINE_PLACE_OF_SRVC_CD)"`
	State       string   `parquet:"provider_state,optional,dict" variable:"prvdr_state_cd" doc:"provider's state, SSA code (PRVDR_STATE_CD)"`
	Zip         string   `parquet:"provider_zip,optional,dict" variable:"prvdr_zip" doc:"provider's zip code (PRVDR_ZIP)"`
	Locality    string   `parquet:"pricing_locality,optional,dict" variable:"carr_line_prcng_lclty_cd" doc:"pricing locality (CARR_LINE_PRCNG_LCLTY_CD)"`
	CLIA        string   `parquet:"clia_number,optional,dict" variable:"carr_line_clia_lab_num" doc:"laboratory's CLIA number; v1 and v2"`
	PriceState  string   `parquet:"pricing_state,optional,dict" variable:"dmerc_line_prcng_state_cd" doc:"pricing state of a DME line"`
	Supplier    string   `parquet:"supplier_type,optional,dict" variable:"dmerc_line_supplr_type_cd" doc:"supplier type of a DME line"`
	Kind        string   `parquet:"provider_type,optional,dict" doc:"provider type of a carrier line (CLM_PRVDR_TYPE_CD); v3, in v1 and v2 it is in care_team"`
	Specialty   string   `parquet:"provider_specialty,optional,dict" doc:"specialty of its provider (CLM_PRVDR_SPCLTY_CD); v3"`
	Quantity    *float64 `parquet:"quantity" doc:"number of units of the service"`
	Unit        string   `parquet:"unit,optional,dict" doc:"their unit"`
	Anesthesia  *float64 `parquet:"anesthesia_units" variable:"carr_line_ansthsa_unit_cnt" doc:"anesthesia units"`
	MTUS        string   `parquet:"mtus_code,optional,dict" variable:"carr_line_mtus_cd" doc:"what mtus_count counts: miles, time, services; v1, as all below"`
	MTUSCount   *float64 `parquet:"mtus_count" variable:"carr_line_mtus_cnt" doc:"miles, time units or services of a carrier line"`
	DMECount    *float64 `parquet:"dme_mtus_count" variable:"dmerc_line_mtus_cnt" doc:"the same of a DME line"`
	Screening   *float64 `parquet:"screening_savings" variable:"dmerc_line_scrn_svgs_amt" doc:"savings by screening"`
	SupplierNum string   `parquet:"supplier_number,optional,dict" variable:"suplrnum" doc:"supplier's billing number"`
	BETOS       string   `parquet:"betos,optional,dict" variable:"betos_cd" doc:"Berenson-Eggers type of service"`
	Payer       string   `parquet:"primary_payer,optional,dict" variable:"line_bene_prmry_pyr_cd" doc:"primary payer of the line"`
	Deductible  string   `parquet:"subject_to_deductible,optional,dict" variable:"line_service_deductible" doc:"whether the service is subject to the deductible"`
	NDCQuantity *float64 `parquet:"ndc_quantity" variable:"rev_cntr_ndc_qty" doc:"quantity of the drug of a revenue center line"`
	CareTeam    []int32  `parquet:"care_team,optional,list" doc:"its providers: care_team.sequence"`
	Diagnoses   []int32  `parquet:"diagnoses,optional,list" doc:"its diagnoses: diagnoses.sequence"`
	Procedures  []int32  `parquet:"procedures,optional,list" doc:"its procedures: procedures.sequence"`
}

// Diagnosis is a row of the table diagnoses.
type Diagnosis struct {
	ClaimID     string   `parquet:"claim_id,optional" doc:"claims.claim_id"`
	LastUpdated *int64   `parquet:"last_updated,timestamp(microsecond)" doc:"claims.last_updated"`
	PatientID   string   `parquet:"patient_id,optional" doc:"claims.patient_id"`
	Sequence    *int32   `parquet:"sequence" doc:"number that lines refer to"`
	System      string   `parquet:"system,optional,dict" doc:"code system, a URI"`
	Code        string   `parquet:"code,optional,dict" doc:"ICD code, without the dot"`
	Display     string   `parquet:"display,optional,dict" doc:"what it means"`
	Types       []string `parquet:"types,optional,list" doc:"principal, admitting, secondary and so on; a diagnosis can have several"`
	OnAdmission string   `parquet:"present_on_admission,optional,dict" doc:"whether it was present on admission: Y, N, U, W, 1, X, Z"`
}

// Procedure is a row of the table procedures.
type Procedure struct {
	ClaimID     string   `parquet:"claim_id,optional" doc:"claims.claim_id"`
	LastUpdated *int64   `parquet:"last_updated,timestamp(microsecond)" doc:"claims.last_updated"`
	PatientID   string   `parquet:"patient_id,optional" doc:"claims.patient_id"`
	Sequence    *int32   `parquet:"sequence" doc:"number that lines refer to"`
	Date        *int32   `parquet:"date,date" doc:"day of the procedure (PRCDR_DT)"`
	System      string   `parquet:"system,optional,dict" doc:"code system, a URI"`
	Code        string   `parquet:"code,optional,dict" doc:"procedure (ICD_PRCDR_CD)"`
	Display     string   `parquet:"display,optional,dict" doc:"what it means"`
	Types       []string `parquet:"types,optional,list" doc:"primary or secondary, in v3 principal or other; v2 and v3"`
}

// CareTeamMember is a row of the table care_team: a provider of a claim.
type CareTeamMember struct {
	ClaimID         string `parquet:"claim_id,optional" doc:"claims.claim_id"`
	LastUpdated     *int64 `parquet:"last_updated,timestamp(microsecond)" doc:"claims.last_updated"`
	PatientID       string `parquet:"patient_id,optional" doc:"claims.patient_id"`
	Sequence        *int32 `parquet:"sequence" doc:"number that lines refer to"`
	NPI             string `parquet:"npi,optional,dict" doc:"NPI of the provider"`
	Other           string `parquet:"other_id,optional,dict" doc:"the provider's id where it is not an NPI, such as a UPIN"`
	Name            string `parquet:"name,optional,dict" doc:"name of the provider"`
	Role            string `parquet:"role,optional,dict" doc:"attending, operating, performing (in v3 rendering), referring, primary and so on"`
	Responsible     *bool  `parquet:"responsible" doc:"whether the provider bills"`
	Specialty       string `parquet:"specialty,optional,dict" doc:"specialty (PRVDR_SPCLTY) or taxonomy"`
	Participating   string `parquet:"participating,optional,dict" variable:"prtcptng_ind_cd" doc:"whether the provider participates in Medicare"`
	ProviderType    string `parquet:"provider_type,optional,dict" variable:"carr_line_prvdr_type_cd" doc:"provider type (CARR_LINE_PRVDR_TYPE_CD); v1 and v2"`
	OrganizationNPI string `parquet:"organization_npi,optional,dict" doc:"NPI of the provider's organization; v1"`
}
