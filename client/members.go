package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoNewMembers says that the folder has every patient whom the server lists.
var ErrNoNewMembers = errors.New("there are no new members")

const (
	// maxMembers bounds the patients that a server may list.
	maxMembers = 20_000_000
	// maxMembersPage bounds a page of them, in bytes.
	maxMembersPage = 16 << 20
	// maxMemberLine bounds a claim that is looked through for its patient.
	maxMemberLine = 64 << 20
)

// Members lists the patients of a server by number, in its order: those whom an
// export of everybody would have. It asks GET Patient, which this server has and
// CMS's AB2D has not. A page that does not come is asked for again.
func (c *Client) Members(ctx context.Context) ([]string, error) {
	u := c.base.JoinPath("Patient")
	u.RawQuery = "_count=10000"
	var members []string
	for pages := 0; ; pages++ {
		var page []string
		var next *url.URL
		err := c.persevere(ctx, pollTries, func() (err error) {
			page, next, err = c.membersPage(ctx, u)
			return err
		}, func(error, time.Duration) {})
		if err != nil {
			return nil, fmt.Errorf("listing the members: %w", err)
		}
		members = append(members, page...)
		if next == nil {
			return members, nil
		}
		if u = next; len(members) > maxMembers || pages > maxPages {
			return nil, errors.New("listing the members: the pages do not end")
		}
	}
}

// membersPage reads one page, and finds the next.
func (c *Client) membersPage(ctx context.Context, u *url.URL) (members []string, next *url.URL, err error) {
	resp, err := c.send(ctx, http.MethodGet, u, header("application/fhir+json"), true)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, c.refusal(resp)
	}
	body, err := readBody(resp, maxMembersPage)
	if err != nil {
		return nil, nil, err
	}
	var bundle struct {
		ResourceType string `json:"resourceType"`
		Link         []struct {
			Relation string `json:"relation"`
			URL      string `json:"url"`
		} `json:"link"`
		Entry []struct {
			Resource struct {
				ResourceType string `json:"resourceType"`
				ID           string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &bundle); err != nil || bundle.ResourceType != "Bundle" {
		return nil, nil, errors.New("the answer is not a FHIR Bundle")
	}
	for _, e := range bundle.Entry {
		if e.Resource.ResourceType == "Patient" && patientNumber.MatchString(e.Resource.ID) {
			members = append(members, e.Resource.ID)
		}
	}
	for _, l := range bundle.Link {
		if l.Relation != "next" {
			continue
		}
		if next, err = c.resolve(l.URL, u); err != nil || !c.own(next) {
			return nil, nil, errors.New("the link to the next page leads to another server, or nowhere")
		}
	}
	return members, next, nil
}

// newMembers are the patients whom the server lists and of whom the folder does not
// have the whole history: no export of everything has a claim of theirs, and none was
// asked for them by number. first is what an export of everything has for its Since.
func (f *Folder) newMembers(ctx context.Context, first time.Time) ([]string, error) {
	if f.state.Since.IsZero() {
		return nil, errors.New("the folder has no export yet: export everything first, which includes new members")
	}
	members, err := f.client.Members(ctx)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, name := range f.Runs() {
		run, err := f.Run(name)
		if err != nil {
			return nil, err
		}
		if err := run.histories(ctx, first, has); err != nil {
			return nil, err
		}
	}
	unknown := members[:0]
	for _, m := range members {
		if !has[m] {
			unknown = append(unknown, m)
		}
	}
	if len(unknown) == 0 {
		return nil, ErrNoNewMembers
	}
	return unknown, nil
}

// histories adds the patients of whom the run has the whole history.
func (r *Run) histories(ctx context.Context, first time.Time, has map[string]bool) error {
	whole := r.Until.IsZero() && len(r.TypeFilter) == 0 && (r.Since.IsZero() || !r.Since.After(first))
	if !whole {
		return nil
	}
	for _, p := range r.Patients {
		has[p] = true
	}
	if len(r.Patients) > 0 {
		return nil
	}
	if r.Removed {
		return r.readPatients(has)
	}
	for _, path := range r.OutputPaths() {
		if err := patientsOf(ctx, path, has); err != nil {
			return fmt.Errorf("looking for patients in %s: %w", path, err)
		}
	}
	return nil
}

// readPatients adds the patients of claims that were removed.
func (r *Run) readPatients(has map[string]bool) error {
	b, err := readLimited(filepath.Join(r.dir, PatientsFile), maxState)
	if err != nil {
		return fmt.Errorf("reading the patients of %s: %w", r.Name, err)
	}
	for patient := range strings.FieldsSeq(string(b)) {
		has[patient] = true
	}
	return nil
}

// patientsOf adds the patients of the claims of a file.
func patientsOf(ctx context.Context, path string, has map[string]bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	var long []byte
	for ctx.Err() == nil {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) && len(long) < maxMemberLine {
			long = append(long, line...)
			continue
		}
		if len(long) > 0 {
			line = append(long, line...)
		}
		long = long[:0]
		if patient := patientOf(line); patient != "" {
			has[patient] = true
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// patientOf is the patient of a claim; "" when it has none that can be read. A line
// that cannot be read was reported when it came.
func patientOf(line []byte) string {
	if !bytes.Contains(line, []byte(`"patient"`)) {
		return ""
	}
	var claim struct {
		Patient struct {
			Reference string `json:"reference"`
		} `json:"patient"`
	}
	if json.Unmarshal(line, &claim) != nil {
		return ""
	}
	return claim.Patient.Reference[strings.LastIndexByte(claim.Patient.Reference, '/')+1:]
}
