package client

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RejectedFile is a name in a run's folder that no downloaded file gets: it is for
// the lines that cannot be read.
const RejectedFile = "rejected.ndjson"

// PatientsFile is the file of a run's folder that RemoveOutput writes: the numbers of the
// patients of its claims, one on a line.
const PatientsFile = "patients.txt"

// Run is an export that is complete in a Folder. It is kept as manifest.json
// in the run's folder.
type Run struct {
	// Name is the name of the run's folder, made of the moment up to which the
	// export is complete.
	Name string `json:"-"`
	// Server is the base URL it came from.
	Server string `json:"server"`
	// Request is the request as the server understood it.
	Request string `json:"request"`
	// TransactionTime is the moment up to which the export is complete. Zero
	// when the server did not tell.
	TransactionTime time.Time `json:"transactionTime,omitzero"`
	// Since, Until and TypeFilter are what bounds it.
	Since      time.Time `json:"since,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	TypeFilter []string  `json:"typeFilter,omitempty"`
	// Patients are whom it is limited to; none: all.
	Patients []string `json:"patients,omitempty"`
	// Continuous says that the next export goes on from this one.
	Continuous bool      `json:"continuous"`
	Files      []RunFile `json:"files"`
	// Totals are the job's totals by outcome, from servers that tell them, such
	// as enrollees, delivered, noClaims, optedOut, notRead.
	Totals map[string]int64 `json:"totals,omitempty"`
	// Removed says that the files of the list output were removed by RemoveOutput.
	Removed bool `json:"removed,omitempty"`

	dir string // its folder
}

// Dir is the path of the run's folder.
func (r *Run) Dir() string { return r.dir }

// RunFile is a file of a Run.
type RunFile struct {
	Name   string `json:"name"`   // in the run's folder
	List   string `json:"list"`   // of the manifest: output, deleted or error
	Type   string `json:"type"`   // resource type of every line
	Count  int64  `json:"count"`  // resources; counted where the server did not tell
	Length int64  `json:"length"` // bytes; counted where the server did not tell
	SHA256 string `json:"sha256,omitempty"`
	// Rejected are its lines that are not resources; MoreRejected are not named.
	Rejected     []RejectedLine `json:"rejected,omitempty"`
	MoreRejected int64          `json:"moreRejected,omitempty"`
}

// counted takes what was counted of the files.
func (r *Run) counted(arrivals map[string]*arrival) {
	for i := range r.Files {
		f, h := &r.Files[i], arrivals[r.Files[i].Name]
		if h == nil || !h.Done {
			continue
		}
		if f.Count < 0 {
			f.Count = h.Resources
		}
		if f.Length < 0 {
			f.Length = h.Bytes
		}
		f.Rejected, f.MoreRejected = h.Rejected, h.More
	}
}

// files are all files of an export.
func (m *Manifest) files() []File { return slices.Concat(m.Output, m.Deleted, m.Error) }

// newRun describes what a manifest promises. Servers name files alike where
// their URLs differ in more than the last segment: those get numbers.
func newRun(server string, r Request, m *Manifest) *Run {
	run := &Run{Server: server, Request: m.Request, TransactionTime: m.TransactionTime, Since: r.Since, Until: r.Until, TypeFilter: r.TypeFilter, Patients: r.Patients,
		Files: []RunFile{}, Totals: totals(m.Totals)}
	taken := map[string]bool{"manifest.json": true, RejectedFile: true, PatientsFile: true, "csv": true, "parquet": true}
	for _, list := range []struct {
		name  string
		files []File
	}{{"output", m.Output}, {"deleted", m.Deleted}, {"error", m.Error}} {
		for _, f := range list.files {
			name, err := f.Name()
			if err != nil || taken[strings.ToLower(name)] || strings.HasSuffix(name, received) || strings.HasSuffix(name, ".part") {
				name = fmt.Sprintf("%s-%04d.ndjson", list.name, len(run.Files)+1)
			}
			taken[strings.ToLower(name)] = true
			run.Files = append(run.Files, RunFile{Name: name, List: list.name, Type: f.Type, Count: f.Count, Length: f.Length, SHA256: hex.EncodeToString(f.SHA256)})
		}
	}
	return run
}

// totals reads this server's extension: numbers by name.
func totals(raw json.RawMessage) map[string]int64 {
	var out map[string]int64
	if raw == nil || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// write writes manifest.json.
func (r *Run) write(dir string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return err
	}
	return replace(filepath.Join(dir, "manifest.json"), b.Bytes())
}

// Run reads what a run of this folder is.
func (f *Folder) Run(name string) (*Run, error) {
	path := filepath.Join(f.dir, name, "manifest.json")
	b, err := readLimited(path, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("reading a run: %w", err)
	}
	run := &Run{Name: name, dir: filepath.Join(f.dir, name)}
	if err := json.Unmarshal(b, run); err != nil {
		return nil, fmt.Errorf("reading a run: %s is not the manifest of a run", path)
	}
	for _, file := range run.Files {
		if !fileName.MatchString(file.Name) {
			return nil, fmt.Errorf("reading a run: %s names a file outside its folder", path)
		}
	}
	return run, nil
}

// OutputPaths are the paths of the files that were asked for.
func (r *Run) OutputPaths() []string { return r.paths("output") }

// DeletedPaths are the paths of the files that say what the server deleted:
// Bundles of requests to delete.
func (r *Run) DeletedPaths() []string { return r.paths("deleted") }

// ErrorPaths are the paths of the files with what the server reports, for
// ReadIssues.
func (r *Run) ErrorPaths() []string { return r.paths("error") }

func (r *Run) paths(list string) []string {
	var out []string
	for _, file := range r.Files {
		if file.List == list {
			out = append(out, filepath.Join(r.dir, file.Name))
		}
	}
	return out
}

// RemoveOutput removes the files that were asked for, when something else was made of them
// that takes their place. The files of other lists stay, and the folder goes on as before:
// whose claims they hold is in PatientsFile from then on, for SyncOptions.NewMembers. It is
// for a run that the folder has finished, and may be repeated after a crash at any moment.
func (r *Run) RemoveOutput(ctx context.Context) error {
	if !r.Removed {
		if err := r.writePatients(ctx); err != nil {
			return fmt.Errorf("removing the files of %s: noting their patients: %w", r.Name, err)
		}
		r.Removed = true
		if err := r.write(r.dir); err != nil {
			return fmt.Errorf("removing the files of %s: %w", r.Name, err)
		}
	}
	for _, path := range r.OutputPaths() {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the files of %s: %w", r.Name, err)
		}
	}
	return nil
}

// writePatients writes PatientsFile, and has it on disk when it returns.
func (r *Run) writePatients(ctx context.Context) error {
	has := map[string]bool{}
	for _, path := range r.OutputPaths() {
		if err := patientsOf(ctx, path, has); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	for _, patient := range slices.Sorted(maps.Keys(has)) {
		fmt.Fprintln(&b, patient)
	}
	return replace(filepath.Join(r.dir, PatientsFile), b.Bytes())
}

// sameExport tells whether a job's request, as the server tells it, is the one
// this client would make. AB2D encodes it a second time.
func (c *Client) sameExport(told string, r Request) bool {
	want, err := c.kickOff(r)
	if err != nil || len(r.Patients) > 0 { // which the server does not tell
		return false
	}
	got, err := url.Parse(told)
	if err != nil || !strings.HasSuffix(plain(got.Path), plain(want.Path)) {
		return false
	}
	a, b := got.Query(), want.Query()
	for _, name := range []string{"_since", "_until", "_typeFilter", "_type"} {
		if !slices.EqualFunc(a[name], b[name], sameValue) {
			return false
		}
	}
	return true
}

func sameValue(a, b string) bool {
	a, b = plain(a), plain(b)
	if a == b {
		return true
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(a, " ", "+"))
	u, err2 := time.Parse(time.RFC3339Nano, b)
	return err == nil && err2 == nil && t.Equal(u)
}

// plain undoes what may be encoded once too often.
func plain(s string) string {
	if p, err := url.PathUnescape(s); err == nil {
		return p
	}
	return s
}
