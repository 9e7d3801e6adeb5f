package table

import (
	"fmt"
	"strings"
)

// TuvaVersion is the version of the Tuva data model whose input layer the view
// tuva_medical_claim has the columns of.
const TuvaVersion = "0.18.0"

// tuvaCodes is how many diagnoses and procedures a claim has there.
const tuvaCodes = 25

// tuvaView is SQL of a view with the columns of Tuva's input layer medical_claim, in
// their order. What AB2D does not deliver is NULL. docs/analysis-cclf-tuva.md explains it.
func tuvaView() string {
	numbered := func(format string) string {
		var out []string
		for i := range tuvaCodes {
			out = append(out, fmt.Sprintf(format, i+1))
		}
		return strings.Join(out, ", ")
	}
	return strings.NewReplacer(
		"$version", TuvaVersion,
		"$diagnoses", numbered("d.codes[%[1]d] as diagnosis_code_%[1]d"),
		"$present", numbered("d.present[%[1]d] as diagnosis_poa_%[1]d"),
		"$procedures", numbered("p.codes[%[1]d] as procedure_code_%[1]d"),
		"$dates", numbered("p.dates[%[1]d] as procedure_date_%[1]d"),
	).Replace(tuvaClaims)
}

const tuvaClaims = `-- The columns of Tuva's input layer medical_claim, version $version, with a row for each line.
-- What AB2D does not deliver is NULL.
create or replace view tuva_medical_claim as
with d as ( -- the principal diagnosis first; not those for which the patient came or was admitted
    select claim_id, last_updated, list(code order by principal desc, sequence) as codes, list(present_on_admission order by principal desc, sequence) as present,
        any_value(case when system like '%icd-9%' then 'icd-9-cm' else 'icd-10-cm' end) as kind
    from (select *, coalesce(list_contains(types, 'principal'), false) as principal from diagnoses)
    where principal or not coalesce(list_has_any(types, ['admitting', 'reason-for-visit', 'patientreasonforvisit', 'external', 'external-first', 'externalcauseofinjury']), false)
    group by all),
p as (
    select claim_id, last_updated, list(code order by sequence) as codes, list(date order by sequence) as dates,
        any_value(case when lower(system) like '%icd%9%' then 'icd-9-pcs' else 'icd-10-pcs' end) as kind
    from procedures group by all),
attending as (select claim_id, last_updated, min_by(npi, sequence) as npi from care_team where role = 'attending' group by all),
rendering as (
    select l.claim_id, l.last_updated, l.line, min_by(t.npi, t.sequence) as npi
    from (select claim_id, last_updated, line, unnest(care_team) as sequence from lines) l
    join care_team t on t.claim_id = l.claim_id and t.last_updated = l.last_updated and t.sequence = l.sequence
    where t.role in ('performing', 'rendering', 'primary')
    group by all)
select c.claim_id, cast(row_number() over (partition by c.claim_id order by l.line) as integer) as claim_line_number,
    case when c.claim_type in ('CARRIER', 'DME') then 'professional' else 'institutional' end as claim_type,
    c.patient_id as person_id, c.mbi as member_id, 'medicare' as payer, 'medicare' as plan,
    c.service_start as claim_start_date, c.service_end as claim_end_date, l.service_start as claim_line_start_date, l.service_end as claim_line_end_date,
    null::date as admission_date, null::date as discharge_date,
    null::varchar as admit_source_code, null::varchar as admit_type_code, null::varchar as discharge_disposition_code,
    l.place_of_service as place_of_service_code, null::varchar as bill_type_code,
    case when c.drg is not null then 'ms-drg' end as drg_code_type, c.drg as drg_code, null::varchar as revenue_center_code,
    l.quantity as service_unit_quantity, l.hcpcs as hcpcs_code,
    null::varchar as hcpcs_modifier_1, null::varchar as hcpcs_modifier_2, null::varchar as hcpcs_modifier_3, null::varchar as hcpcs_modifier_4, null::varchar as hcpcs_modifier_5,
    coalesce(r.npi, a.npi) as rendering_npi, null::varchar as rendering_tin, c.provider_npi as billing_npi, null::varchar as billing_tin,
    case when c.claim_type in ('CARRIER', 'DME') then c.facility_npi else coalesce(c.facility_npi, c.organization_npi) end as facility_npi,
    null::date as paid_date, null::double as paid_amount, null::double as allowed_amount, null::double as charge_amount,
    null::double as coinsurance_amount, null::double as copayment_amount, null::double as deductible_amount, null::double as total_cost_amount,
    d.kind as diagnosis_code_type,
    $diagnoses,
    $present,
    p.kind as procedure_code_type,
    $procedures,
    $dates,
    null::integer as in_network_flag, 'ab2d' as data_source, c.source_file as file_name, null::date as file_date, null::timestamp as ingest_datetime
from claims c
left join lines l on l.claim_id = c.claim_id and l.last_updated = c.last_updated
left join d on d.claim_id = c.claim_id and d.last_updated = c.last_updated
left join p on p.claim_id = c.claim_id and p.last_updated = c.last_updated
left join attending a on a.claim_id = c.claim_id and a.last_updated = c.last_updated
left join rendering r on r.claim_id = l.claim_id and r.last_updated = l.last_updated and r.line is not distinct from l.line;`
