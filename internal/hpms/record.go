package hpms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"ab2d/internal/coverage"
)

// The bounds of an answer. There are fewer than a thousand contracts.
const (
	mostRecords = 100_000  // of an answer, or of all saved answers in a file
	mostRecord  = 64 << 10 // bytes of a record
	mostName    = 400      // bytes of the name of an organization, as in a file of contracts
)

// Organization is a record of the answer of /orgs/info: the organization of a contract.
type Organization struct {
	Contract string
	Name     string // of the parent organization; of the organization if that is empty
}

// Status is a record of the answer of /contracts/status.
type Status struct {
	Contract string
	Attested bool
	Day      coverage.Date // of the attestation, US Eastern; without meaning if it is not attested
	End      coverage.Date // of the contract
	HasEnd   bool
}

// Fault says why a record was rejected.
type Fault struct {
	Place    string // of the record, for example "organization 3": they are counted from 1
	Contract string // that the record is about; empty if that cannot be read
	Reason   string
}

// String is the fault in one line.
func (f Fault) String() string { return f.Place + ": " + f.Reason }

// ErrCut says that an answer ends in the middle.
var ErrCut = errors.New("it ends in the middle of the list")

// ErrNotList says that an answer is no list in JSON: the page of a gateway, for example.
var ErrNotList = errors.New("it is not a list in JSON")

// ReadOrganizations reads an answer of /orgs/info: a list in JSON. A record that cannot
// be used is a fault. The error says that the list itself cannot be read to its end.
func ReadOrganizations(b []byte) (list []Organization, faults []Fault, err error) {
	err = readLists(b, false, func(n int, raw []byte) {
		o, err := parseOrganization(raw)
		if err != nil {
			faults = append(faults, Fault{fmt.Sprintf("organization %d", n), o.Contract, err.Error()})
			return
		}
		list = append(list, o)
	})
	return list, faults, err
}

// ReadStatuses reads answers of /contracts/status: a list in JSON, or several one after
// another. Faults and the error are as those of ReadOrganizations.
func ReadStatuses(b []byte) (list []Status, faults []Fault, err error) {
	err = readLists(b, true, func(n int, raw []byte) {
		s, err := parseStatus(raw)
		if err != nil {
			faults = append(faults, Fault{fmt.Sprintf("status %d", n), s.Contract, err.Error()})
			return
		}
		list = append(list, s)
	})
	return list, faults, err
}

// readLists calls see with the records of a list, counted from 1; with many of one or
// more lists.
func readLists(b []byte, many bool, see func(n int, raw []byte)) error {
	d := json.NewDecoder(bytes.NewReader(b))
	n := 0
	for lists := 0; ; lists++ {
		switch t, err := d.Token(); {
		case errors.Is(err, io.EOF) && lists > 0:
			return nil
		case err != nil || t != json.Delim('['):
			return ErrNotList
		case lists > 0 && !many:
			return errors.New("something follows the list")
		}
		for d.More() {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return listError(err, n+1)
			}
			if n++; n > mostRecords {
				return fmt.Errorf("it has more than %d records", mostRecords)
			}
			see(n, raw)
		}
		if _, err := d.Token(); err != nil {
			return listError(err, n+1)
		}
	}
}

// listError is what went wrong at a record. The text of the decoder is not repeated: it
// quotes the answer.
func listError(err error, n int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return fmt.Errorf("record %d: %w", n, errNotJSON)
}

var errNotJSON = errors.New("it is not JSON, and nothing after it can be found")

// parseOrganization reads a record. With an error it gives the contract if it can. Fields that are not named here do not matter.
func parseOrganization(raw []byte) (Organization, error) {
	var r struct {
		ContractID       string `json:"contractId"`
		ContractName     string `json:"contractName"`
		ParentOrgName    string `json:"parentOrgName"`
		OrgMarketingName string `json:"orgMarketingName"`
	}
	if err := parseRecord(raw, &r); err != nil {
		return Organization{Contract: readable(r.ContractID)}, err
	}
	if err := validContract(r.ContractID); err != nil {
		return Organization{}, err
	}
	o := Organization{Contract: r.ContractID}
	for _, name := range []string{r.ParentOrgName, r.OrgMarketingName, r.ContractName} {
		if o.Name = strings.Join(strings.Fields(name), " "); o.Name != "" {
			break
		}
	}
	switch {
	case o.Name == "":
		return o, fmt.Errorf("contract %s: parentOrgName, orgMarketingName and contractName are empty", o.Contract)
	case len(o.Name) > mostName:
		return o, fmt.Errorf("contract %s: the name of the organization is longer than %d bytes", o.Contract, mostName)
	case strings.ContainsFunc(o.Name, func(c rune) bool { return !unicode.IsPrint(c) }):
		return o, fmt.Errorf("contract %s: the name of the organization has characters that cannot be printed", o.Contract)
	}
	return o, nil
}

// parseStatus reads a record. With an error it gives the contract if it can. Fields that are not named here do not matter.
func parseStatus(raw []byte) (Status, error) {
	var r struct {
		ContractID      string `json:"contractId"`
		Attested        *bool  `json:"attested"`
		AttestationDate string `json:"attestationDate"`
		EndDate         string `json:"endDate"`
	}
	if err := parseRecord(raw, &r); err != nil {
		return Status{Contract: readable(r.ContractID)}, err
	}
	if err := validContract(r.ContractID); err != nil {
		return Status{}, err
	}
	s := Status{Contract: r.ContractID}
	if r.Attested == nil {
		return s, fmt.Errorf("contract %s: attested is missing", s.Contract)
	}
	var err error
	if s.Attested = *r.Attested; s.Attested {
		if s.Day, err = parseDay("attestationDate", r.AttestationDate); err != nil {
			return s, fmt.Errorf("contract %s: %w", s.Contract, err)
		}
	}
	if strings.TrimSpace(r.EndDate) != "" {
		if s.End, err = parseDay("endDate", r.EndDate); err != nil {
			return s, fmt.Errorf("contract %s: %w", s.Contract, err)
		}
		s.HasEnd = true
	}
	return s, nil
}

// parseRecord reads a record into a struct.
func parseRecord(raw []byte, to any) error {
	if len(raw) > mostRecord {
		return fmt.Errorf("the record is longer than %d bytes", mostRecord)
	}
	err := json.Unmarshal(raw, to)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		kind, _, _ := strings.Cut(wrong.Value, " ") // what follows is the value itself
		return fmt.Errorf("%s is a %s, want a %s", wrong.Field, kind, wrong.Type)
	}
	return errors.New("the record is not a JSON object")
}

// readable is the contract of a record that has another field which cannot be read; empty
// if it is none.
func readable(number string) string {
	if !coverage.ValidContractNumber(number) {
		return ""
	}
	return number
}

// validContract checks the number of a contract.
func validContract(number string) error {
	switch {
	case number == "":
		return errors.New("contractId is missing")
	case !coverage.ValidContractNumber(number):
		return fmt.Errorf("contractId %.40q is not a capital letter and four digits, for example S1234", number)
	}
	return nil
}

// parseDay reads the day of a time as HPMS writes it: "2020-03-01 9:05:00", US Eastern. The
// time of the day does not matter, because attestations count by whole days.
func parseDay(field, s string) (coverage.Date, error) {
	if s == "" {
		return 0, fmt.Errorf("%s is missing", field)
	}
	for _, layout := range []string{"2006-01-02 15:4:5", time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return coverage.DateOf(t.Date()), nil
		}
	}
	return 0, fmt.Errorf("%s %.40q is not of the form YYYY-MM-DD HH:MM:SS", field, s)
}
