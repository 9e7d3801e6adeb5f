package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ab2d/client"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// sentFile is what was sent of a file: of each byte how often a client has read it,
// and how often it was counted.
type sentFile struct {
	job, name string
	received  [2][]int // plain and gzip
	counted   [2][]int
	open      int
	began     int
	model     [2]export.Coverage // of what the store must have counted
	downloads int
}

func which(gzip bool) int {
	if gzip {
		return 1
	}
	return 0
}

// add counts a run of bytes once more.
func add(to *[]int, from, until int64) {
	for int64(len(*to)) < until {
		*to = append(*to, 0)
	}
	for i := from; i < until; i++ {
		(*to)[i]++
	}
}

// complete tells how often all bytes were counted.
func complete(counts []int, size int64) int {
	if int64(len(counts)) < size || size == 0 {
		return 0
	}
	return slices.Min(counts[:size])
}

func (g *judge) file(job, name string) *sentFile {
	key := job + "/" + name
	if g.sent[key] == nil {
		g.sent[key] = &sentFile{job: job, name: name}
	}
	return g.sent[key]
}

// sending notes that a file is being sent.
func (g *judge) sending(x *exchange) *sentFile {
	_, path, _ := strings.Cut(x.path, "/Job/")
	job, name, _ := strings.Cut(path, "/file/")
	x.gzip = x.header.Get("Content-Encoding") == "gzip"
	if r := x.header.Get("Content-Range"); r != "" {
		if _, err := fmt.Sscanf(r, "bytes %d-", &x.offset); err != nil {
			g.fail("the Content-Range %q of file %s cannot be read", r, name)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.file(job, name)
}

// delivered notes that a client has read bytes of a file.
func (g *judge) delivered(x *exchange, n int64) {
	g.mu.Lock()
	s := x.files
	add(&s.received[which(x.gzip)], x.offset, x.offset+n)
	x.offset += n
	began := s.began
	g.mu.Unlock()
	if began == 0 {
		g.fail("bytes of file %s of job %s were sent before it was recorded", s.name, s.job)
	}
}

// begun notes that a delivery was reserved and recorded.
func (g *judge) begun(f *export.File, d export.Delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.file(f.Job, f.Name)
	s.began++
	s.open++
	if !d.Unrecorded {
		g.audit["download.began"]++
	}
}

// counted notes that a delivery was counted.
func (g *judge) counted(f *export.File, d export.Delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.file(f.Job, f.Name)
	s.open--
	i := which(d.Gzip)
	add(&s.counted[i], d.From, d.To)
	s.model[i] = s.model[i].Add(d.From, d.To)
	n := s.model[i].Complete(d.Size)
	s.model[i] = s.model[i].Less(n)
	s.downloads += n
	if !d.Unrecorded {
		g.audit["download.ended"]++
	}
}

// downloads checks how often the files of a job were downloaded and counted.
func (g *judge) downloads(ctx context.Context, j *export.Job, files []export.File) {
	for i := range files {
		f := &files[i]
		g.mu.Lock()
		s := *g.file(f.Job, f.Name)
		g.mu.Unlock()
		whole := complete(s.received[1], f.Stored) + complete(s.received[0], f.Length)
		if f.Downloads != s.downloads {
			g.fail("file %s of job %s was downloaded %d times by its deliveries, and counted %d times", f.Name, j.ID, s.downloads, f.Downloads)
		}
		// Deliveries that have no end, because their process died, are not counted.
		if limit := g.w.plan.downloads + s.open; whole > limit {
			g.fail("file %s of job %s was downloaded %d times, %d of them without an end on record; its limit is %d", f.Name, j.ID, whole, s.open, g.w.plan.downloads)
		}
		for k := range s.counted {
			for at, n := range s.counted[k] {
				if at >= len(s.received[k]) && n > 0 || n > 0 && s.received[k][at] < n {
					g.fail("byte %d of file %s of job %s was counted %d times and read less often", at, f.Name, j.ID, n)
					break
				}
			}
		}
	}
}

var versionID = regexp.MustCompile(`"versionId":"([^"]+)"`)

// keysOf gives the keys of the claims in lines.
func keysOf(lines []byte) (keys []string) {
	for _, m := range versionID.FindAllSubmatch(lines, -1) {
		keys = append(keys, string(m[1]))
	}
	return keys
}

// lines checks that claims are those of the sponsor's contract.
func (g *judge) lines(s *sponsor, content []byte) {
	for line := range bytes.Lines(content) {
		keys := keysOf(line)
		if len(keys) != 1 {
			g.fail("sponsor %s got a line that is no claim: %q", s.name, line)
			return
		}
		g.w.data.mu.Lock()
		at := slices.IndexFunc(g.w.data.claims, func(v version) bool { return v.key() == keys[0] })
		patient := coverage.EnrolleeID(0)
		if at >= 0 {
			patient = g.w.data.claims[at].patient
		}
		g.w.data.mu.Unlock()
		if contractName(int(patient/1000)-1) != s.contract {
			g.fail("sponsor %s of contract %s got claim %s of enrollee %d", s.name, s.contract, keys[0], patient)
		}
	}
}

// folder checks a run of a folder against the job that it is of.
func (g *judge) folder(s *sponsor, run *client.Run) {
	r := g.jobAt(s.contract, run)
	if r == nil {
		g.fail("the folder of %s has run %s, which no job has made", s.name, run.Name)
		return
	}
	for _, f := range run.Files {
		if f.List != "output" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(run.Dir(), f.Name))
		if err != nil {
			g.fail("read the folder of %s: %v", s.name, err)
			return
		}
		want, ok := r.want.plain(f.Name)
		if !ok || !bytes.Equal(content, want) {
			g.fail("file %s of the folder of %s is not that of job %s", f.Name, s.name, r.job.ID)
		}
		g.lines(s, content)
		for _, k := range keysOf(content) {
			s.got[k] = true
		}
	}
	if !slices.Contains(s.runs, r.job.ID) {
		s.runs = append(s.runs, r.job.ID)
	}
	g.folderComplete(s, r)
}

// jobAt finds the completed job of a run.
func (g *judge) jobAt(contract string, run *client.Run) *record {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(g.jobs)) {
		r := g.jobs[id]
		if r.want != nil && r.job.Contract == contract && r.job.TransactionTime.Equal(run.TransactionTime) && r.want.same(run) {
			return r
		}
	}
	return nil
}

// same tells whether a run has the files of the reference.
func (r *reference) same(run *client.Run) bool {
	var names []string
	for _, f := range run.Files {
		names = append(names, f.Name+" "+f.SHA256)
	}
	var mine []string
	for _, f := range r.files {
		mine = append(mine, fmt.Sprintf("%s %x", f.Name, f.SHA256))
	}
	slices.Sort(names)
	slices.Sort(mine)
	return slices.Equal(names, mine)
}

// folderComplete checks that the folder has all claims of those who were enrolled,
// shared and could be read in each of its runs. Of others the next run does not get
// what was before: a folder asks with _since.
func (g *judge) folderComplete(s *sponsor, r *record) {
	entitled, err := g.w.data.entitled(s.contract, r.found.Snapshot, r.job.TransactionTime.UnixMilli())
	if err != nil {
		g.fail("job %s: %v", r.job.ID, err)
		return
	}
	for key, c := range entitled {
		if !s.got[key] && g.inAll(s.runs, c) {
			g.fail("the folder of %s lacks claim %s of enrollee %d after job %s", s.name, key, c.patient, r.job.ID)
		}
	}
}

// inAll tells whether an enrollee had the month of a claim in all jobs, and could be
// exported.
func (g *judge) inAll(jobs []string, c version) bool {
	for _, id := range jobs {
		g.mu.Lock()
		j := g.jobs[id].found
		g.mu.Unlock()
		e, ok := g.seen(j)[c.patient]
		if !ok || e.OptedOut || len(e.MBIs) == 0 || !e.Months.Has(c.month) || g.unreadable(j, c.patient) {
			return false
		}
	}
	return true
}
