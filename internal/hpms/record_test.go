package hpms

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"ab2d/internal/coverage"
)

// TestReadOrganizations: what can be used is read, and each record that cannot is
// reported with its place, while the rest goes on.
func TestReadOrganizations(t *testing.T) {
	list, faults, err := ReadOrganizations([]byte(` [
		{"parentOrgName":"Acme","parentOrgId":5,"contractId":"S0001","contractName":"x","orgMarketingName":"y","new":{"field":[1]}},
		{"parentOrgName":null,"contractId":"S0002","orgMarketingName":" Beta\u00a0 Plans "},
		{"contractId":"E0003","contractName":"Gamma"},
		{"parentOrgName":"No contract"}, {"contractId":"s1","parentOrgName":"x"}, {"contractId":7,"parentOrgName":"x"},
		null, "text", 3, [], {"contractId":"S0004"}, {"contractId":"S0005","parentOrgName":"a\u001bb"},
		{"contractId":"S0006","parentOrgName":"` + strings.Repeat("x", mostName+1) + `"},
		{"contractId":"S0007","parentOrgName":"` + strings.Repeat(" ", mostRecord) + `"},
		{"contractId":"S0008","parentOrgName":"Last"} ] `))
	if err != nil {
		t.Fatal(err)
	}
	want := []Organization{{"S0001", "Acme"}, {"S0002", "Beta Plans"}, {"E0003", "Gamma"}, {"S0008", "Last"}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.Contract+" "+f.String())
	}
	wantFaults := []string{
		" organization 4: contractId is missing",
		` organization 5: contractId "s1" is not a capital letter and four digits, for example S1234`,
		" organization 6: contractId is a number, want a string",
		" organization 7: contractId is missing",
		" organization 8: the record is not a JSON object", " organization 9: the record is not a JSON object", " organization 10: the record is not a JSON object",
		"S0004 organization 11: contract S0004: parentOrgName, orgMarketingName and contractName are empty",
		"S0005 organization 12: contract S0005: the name of the organization has characters that cannot be printed",
		"S0006 organization 13: contract S0006: the name of the organization is longer than 400 bytes",
		" organization 14: the record is longer than 65536 bytes",
	}
	if diff := cmp.Diff(wantFaults, got); diff != "" {
		t.Errorf("faults (-want +got)\n%s", diff)
	}
}

// TestReadStatuses: as TestReadOrganizations, of several lists one after another.
func TestReadStatuses(t *testing.T) {
	list, faults, err := ReadStatuses([]byte(`[{"contractId":"S0001","attested":true,"attestationDate":"2020-01-31 14:57:34","endDate":null}]
		[{"contractId":"S0002","attested":false,"attestationDate":"rubbish that does not matter"}][]
		[{"contractId":"S0003","attested":true,"attestationDate":"2020-02-29 9:5:3","endDate":"2025-12-31 23:59:59"},
		{"contractId":"S0004","attested":true,"attestationDate":"2021-06-01","endDate":" "},
		{"contractId":"S0005"},{"contractId":"S0006","attested":"yes"},{"contractId":"S0007","attested":true},
		{"contractId":"S0008","attested":true,"attestationDate":"2021-02-29 01:00:00"},{"contractId":"S0009","attested":true,"attestationDate":"03/01/2020"},
		{"contractId":"S0010","attested":false,"endDate":"soon"},{"contractId":"S0011","attested":null}]`))
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) coverage.Date {
		d, err := coverage.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := []Status{
		{Contract: "S0001", Attested: true, Day: day("2020-01-31")}, {Contract: "S0002"},
		{Contract: "S0003", Attested: true, Day: day("2020-02-29"), End: day("2025-12-31"), HasEnd: true},
		{Contract: "S0004", Attested: true, Day: day("2021-06-01")},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantFaults := []Fault{
		{"status 5", "S0005", "contract S0005: attested is missing"},
		{"status 6", "S0006", "attested is a string, want a bool"},
		{"status 7", "S0007", "contract S0007: attestationDate is missing"},
		{"status 8", "S0008", `contract S0008: attestationDate "2021-02-29 01:00:00" is not of the form YYYY-MM-DD HH:MM:SS`},
		{"status 9", "S0009", `contract S0009: attestationDate "03/01/2020" is not of the form YYYY-MM-DD HH:MM:SS`},
		{"status 10", "S0010", `contract S0010: endDate "soon" is not of the form YYYY-MM-DD HH:MM:SS`},
		{"status 11", "S0011", "contract S0011: attested is missing"},
	}
	if diff := cmp.Diff(wantFaults, faults); diff != "" {
		t.Errorf("faults (-want +got)\n%s", diff)
	}
}

// TestReadLists: an answer that is no list, or no whole one, is an error.
func TestReadLists(t *testing.T) {
	many := "[" + strings.Repeat("0,", mostRecords) + "0]"
	for source, want := range map[string]string{
		"": "not a list", "null": "not a list", "<html>": "not a list", `{"error":"x"}`: "not a list", "]": "not a list", "\xff": "not a list",
		"[": "ends in the middle", `[{"contractId":"S0001"`: "ends in the middle", `[{},`: "ends in the middle", "[{}": "ends in the middle", `[{"a":"` + "\n": "record 1: it is not JSON",
		"[{}}": "record 2: it is not JSON", "[{} {}]": "record 2: it is not JSON", "[{}] x": "not a list", "[{}] []": "something follows", many: "more than 100000 records",
		"[" + strings.Repeat("[", 20_000): "record 1: it is not JSON",
	} {
		_, _, err := ReadOrganizations([]byte(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", source, err, want)
		}
		if cut := want == "ends in the middle"; errors.Is(err, ErrCut) != cut {
			t.Errorf("%.20q: %v is ErrCut: %t, want %t", source, err, !cut, cut)
		}
	}
}

// FuzzReadRecords: whatever HPMS answers, nothing panics, each record is read or is a
// fault, and what is read can be stored.
func FuzzReadRecords(f *testing.F) {
	for _, seed := range []string{`[{"contractId":"S0001","attested":true,"attestationDate":"2020-01-31 14:57:34","parentOrgName":"Acme"}]`, `[{}][]`, `[null,1,"x"]`, `[{"contractId":"S0001","attested":tr`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		orgs, orgFaults, err := ReadOrganizations(b)
		statuses, statusFaults, statusErr := ReadStatuses(b)
		if err == nil && (statusErr != nil || len(orgs)+len(orgFaults) != len(statuses)+len(statusFaults)) {
			t.Fatalf("%d and %d organizations, but %d and %d statuses, %v", len(orgs), len(orgFaults), len(statuses), len(statusFaults), statusErr)
		}
		builder := newBuilder("fuzz")
		builder.organizations(b, orgs, orgFaults)
		builder.add(b, statuses, statusFaults)
		a := builder.finish(20_000)
		for i, c := range a.Contracts {
			if !coverage.ValidContractNumber(c.Number) || c.Sponsor == "" || len(c.Sponsor) > mostName || c.Statement.Attested && c.Statement.Day > 20_000 {
				t.Fatalf("%+v", c)
			}
			if i > 0 && a.Contracts[i-1].Number >= c.Number {
				t.Fatalf("%s after %s", c.Number, a.Contracts[i-1].Number)
			}
		}
		if a.Rejected < len(a.Faults) || len(a.Faults) > mostFaults {
			t.Fatal(fmt.Sprint(a.Rejected, len(a.Faults)))
		}
	})
}

// FuzzParseToken: whatever HPMS answers, nothing panics, a token can be sent in a header,
// and is asked for again before it ends.
func FuzzParseToken(f *testing.F) {
	now := time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)
	for _, seed := range []string{`{"accessToken":"abc","expires":3600}`, `{"accessToken":"a\nb"}`, `{"accessToken":"abc","expires":9223372036854775807}`, `{"expires":-1}`, `[]`, `<html>`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseToken(b, now)
		if err != nil {
			return
		}
		if got.value == "" || !httpguts.ValidHeaderFieldValue(got.value) || !got.until.IsZero() && (!got.until.After(now) || got.until.After(now.Add(24*time.Hour))) {
			t.Fatalf("%+v", got)
		}
	})
}
