package feed

import (
	"encoding/json"
	"fmt"
	"io"
)

// A rejects file is for people, who correct the source. Of a file in which every line is
// wrong they need no list of all, which could fill the disk.
const (
	mostRejects     = 100_000
	mostRejectBytes = 16 << 20
)

// Rejects is a file of rejected claims: NDJSON of line and reason, without the claim. It
// has at most 100,000 lines and 16 MiB. It is not safe for concurrent use.
type Rejects struct {
	w     io.Writer
	lines int64
	bytes int64
	more  int64
	most  struct{ lines, bytes int64 }
}

// NewRejects writes to w, which has some lines and bytes already, and leaves out of it
// more claims than were listed.
func NewRejects(w io.Writer, lines, bytes, more int64) *Rejects {
	r := &Rejects{w: w, lines: lines, bytes: bytes, more: more}
	r.most.lines, r.most.bytes = mostRejects, mostRejectBytes
	return r
}

// Add writes a fault, or counts it when the file is full.
func (r *Rejects) Add(f *LineError) error {
	if r.more > 0 {
		r.more++
		return nil
	}
	b, err := json.Marshal(struct {
		Line   int64  `json:"line"`
		Reason string `json:"reason"`
	}{f.Line, f.Reason})
	if err != nil {
		return err
	}
	if r.lines >= r.most.lines || r.bytes+int64(len(b))+1 > r.most.bytes {
		r.more++
		return nil
	}
	n, err := r.w.Write(append(b, '\n'))
	r.lines++
	r.bytes += int64(n)
	return err
}

// More is how many claims were rejected and left out of the file.
func (r *Rejects) More() int64 { return r.more }

// End writes the last line, which says how many more there were, if any.
func (r *Rejects) End() error {
	if r.more == 0 {
		return nil
	}
	_, err := fmt.Fprintf(r.w, `{"more":%d,"reason":"the list is full: this many more claims were rejected"}`+"\n", r.more)
	return err
}
