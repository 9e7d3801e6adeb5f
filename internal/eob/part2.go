package eob

import (
	"bytes"
	_ "embed" // for part2.csv
	"encoding/csv"
	"fmt"
	"time"

	"ab2d/internal/coverage"
)

// Claims of substance-use treatment (42 CFR Part 2) must not be shared. Three
// things decide, and each of them is enough:
//
//   - part2.csv: the codes that CMS's own server withholds, each with the days
//     between which it counts, compared with the claim's through date. Numbers
//     only; the four CPT codes have no descriptions here.
//   - The families below: where the list has every code of a family, the family
//     stands here too, so that a new code of it counts at once. They go beyond
//     the list, and docs/compatibility.md declares each.
//   - The label 42CFRPart2 in meta.security or meta.tag.
//
// Codes are compared without dots, spaces and case, under whatever code system
// they stand.

//go:embed part2.csv
var part2List []byte

// diagnosisFamilies are the beginnings of diagnosis codes. ICD-10-CM: alcohol,
// opioids, cannabis, sedatives, cocaine, other stimulants, hallucinogens,
// inhalants, other psychoactive substances, non-psychoactive substances;
// findings in blood; counseling. F17, nicotine, is not one of them. ICD-9-CM:
// alcohol- and drug-induced mental disorders, dependence and abuse. Codes of
// ICD-9 are numbers and those of ICD-10 begin with a letter, so that neither is
// taken for the other.
var diagnosisFamilies = []string{
	"F10", "F11", "F12", "F13", "F14", "F15", "F16", "F18", "F19", "F55",
	"R780", "R781", "R782", "R783", "R784", "R785", "R786",
	"Z7141", "Z7142", "Z7151", "Z7152",
	"291", "292", "303", "304", "305",
}

// tobaccoUse is the one ICD-9-CM code of family 305 that does not count.
const tobaccoUse = "3051"

// procedureFamilies are the section of substance-abuse treatment in ICD-10-PCS,
// and alcohol and drug rehabilitation and detoxification in ICD-9.
var procedureFamilies = []string{"HZ", "946"}

// moreDRGs and moreServices are codes of the same services that the list does
// not have: DRG 894 (left against medical advice), and HCPCS codes of
// treatment programs and of buprenorphine.
var (
	moreDRGs     = []string{"894"}
	moreServices = []string{"H0001", "H0003", "H0016", "H0022", "J0571", "J0572", "J0573", "J0574", "J0575", "J0577", "J0578"}
)

// dayRange is the days between which a code counts, both included.
type dayRange struct{ first, last coverage.Date }

// always is the range of a code that counts on every day.
var always = dayRange{-1 << 31, 1<<31 - 1}

// part2Codes are the codes of substance use, by kind.
type part2Codes struct {
	diagnoses, procedures, services, drgs map[string]dayRange
}

// newPart2Codes parses the list. It is checked by a test, so that it parses
// always.
func newPart2Codes() *part2Codes {
	p := &part2Codes{diagnoses: map[string]dayRange{}, procedures: map[string]dayRange{}, services: map[string]dayRange{}, drgs: map[string]dayRange{}}
	if err := p.parse(part2List); err != nil {
		panic(err)
	}
	for _, code := range moreDRGs {
		p.drgs[code] = always
	}
	for _, code := range moreServices {
		p.services[code] = always
	}
	return p
}

func (p *part2Codes) parse(list []byte) error {
	rows, err := csv.NewReader(bytes.NewReader(list)).ReadAll()
	if err != nil {
		return fmt.Errorf("parse part2.csv: %w", err)
	}
	kinds := map[string]map[string]dayRange{"diagnosis": p.diagnoses, "procedure": p.procedures, "service": p.services, "drg": p.drgs}
	for _, row := range rows[1:] {
		codes, days := kinds[row[0]], always
		if codes == nil {
			return fmt.Errorf("parse part2.csv: no kind %q", row[0])
		}
		for i, day := range []*coverage.Date{&days.first, &days.last} {
			if row[2+i] == "" {
				continue
			}
			t, err := time.Parse(time.DateOnly, row[2+i])
			if err != nil {
				return fmt.Errorf("parse part2.csv: code %s: %w", row[1], err)
			}
			*day = coverage.DateOf(t.Date())
		}
		codes[row[1]] = days
	}
	return nil
}

// codeSpace is room for a code without dots; longer ones are of no list.
type codeSpace [16]byte

// bare gives a code in capitals, without dots and blanks; nil if it is too long
// to be one.
func (s *codeSpace) bare(code []byte) []byte {
	b := s[:0]
	for _, c := range code {
		switch {
		case c == '.' || c <= ' ':
			continue
		case len(b) == len(s):
			return nil
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// diagnosis tells whether a diagnosis is one of substance use, and when.
func (p *part2Codes) diagnosis(code []byte) (dayRange, bool) {
	var space codeSpace
	b := space.bare(code)
	if begins(b, diagnosisFamilies) && string(b) != tobaccoUse {
		return always, true
	}
	days, found := p.diagnoses[string(b)]
	return days, found
}

func (p *part2Codes) procedure(code []byte) (dayRange, bool) {
	var space codeSpace
	b := space.bare(code)
	if begins(b, procedureFamilies) {
		return always, true
	}
	days, found := p.procedures[string(b)]
	return days, found
}

func (p *part2Codes) service(code []byte) (dayRange, bool) {
	var space codeSpace
	days, found := p.services[string(space.bare(code))]
	return days, found
}

// drg reads a group with or without leading zeros or a prefix.
func (p *part2Codes) drg(code []byte) (dayRange, bool) {
	var space codeSpace
	b := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimPrefix(space.bare(code), []byte("MS-")), []byte("DRG")), "0")
	days, found := p.drgs[string(b)]
	return days, found
}

// namesDRG tells whether a code system or a category is one of diagnosis related
// groups: each of them has the letters in its name.
func namesDRG(name []byte) bool {
	const letters = "drg"
	for i := 0; i+len(letters) <= len(name); i++ {
		if name[i]|0x20 == letters[0] && bytes.EqualFold(name[i:i+len(letters)], []byte(letters)) {
			return true
		}
	}
	return false
}

// begins tells whether a code is of one of the families.
func begins(code []byte, families []string) bool {
	for _, f := range families {
		if len(code) >= len(f) && string(code[:len(f)]) == f {
			return true
		}
	}
	return false
}

// maxPeriods is how many codes with days of their own a claim may have. With
// more it counts as one of substance use.
const maxPeriods = 16

// part2Facts are what a claim's codes say of substance use. The through date may
// come after them.
type part2Facts struct {
	certain bool // whatever the through date
	n       int
	periods [maxPeriods]dayRange
}

// note takes what is known of a code.
func (f *part2Facts) note(days dayRange, found bool) {
	switch {
	case !found || f.certain:
	case days == always || f.n == maxPeriods:
		f.certain = true
	default:
		f.periods[f.n] = days
		f.n++
	}
}

// add notes what others say.
func (f *part2Facts) add(o *part2Facts) {
	f.certain = f.certain || o.certain
	for _, days := range o.periods[:o.n] {
		f.note(days, true)
	}
}

// decide tells whether the claim is one of substance use. Without a through date
// every code counts.
func (f *part2Facts) decide(through coverage.Date, known bool) bool {
	if f.certain {
		return true
	}
	for _, days := range f.periods[:f.n] {
		if !known || through >= days.first && through <= days.last {
			return true
		}
	}
	return false
}
