package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"ab2d/client"
	"ab2d/internal/table"
)

// rejectedName is the file of a run's folder with the lines of it that cannot be
// read. The client gives no downloaded file this name.
const rejectedName = client.RejectedFile

// rejectedLine is a line of rejected.ndjson.
type rejectedLine struct {
	File    string `json:"file"` // in the run's folder
	Line    int64  `json:"line"` // from 1
	Reason  string `json:"reason"`
	Content string `json:"content,omitzero"` // as it came
	Base64  []byte `json:"base64,omitempty"` // of a line that is not UTF-8, instead
}

// rejects gathers the lines of a run that cannot be read. Its file exists only if
// there are any.
type rejects struct {
	dir   string                      // of the run
	named map[string]map[int64]string // reasons that the manifest gives, by file and line; deleted when written
	more  int64                       // lines that are rejected in the manifest and not named
	count int64                       // lines written
	file  *os.File
	out   *bufio.Writer
	err   error // the first one of writing
}

// newRejects begins with what the client found while it downloaded the run.
func newRejects(dir string, run *client.Run) *rejects {
	r := &rejects{dir: dir, named: map[string]map[int64]string{}}
	for _, f := range run.Files {
		if f.List != "output" || len(f.Rejected) == 0 {
			continue
		}
		lines := map[int64]string{}
		for _, l := range f.Rejected {
			lines[l.Line] = l.Reason
		}
		r.named[f.Name] = lines
		r.more += f.MoreRejected
	}
	return r
}

// add is a table.Reject.
func (r *rejects) add(path string, line int64, reason string, content []byte) {
	name := filepath.Base(path)
	if known, ok := r.named[name][line]; ok {
		reason = known
		delete(r.named[name], line)
	} else if r.more > 0 {
		r.more--
	}
	l := rejectedLine{File: name, Line: line, Reason: reason, Content: string(content)}
	if !utf8.Valid(content) {
		l.Content, l.Base64 = "", content
	}
	r.write(l)
}

func (r *rejects) write(l rejectedLine) {
	if r.file == nil && r.err == nil {
		r.file, r.err = os.OpenFile(filepath.Join(r.dir, rejectedName+".partial"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		r.out = bufio.NewWriter(r.file)
	}
	if r.err != nil {
		return
	}
	e := json.NewEncoder(r.out)
	e.SetEscapeHTML(false)
	r.err = e.Encode(l)
	r.count++
}

// finish adds the lines that only the client found, and puts the file in its
// place. It returns how many lines of the run cannot be read.
func (r *rejects) finish(ctx context.Context) (int64, error) {
	for name, lines := range r.named {
		if len(lines) == 0 {
			continue
		}
		path := filepath.Join(r.dir, name)
		err := table.EachLine(ctx, path, func(n, _ int64, content []byte, _ bool) error {
			if _, ok := lines[n]; ok {
				r.add(path, n, "", content)
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("reading the lines of %s that cannot be used: %w", name, err)
		}
	}
	if r.file == nil {
		return r.count + r.more, r.err
	}
	err := errors.Join(r.err, r.out.Flush(), r.file.Sync(), r.file.Close())
	if err == nil {
		err = os.Rename(r.file.Name(), filepath.Join(r.dir, rejectedName))
	}
	if err != nil {
		return 0, fmt.Errorf("writing %s: %w", rejectedName, err)
	}
	return r.count + r.more, nil
}
