package hpms

import (
	"context"
	"fmt"
	"io"

	"ab2d/internal/coverage"
)

// mostFile is how many bytes a file of answers may have.
const mostFile = 64 << 20

// Files are answers of HPMS that were saved to files.
type Files struct {
	Name          string    // for people
	Organizations io.Reader // an answer of /orgs/info
	Statuses      io.Reader // answers of /contracts/status, one after another; nil: there are none
}

// Read reads the files to their ends.
func (f *Files) Read(_ context.Context, today coverage.Date) (Answer, error) {
	b := newBuilder(f.Name)
	body, err := readFile(f.Organizations)
	if err != nil {
		return Answer{}, fmt.Errorf("organizations: %w", err)
	}
	orgs, faults, err := ReadOrganizations(body)
	if err != nil {
		return Answer{}, fmt.Errorf("organizations: %w", err)
	}
	b.organizations(body, orgs, faults)
	if f.Statuses == nil {
		return b.finish(today), nil
	}
	if body, err = readFile(f.Statuses); err != nil {
		return Answer{}, fmt.Errorf("statuses: %w", err)
	}
	statuses, faults, err := ReadStatuses(body)
	if err != nil {
		return Answer{}, fmt.Errorf("statuses: %w", err)
	}
	b.add(body, statuses, faults)
	return b.finish(today), nil
}

func readFile(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(b) > mostFile {
		return nil, fmt.Errorf("the file is longer than %d bytes", mostFile)
	}
	return b, nil
}
