package eob

// extensionSTU3 has the extensions of the claim and of its lines that version
// 1 delivers. AB2D has delivered them since 2023, amounts among them, so they
// belong to its contract; FHIR's own elements for payment, adjudication and
// totals do not, nor does any extension that is not named here.
var extensionSTU3 = []element{
	{"extension[prpayamt]", money, "Amount paid by a primary payer before Medicare", ""},
	{"extension[carr_num]", identifier, "Contractor that processed a carrier or DME claim", variables + "carr_num"},
	{"extension[carr_clm_cntl_num]", identifier, "Contractor's control number", variables + "carr_clm_cntl_num"},
	{"extension[carr_clm_pmt_dnl_cd]", coding, "Whether and to whom the claim was paid, or denied", variables + "carr_clm_pmt_dnl_cd"},
	{"extension[asgmntcd]", coding, "Whether the provider accepts assignment", variables + "asgmntcd"},
	{"extension[clm_clncl_tril_num]", identifier, "Clinical trial number", variables + "clm_clncl_tril_num"},
	{"extension[carr_clm_cash_ddctbl_apld_amt]", money, "Cash deductible applied", ""},
	{"extension[nch_clm_prvdr_pmt_amt]", money, "Paid to the provider", ""},
	{"extension[nch_clm_bene_pmt_amt]", money, "Paid to the beneficiary", ""},
	{"extension[nch_carr_clm_sbmtd_chrg_amt]", money, "Submitted charges of the claim", ""},
	{"extension[nch_carr_clm_alowd_amt]", money, "Allowed charges of the claim", ""},

	{"extension[clm_mdcr_non_pmt_rsn_cd]", coding, "Why Medicare did not pay", variables + "clm_mdcr_non_pmt_rsn_cd"},
	{"extension[fi_num]", identifier, "Contractor that processed an institutional claim", variables + "fi_num"},
	{"extension[fi_doc_clm_cntl_num]", identifier, "Contractor's control number", variables + "fi_doc_clm_cntl_num"},
	{"extension[fi_orig_clm_cntl_num]", identifier, "Control number of the original claim", variables + "fi_orig_clm_cntl_num"},
	{"extension[nch_profnl_cmpnt_chrg_amt]", money, "Charges of the professional component", ""},
	{"extension[nch_bene_ptb_ddctbl_amt]", money, "Part B deductible", ""},
	{"extension[nch_bene_ptb_coinsrnc_amt]", money, "Part B coinsurance", ""},
	{"extension[clm_op_prvdr_pmt_amt]", money, "Outpatient payment to the provider", ""},
	{"extension[clm_op_bene_pmt_amt]", money, "Outpatient payment to the beneficiary", ""},
	{"extension[nch_bene_blood_ddctbl_lblty_am]", money, "Blood deductible", ""},

	{"extension[nch_bene_ip_ddctbl_amt]", money, "Inpatient deductible", ""},
	{"extension[nch_bene_pta_coinsrnc_lblty_amt]", money, "Part A coinsurance", ""},
	{"extension[nch_ip_ncvrd_chrg_amt]", money, "Charges that are not covered", ""},
	{"extension[nch_ip_tot_ddctn_amt]", money, "Total deductions", ""},
	{"extension[clm_pps_cptl_dsprprtnt_shr_amt]", money, "Capital payment: disproportionate share", ""},
	{"extension[clm_pps_cptl_excptn_amt]", money, "Capital payment: exception", ""},
	{"extension[clm_pps_cptl_fsp_amt]", money, "Capital payment: federal portion", ""},
	{"extension[clm_pps_cptl_ime_amt]", money, "Capital payment: indirect medical education", ""},
	{"extension[clm_pps_cptl_outlier_amt]", money, "Capital payment: outlier", ""},
	{"extension[clm_pps_old_cptl_hld_hrmls_amt]", money, "Capital payment: hold harmless", ""},
	{"extension[ime_op_clm_val_amt]", money, "Operating payment: indirect medical education", ""},
	{"extension[dsh_op_clm_val_amt]", money, "Operating payment: disproportionate share", ""},
	{"extension[clm_pass_thru_per_diem_amt]", money, "Pass-through amount a day", ""},
	{"extension[clm_tot_pps_cptl_amt]", money, "Total capital payment", ""},
	{"extension[clm_uncompd_care_pmt_amt]", money, "Payment for uncompensated care", ""},
	{"extension[nch_drg_outlier_aprvd_pmt_amt]", money, "Approved outlier payment", ""},

	{"item[].extension[carr_line_mtus_cd]", coding, "What the count of a carrier line counts: miles, time, services", variables + "carr_line_mtus_cd"},
	{"item[].extension[carr_line_mtus_cnt]", quantity, "Miles, time units or services of a carrier line", variables + "carr_line_mtus_cd"},
	{"item[].extension[dmerc_line_mtus_cnt]", quantity, "Miles, time units or services of a DME line", variables + "dmerc_line_mtus_cd"},
	{"item[].extension[dmerc_line_scrn_svgs_amt]", quantity, "Savings by screening", ""},
	{"item[].extension[suplrnum]", identifier, "Supplier's billing number", variables + "suplrnum"},
	{"item[].extension[betos_cd]", coding, "Berenson-Eggers type of service", variables + "betos_cd"},
	{"item[].extension[line_bene_prmry_pyr_cd]", coding, "Primary payer of the line", variables + "line_bene_prmry_pyr_cd"},
	{"item[].extension[line_service_deductible]", coding, "Whether the service is subject to the deductible", variables + "line_service_deductible"},
	{"item[].extension[http://hl7.org/fhir/sid/ndc]", coding, "National drug code", "http://hl7.org/fhir/sid/ndc"},
	{"item[].extension[rev_cntr_ndc_qty]", quantity, "Quantity of the drug of a revenue center line (REV_CNTR_NDC_QTY)", "http://unitsofmeasure.org"},
}
