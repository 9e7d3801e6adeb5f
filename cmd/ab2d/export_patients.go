package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"ab2d/client"
)

// maxPatientsFile bounds a file of patients, in bytes.
const maxPatientsFile = 1 << 20

// patientLine is a line of it: a number, possibly written as a FHIR reference.
var patientLine = regexp.MustCompile(`^(?:Patient/)?(-?[0-9]{1,19})$`)

// readPatients reads a file of patients: one number per line. Blank lines and lines
// that begin with # are left out. An error names lines, and no patients.
func readPatients(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPatientsFile {
		return nil, fmt.Errorf("%s has more than %d bytes; split it into files of up to %d patients", path, maxPatientsFile, client.MaxPatients)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var patients []string
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		m := patientLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d of %s is not the number of a patient. Write one per line, as claims have it in patient.reference, for example Patient/-10000010254618", n, path)
		}
		if !seen[m[1]] {
			seen[m[1]] = true
			patients = append(patients, m[1])
		}
	}
	switch {
	case len(patients) == 0:
		return nil, fmt.Errorf("%s has no patients", path)
	case len(patients) > client.MaxPatients:
		return nil, fmt.Errorf("%s has %d patients, and one export can have %d: split it into several files", path, len(patients), client.MaxPatients)
	}
	return patients, nil
}
