package table

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
)

// Latest is which of the claims of some files are the newest version of each.
//
// The rule: of resources with the same id the one last updated counts, and of
// those updated at the same moment the one that came last, whosever it is. An id
// that the server has deleted does not count, unless it comes again later.
// Resources of one claim group, enrollee and type, or of one id where there is no
// group, are versions of one claim; of them the active one that was last updated
// is the claim. A group of more than 50 ids says nothing: each id is then a claim
// of its own. A claim all of whose versions are canceled is not current.
type Latest struct {
	// Claims is how many claims have a current version.
	Claims int64
	// Older is how many versions are not the newest.
	Older int64
	// Canceled is how many claims have no active version.
	Canceled int64
	// Deleted is how many resources are left out because the server deleted them.
	Deleted int64

	current []uint64 // one bit a claim, in the order of the files
}

// Keep tells whether a claim, counted from zero over all files, is current.
func (l *Latest) Keep(claim int64) bool { return l.current[claim/64]&(1<<(claim%64)) != 0 }

// version is what of a version decides, in the order in which it is written to
// a bucket.
type version struct {
	Group, ID [16]byte // hashes
	Updated   int64    // microseconds
	Number    int64    // which claim it is
	Active    bool
	Deleted   bool // the server deleted what has the id; the rest is then empty
}

// Source is a file of claims, or of what was deleted: Bundles of requests to
// delete.
type Source struct {
	Path    string
	Deleted bool
}

// maxVersions is how many ids a claim group may have and still tell something.
const maxVersions = 50

// buckets is into how many files the versions are spread, by their group, so
// that only one of them at a time is in memory: of a hundred million versions
// some 200 MB. Beside it, one bit a version is kept.
const buckets = 64

// FindLatest reads sources in the order in which they came, and finds the newest
// versions. Lines that cannot be read are not current. It needs 50 bytes a version
// in the folder for temporary files, twice. What a run that was killed has left
// there of them is removed by ClearLeft.
func FindLatest(ctx context.Context, sources []Source, tmp string, progress func(int64)) (*Latest, error) {
	dir, err := os.MkdirTemp(tmp, "latest-*.partial")
	if err != nil {
		return nil, fmt.Errorf("finding the newest versions: %w", err)
	}
	l, err := findLatest(ctx, sources, dir, progress)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, fmt.Errorf("finding the newest versions: %w", err)
	}
	return l, nil
}

// ClearLeft removes from a folder what a FindLatest that was killed has left there.
// None may be at work in it.
func ClearLeft(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "latest-") && strings.HasSuffix(e.Name(), ".partial") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("removing the temporary files of an earlier run: %w", err)
	}
	return nil
}

// bucketFiles are the buckets of one pass.
type bucketFiles [buckets]*file

func openBuckets(dir, pass string) (*bucketFiles, error) {
	var files bucketFiles
	for i := range files {
		f, err := create(dir, fmt.Sprintf("%s-%d", pass, i), 64<<10)
		if err != nil {
			files.close()
			return nil, err
		}
		files[i] = f
	}
	return &files, nil
}

func (b *bucketFiles) close() {
	for _, f := range b {
		if f != nil {
			f.File.Close()
		}
	}
}

func (b *bucketFiles) add(key [16]byte, v version) error {
	return binary.Write(b[key[0]%buckets], binary.LittleEndian, v)
}

func findLatest(ctx context.Context, sources []Source, dir string, progress func(int64)) (*Latest, error) {
	byID, err := openBuckets(dir, "id")
	if err != nil {
		return nil, err
	}
	defer byID.close()
	total, err := spread(ctx, sources, byID, progress)
	if err != nil {
		return nil, err
	}
	byGroup, err := openBuckets(dir, "group")
	if err != nil {
		return nil, err
	}
	defer byGroup.close()
	l := &Latest{current: make([]uint64, total/64+1)}
	for _, f := range byID {
		if err := l.newest(ctx, f, byGroup); err != nil {
			return nil, err
		}
	}
	for _, f := range byGroup {
		if err := l.claims(ctx, f); err != nil {
			return nil, err
		}
	}
	l.Older = total - l.Claims
	return l, nil
}

// spread writes what decides about each version into the buckets, by its id.
func spread(ctx context.Context, sources []Source, files *bucketFiles, progress func(int64)) (total int64, err error) {
	ignore := func(string, int64, string, []byte) {} // the conversion tells them
	for _, s := range sources {
		add := func(_ place, line []byte) error {
			v, err := readVersion(line)
			v.Number = total
			total++
			if err != nil {
				return err
			}
			return files.add(v.ID, v)
		}
		if s.Deleted {
			add = func(_ place, line []byte) error { return addDeleted(line, files) }
		}
		if err := scan(ctx, []string{s.Path}, progress, ignore, add); err != nil {
			return total, err
		}
	}
	return total, nil
}

// addDeleted reads a Bundle of what was deleted (Bulk Data Access IG, "Response -
// Complete Status", deleted).
func addDeleted(line []byte, files *bucketFiles) error {
	var b struct {
		Entry []struct {
			Request struct {
				Method string `json:"method"`
				URL    string `json:"url"`
			} `json:"request"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(line, &b); err != nil {
		return notClaim(err)
	}
	for _, e := range b.Entry {
		kind, id, ok := strings.Cut(last2(e.Request.URL), "/")
		if !ok || kind != "ExplanationOfBenefit" || e.Request.Method != "DELETE" {
			continue
		}
		v := version{ID: digest("id", id), Deleted: true}
		if err := files.add(v.ID, v); err != nil {
			return err
		}
	}
	return nil
}

// last2 is the last two segments of a URL.
func last2(url string) string {
	parts := strings.Split(strings.Trim(url, "/"), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// readVersion reads what of a claim decides.
func readVersion(line []byte) (version, error) {
	var e struct {
		ID   string `json:"id"`
		Meta struct {
			LastUpdated string `json:"lastUpdated"`
		} `json:"meta"`
		Identifier []identifier `json:"identifier"`
		Status     string       `json:"status"`
		Type       concept      `json:"type"`
		Patient    reference    `json:"patient"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return version{}, notClaim(err)
	}
	updated, err := moment(e.Meta.LastUpdated)
	if err != nil {
		return version{}, &lineError{"meta.lastUpdated: " + err.Error()}
	}
	v := version{ID: digest("id", e.ID), Active: e.Status != "cancelled"}
	if updated != nil {
		v.Updated = *updated
	}
	v.Group = v.ID
	for _, i := range e.Identifier {
		if last(i.System) == "claim-group" && !placeholder(i.Value) {
			v.Group = digest("group", i.Value, e.Patient.Reference, e.Type.code("eob-type"))
		}
	}
	return v, nil
}

// placeholder tells whether a claim group says nothing: zeros, or one digit over
// and over, such as the 99999999999 that Synthea writes in every claim.
func placeholder(group string) bool {
	digits := strings.Trim(group, "-. ")
	if strings.Trim(digits, "0") == "" {
		return true
	}
	return len(digits) >= 5 && strings.Trim(digits, digits[:1]) == ""
}

func digest(parts ...string) (d [16]byte) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s ", len(p), p)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// each calls see with the versions of a bucket, in the order in which they came.
func each(ctx context.Context, f *file, see func(version)) error {
	if err := f.Writer.Flush(); err != nil {
		return err
	}
	r, err := os.Open(f.File.Name())
	if err != nil {
		return err
	}
	defer r.Close()
	for in := bufio.NewReaderSize(r, 1<<20); ; {
		var v version
		if err := binary.Read(in, binary.LittleEndian, &v); errors.Is(err, io.EOF) {
			return ctx.Err()
		} else if err != nil {
			return err
		}
		see(v)
	}
}

// newest finds the newest resource of each id in a bucket.
func (l *Latest) newest(ctx context.Context, f *file, byGroup *bucketFiles) error {
	byID := map[[16]byte]version{}
	gone := map[[16]byte]bool{} // deleted, after it had come
	err := each(ctx, f, func(v version) {
		before, known := byID[v.ID]
		switch {
		case v.Deleted:
			if known {
				gone[v.ID] = true
				delete(byID, v.ID)
			}
		case !known || v.Updated >= before.Updated:
			byID[v.ID] = v
			delete(gone, v.ID)
		}
	})
	if err != nil {
		return err
	}
	l.Deleted += int64(len(gone))
	for _, v := range byID {
		if err := byGroup.add(v.Group, v); err != nil {
			return err
		}
	}
	return nil
}

// claims finds the claim of each group in a bucket.
func (l *Latest) claims(ctx context.Context, f *file) error {
	groups := map[[16]byte][]version{}
	if err := each(ctx, f, func(v version) { groups[v.Group] = append(groups[v.Group], v) }); err != nil {
		return err
	}
	for _, versions := range groups {
		if len(versions) > maxVersions {
			for _, v := range versions {
				l.decide(v)
			}
			continue
		}
		newest := versions[0]
		for _, v := range versions[1:] {
			if v.beats(newest) {
				newest = v
			}
		}
		l.decide(newest)
	}
	return nil
}

// decide makes a version the current one of its claim, unless it is canceled.
func (l *Latest) decide(v version) {
	if !v.Active {
		l.Canceled++
		return
	}
	l.Claims++
	l.current[v.Number/64] |= 1 << (v.Number % 64)
}

// beats tells whether of two resources of a claim this one is the claim.
func (v version) beats(o version) bool {
	switch {
	case v.Active != o.Active:
		return v.Active
	case v.Updated != o.Updated:
		return v.Updated > o.Updated
	}
	return v.Number > o.Number
}
