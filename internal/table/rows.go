package table

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// rows are the rows of one claim.
type rows struct {
	claim      Claim
	lines      []Line
	diagnoses  []Diagnosis
	procedures []Procedure
	careTeam   []CareTeamMember
}

// of makes the rows of a claim. The slices of a call before are used again.
func (r *rows) of(e *eob) error {
	updated, err := moment(e.Meta.LastUpdated)
	if err != nil {
		return fmt.Errorf("meta.lastUpdated: %w", err)
	}
	patient := strings.TrimPrefix(e.Patient.Reference, "Patient/")
	if err := r.head(e, updated, patient); err != nil {
		return err
	}
	r.lines, r.diagnoses, r.procedures, r.careTeam = r.lines[:0], r.diagnoses[:0], r.procedures[:0], r.careTeam[:0]
	for i := range e.Item {
		line, err := e.Item[i].row()
		if err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
		line.ClaimID, line.LastUpdated, line.PatientID = e.ID, updated, patient
		r.lines = append(r.lines, line)
	}
	for i := range e.Diagnosis {
		if d := &e.Diagnosis[i]; len(d.Concept.Coding) > 0 { // else it is the DRG
			row := d.row()
			row.ClaimID, row.LastUpdated, row.PatientID = e.ID, updated, patient
			r.diagnoses = append(r.diagnoses, row)
		}
	}
	for i := range e.Procedure {
		row, err := e.Procedure[i].row()
		if err != nil {
			return fmt.Errorf("procedure %d: %w", i+1, err)
		}
		row.ClaimID, row.LastUpdated, row.PatientID = e.ID, updated, patient
		r.procedures = append(r.procedures, row)
	}
	for i := range e.CareTeam {
		row, err := e.CareTeam[i].row()
		if err != nil {
			return fmt.Errorf("careTeam %d: %w", i+1, err)
		}
		row.ClaimID, row.LastUpdated, row.PatientID = e.ID, updated, patient
		r.careTeam = append(r.careTeam, row)
	}
	if e.Type.v3() {
		return r.v3(e)
	}
	return nil
}

// contractFile is the name that AB2D gives a file: that of the contract, and a number.
var contractFile = regexp.MustCompile(`^([A-Z][0-9]{4})_[0-9]+\.`)

// from sets where the claim was read.
func (r *rows) from(at place) {
	name := filepath.Base(at.path)
	if m := contractFile.FindStringSubmatch(name); m != nil {
		r.claim.Contract = m[1]
	}
	r.claim.SourceFile = filepath.Base(filepath.Dir(at.path)) + "/" + name
	r.claim.SourceLine = &at.line
}

// head is the row of the claim itself.
func (r *rows) head(e *eob, updated *int64, patient string) (err error) {
	r.claim = Claim{
		ClaimID: e.ID, LastUpdated: updated, Status: e.Status, PatientID: patient,
		ClaimType: e.Type.kind(), NCHClaimType: e.Type.code("nch_clm_type_cd"), Class: e.Type.code("claim-type", "ex-claimtype"),
		NearLine: e.Type.code("nch_near_line_rec_ident_cd"), ServiceClass: e.Type.code("clm_srvc_clsfctn_type_cd"),
		QueryCode: find(e.Billable.Extension, "claim_query_cd").text(), ProviderNumber: e.Provider.Identifier.Value,
		OrganizationNPI: e.Org.Identifier.Value, Organization: e.Org.Display,
		FacilityNPI: e.Facility.Identifier.Value, Facility: e.Facility.Display, FacilityType: find(e.Facility.Extension, "clm_fac_type_cd").text(),
	}
	c := &r.claim
	for _, i := range e.Identifier {
		switch last(i.System) {
		case "clm_id":
			c.ClmID = i.Value
		case "claim-group":
			c.ClaimGroup = i.Value
		}
	}
	if len(e.SubType) > 0 {
		c.SubType = e.SubType[0].first().Code
	}
	for _, i := range e.Info {
		if drg := i.Code.code("clm_drg_cd"); drg != "" {
			c.DRG = drg
		}
	}
	for _, d := range e.Diagnosis {
		if drg := d.Package.code("clm_drg_cd"); drg != "" {
			c.DRG = drg
		}
	}
	c.identify(e.Extension)
	if c.Start, err = day(e.Billable.Start); err != nil {
		return fmt.Errorf("billablePeriod.start: %w", err)
	}
	if c.End, err = day(e.Billable.End); err != nil {
		return fmt.Errorf("billablePeriod.end: %w", err)
	}
	return fill(c, e.Extension)
}

// identify reads the enrollee's MBIs.
func (c *Claim) identify(list []extension) {
	var historic []string
	for i := range list {
		id := &list[i].Identifier
		if last(id.System) != "us-mbi" || id.Value == "" {
			continue
		}
		if find(id.Extension, "identifier-currency").text() == "historic" || c.MBI != "" {
			historic = append(historic, id.Value)
		} else {
			c.MBI = id.Value
		}
	}
	c.HistoricMBIs = historic
}

func (i *item) row() (Line, error) {
	service := i.Service
	if len(service.Coding) == 0 {
		service = i.Service3
	}
	hcpcs := service.hcpcs()
	l := Line{Line: i.Sequence, HCPCS: hcpcs.Code, HCPCSYear: hcpcs.Version, State: i.Address.State, Unit: i.Quantity.Unit,
		Place:    i.Location.code("line_place_of_srvc_cd", "Place_of_Service_Code_Set"),
		CareTeam: numbers(i.CareTeam, i.CareTeam3), Diagnoses: numbers(i.Diagnosis, i.Diagnosis3), Procedures: numbers(i.Procedure, i.Procedure3)}
	for _, list := range [][]extension{service.Extension, i.Extension} {
		for _, name := range []string{"ndc", "rev_cntr_ide_ndc_upc_num"} {
			if code := find(list, name).text(); code != "" {
				l.NDC = code
			}
		}
	}
	if l.NDC == "" {
		l.NDC = i.drugs(service)
	}
	var err error
	if l.Start, err = day(i.Period.Start + i.Date); err != nil {
		return l, fmt.Errorf("the day of service: %w", err)
	}
	if l.End, err = day(i.Period.End + i.Date); err != nil {
		return l, fmt.Errorf("the day of service: %w", err)
	}
	if l.Quantity, err = float(string(i.Quantity.Value)); err != nil {
		return l, fmt.Errorf("quantity: %w", err)
	}
	for _, list := range [][]extension{i.Extension, i.Location.Extension, service.Extension} {
		if err := fill(&l, list); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (d *diagnosis) row() Diagnosis {
	c := d.Concept.first()
	row := Diagnosis{Sequence: d.Sequence, System: c.System, Code: c.Code, Display: c.Display, Types: codes(d.Type), OnAdmission: d.OnAdmission.first().Code}
	for i := range d.Extension {
		if name := last(d.Extension[i].URL); strings.HasPrefix(name, "clm_poa_ind_sw") || strings.HasPrefix(name, "clm_e_poa_ind_sw") {
			row.OnAdmission = d.Extension[i].text()
		}
	}
	return row
}

func (p *procedure) row() (Procedure, error) {
	c := p.Concept.first()
	date, err := day(p.Date)
	if err != nil {
		return Procedure{}, fmt.Errorf("date: %w", err)
	}
	return Procedure{Sequence: p.Sequence, Date: date, System: c.System, Code: c.Code, Display: c.Display, Types: codes(p.Type)}, nil
}

func (t *careTeam) row() (CareTeamMember, error) {
	id := t.Provider.Identifier
	row := CareTeamMember{Sequence: t.Sequence, Name: t.Provider.Display, Role: t.Role.first().Code, Responsible: t.Responsible,
		Specialty: t.Qualification.first().Code, OrganizationNPI: find(t.Extension, "us-npi").text()}
	if kind := id.Type.first().Code; kind == "npi" || kind == "NPI" || kind == "" && last(id.System) == "us-npi" {
		row.NPI = id.Value
	} else {
		row.Other = id.Value
	}
	return row, fill(&row, t.Extension)
}

// variables are, by type of row, the fields that extensions fill by themselves.
var variables = map[reflect.Type]map[string]int{
	reflect.TypeFor[Claim]():          fields(reflect.TypeFor[Claim]()),
	reflect.TypeFor[Line]():           fields(reflect.TypeFor[Line]()),
	reflect.TypeFor[CareTeamMember](): fields(reflect.TypeFor[CareTeamMember]()),
}

func fields(t reflect.Type) map[string]int {
	out := map[string]int{}
	for i := range t.NumField() {
		if v := t.Field(i).Tag.Get("variable"); v != "" {
			out[v] = i
		}
	}
	return out
}

// fill sets the fields of a row that have a variable of their own. Where an
// extension is written twice, the first one counts.
func fill(row any, list []extension) error {
	v := reflect.ValueOf(row).Elem()
	byName := variables[v.Type()]
	for i := range list {
		e := &list[i]
		n, ok := byName[last(e.URL)]
		if !ok || !v.Field(n).IsZero() {
			continue
		}
		var err error
		switch f := v.Field(n).Addr().Interface().(type) {
		case *string:
			*f = e.text()
		case **int64:
			*f, err = cents(e.number())
		case **float64:
			*f, err = float(e.number())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", last(e.URL), err)
		}
	}
	return nil
}

// codes are the codes of concepts.
func codes(list []concept) (out []string) {
	for _, c := range list {
		if code := c.first().Code; code != "" {
			out = append(out, code)
		}
	}
	return out
}

// numbers are those of one of two lists; nil where both are empty.
func numbers(a, b []int32) []int32 {
	if len(a) > 0 {
		return a
	}
	if len(b) > 0 {
		return b
	}
	return nil
}

// moment reads a FHIR instant.
func moment(s string) (*int64, error) {
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, errors.New("it is not an instant")
	}
	n := t.UnixMicro()
	return &n, nil
}

// day reads the day of a FHIR date or dateTime, as it is written. One that is
// not known to the day is null.
func day(s string) (*int32, error) {
	if len(s) < len(time.DateOnly) {
		return nil, nil
	}
	t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	if err != nil {
		return nil, errors.New("it is not a date")
	}
	n := int32(t.Unix() / (24 * 60 * 60))
	return &n, nil
}

// cents reads an amount. More than two decimals are rounded.
func cents(s string) (*int64, error) {
	if s == "" {
		return nil, nil
	}
	if strings.ContainsAny(s, "eE") { // seldom, and a big.Rat of 1e999999999 is very big
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.Abs(f) > 1<<50 {
			return nil, errors.New("it is not an amount")
		}
		n := int64(math.Round(f * 100))
		return &n, nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, errors.New("it is not an amount")
	}
	n, err := strconv.ParseInt(strings.Replace(r.FloatString(2), ".", "", 1), 10, 64)
	if err != nil {
		return nil, errors.New("it is too large an amount")
	}
	return &n, nil
}

func float(s string) (*float64, error) {
	if s == "" {
		return nil, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, errors.New("it is not a number")
	}
	return &n, nil
}
