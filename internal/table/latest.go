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

	"github.com/go-json-experiment/json"
)

// Latest is which of the claims of some files are the newest version of each.
//
// The rule: of resources with the same id the one last updated counts, and of
// those updated at the same moment the one that came last. Resources of one
// claim group, or of one id where there is no group, are versions of one claim;
// of them the active one that was last updated is the claim. A claim all of
// whose versions are cancelled is not current.
type Latest struct {
	// Claims is how many claims have a current version.
	Claims int64
	// Older is how many versions are not the newest.
	Older int64
	// Cancelled is how many claims have no active version.
	Cancelled int64

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
}

// buckets is into how many files the versions are spread, by their group, so
// that only one of them at a time is in memory: of a hundred million versions
// some 200 MB. Beside it, one bit a version is kept.
const buckets = 64

// FindLatest reads files of NDJSON, in the order in which they came, and finds
// the newest versions. It needs 49 bytes a version in the folder for temporary
// files.
func FindLatest(ctx context.Context, paths []string, tmp string, progress func(int64)) (*Latest, error) {
	dir, err := os.MkdirTemp(tmp, "latest-*.partial")
	if err != nil {
		return nil, fmt.Errorf("finding the newest versions: %w", err)
	}
	l, err := findLatest(ctx, paths, dir, progress)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, fmt.Errorf("finding the newest versions: %w", err)
	}
	return l, nil
}

func findLatest(ctx context.Context, paths []string, dir string, progress func(int64)) (*Latest, error) {
	var files [buckets]*file
	for i := range files {
		f, err := create(dir, fmt.Sprint(i), 64<<10)
		if err != nil {
			return nil, err
		}
		defer f.File.Close()
		files[i] = f
	}
	total, err := spread(ctx, paths, &files, progress)
	if err != nil {
		return nil, err
	}
	l := &Latest{current: make([]uint64, total/64+1)}
	for _, f := range files {
		if err := l.bucket(ctx, f); err != nil {
			return nil, err
		}
	}
	l.Older = total - l.Claims
	return l, nil
}

// spread writes what decides about each version into the buckets.
func spread(ctx context.Context, paths []string, files *[buckets]*file, progress func(int64)) (total int64, err error) {
	err = scan(ctx, paths, progress, func(line []byte) error {
		v, err := readVersion(line)
		if err != nil {
			return err
		}
		v.Number = total
		total++
		return binary.Write(files[v.Group[0]%buckets], binary.LittleEndian, v)
	})
	return total, err
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
		Patient    reference    `json:"patient"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return version{}, notClaim(err)
	}
	updated, err := moment(e.Meta.LastUpdated)
	if err != nil {
		return version{}, fmt.Errorf("meta.lastUpdated: %w", err)
	}
	v := version{ID: digest("id", e.ID), Active: e.Status != "cancelled"}
	if updated != nil {
		v.Updated = *updated
	}
	v.Group = v.ID
	for _, i := range e.Identifier {
		if last(i.System) == "claim-group" && i.Value != "" {
			v.Group = digest("group", i.Value, e.Patient.Reference)
		}
	}
	return v, nil
}

func digest(parts ...string) (d [16]byte) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s ", len(p), p)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// bucket decides about the versions of one bucket.
func (l *Latest) bucket(ctx context.Context, f *file) error {
	if err := f.Writer.Flush(); err != nil {
		return err
	}
	r, err := os.Open(f.File.Name())
	if err != nil {
		return err
	}
	defer r.Close()
	byID := map[[16]byte]version{}
	for in := bufio.NewReaderSize(r, 1<<20); ; {
		var v version
		if err := binary.Read(in, binary.LittleEndian, &v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if before, ok := byID[v.ID]; !ok || v.Updated >= before.Updated {
			byID[v.ID] = v
		}
	}
	groups := map[[16]byte]version{}
	for _, v := range byID {
		if before, ok := groups[v.Group]; !ok || v.beats(before) {
			groups[v.Group] = v
		}
	}
	for _, v := range groups {
		if !v.Active {
			l.Cancelled++
			continue
		}
		l.Claims++
		l.current[v.Number/64] |= 1 << (v.Number % 64)
	}
	return ctx.Err()
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
