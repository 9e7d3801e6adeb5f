package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// stateFormat is the version of the state file. One of a later version is
	// not touched.
	stateFormat = 1
	// partial ends the name of an export's folder until it is complete.
	partial = ".partial"
	// maxState bounds the state file: some hundred thousand files.
	maxState = 256 << 20
)

// state is the file ab2d.json: what of a folder is done. It is written whole,
// synced and renamed, before what it says counts.
type state struct {
	Format  int       `json:"format"`
	Source  source    `json:"source"`
	Since   time.Time `json:"since,omitzero"` // the folder is complete up to here
	Runs    []string  `json:"runs,omitempty"` // names of folders, the oldest first
	Current *ongoing  `json:"current,omitempty"`
}

// ongoing is the export that is being done.
type ongoing struct {
	Asked   wish    `json:"asked"`   // what the caller asked for
	Request Request `json:"request"` // what the server is asked for
	// Sent says that the server may have been asked, and the answer been lost.
	Sent bool `json:"sent,omitempty"`
	// At is when the server was first asked, by this machine's clock.
	At  time.Time `json:"at,omitzero"`
	Job Job       `json:"job"`
	// Adopted says that the job was found under way at the server, and has yet
	// to show that it is this one.
	Adopted bool                `json:"adopted,omitempty"`
	Run     string              `json:"run,omitempty"`   // name of its folder
	Files   map[string]*arrival `json:"files,omitempty"` // by their name in it
	// Complete says that the run is among the runs.
	Complete bool `json:"complete,omitempty"`
}

// wish is a request in a form that can be compared.
type wish struct {
	Request Request `json:"request"`
	Full    bool    `json:"full,omitempty"`
	// NewMembers says that the request's patients are found by the folder.
	NewMembers bool `json:"newMembers,omitempty"`
}

// normal is how it reads back from a file.
func (a wish) normal() wish {
	b, err := json.Marshal(a)
	if err == nil {
		a = wish{}
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		panic(err) // plain fields only
	}
	return a
}

// arrival is how far a file is.
type arrival struct {
	// ETag, Size and Gzip are of the representation that is being fetched: its
	// bytes so far are in a file beside. An empty ETag: it cannot be resumed.
	ETag string `json:"etag,omitempty"`
	Size int64  `json:"size,omitempty"`
	Gzip bool   `json:"gzip,omitempty"`
	// Done says that it was checked and has its name.
	Done bool `json:"done,omitempty"`
	// SHA256 is the checksum with which it was checked, in hexadecimal digits.
	SHA256 string `json:"sha256,omitempty"`
	// Settled says that its last bytes were fetched, too: see transfer.
	Settled bool `json:"settled,omitempty"`
	// Bytes and Resources are what was counted of the complete file, and
	// Rejected its lines that are not resources; More are not named.
	Bytes     int64          `json:"bytes,omitempty"`
	Resources int64          `json:"resources,omitempty"`
	Rejected  []RejectedLine `json:"rejected,omitempty"`
	More      int64          `json:"moreRejected,omitempty"`
}

// measure notes what was counted.
func (h *arrival) measure(t *tally) {
	h.Bytes, h.Resources, h.Rejected, h.More = t.bytes, t.content.resources, t.content.rejected, t.content.more
}

func (f *Folder) statePath() string { return filepath.Join(f.dir, "ab2d.json") }

// read reads the state; a file that is not there is the state of a new folder.
func (s *state) read(path string) error {
	b, err := readLimited(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		*s = state{Format: stateFormat}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the folder's state: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(s); err != nil || s.Format < 1 {
		return fmt.Errorf("reading the folder's state: %s is not a state file; move it away to begin anew", path)
	}
	if s.Format > stateFormat {
		return fmt.Errorf("reading the folder's state: %s was written by a later version (format %d, this one knows %d)", path, s.Format, stateFormat)
	}
	for _, run := range s.Runs {
		if !filepath.IsLocal(run) || run != filepath.Base(run) {
			return fmt.Errorf("reading the folder's state: %s names a run outside the folder", path)
		}
	}
	if c := s.Current; c != nil && c.Run != "" && (!filepath.IsLocal(c.Run) || c.Run != filepath.Base(c.Run)) {
		return fmt.Errorf("reading the folder's state: %s names a run outside the folder", path)
	}
	return nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return os.ReadFile(path)
}

// save writes the state, and has it on disk when it returns.
func (f *Folder) save() error {
	f.state.Format = stateFormat
	b, err := json.MarshalIndent(&f.state, "", "  ")
	if err == nil {
		err = replace(f.statePath(), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing the folder's state: %w", err)
	}
	return nil
}

// replace writes a file beside and gives it its name, so that after a crash it
// is either the old one or the new one.
func replace(path string, content []byte) error {
	tmp := path + ".part"
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncFolder(filepath.Dir(path))
}
