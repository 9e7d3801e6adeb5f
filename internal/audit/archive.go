package audit

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// Archive is a file to which entries were moved. Its lines are links, as Export
// writes them, in one gzip member.
type Archive struct {
	First, Last int64  // entries
	Hash        string // of the last one
	File        string // name, without a directory
	SHA256      string // of the file, lower-case hex
}

// Head is that of the archive's last entry.
func (a *Archive) Head() Head { return Head{Number: a.Last, Hash: a.Hash} }

// Detail is what the entry about an archive says. It has the head, so that the rest of
// the log confirms which entries were moved.
func (a *Archive) Detail() string {
	return fmt.Sprintf("entries %d to %d in %s, SHA-256 %s, head %s", a.First, a.Last, a.File, a.SHA256, a.Head())
}

// WriteArchive writes links that continue a head to a new file in a directory, and
// reads and verifies the file before it has its name. It is durable when WriteArchive
// returns, and the same links give the same bytes. Only this user can read it. nil
// without links.
func WriteArchive(dir string, from Head, links iter.Seq2[Link, error]) (_ *Archive, err error) {
	unfinished := filepath.Join(dir, fmt.Sprintf("audit-%012d.unfinished", from.Number+1))
	f, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make an archive of the audit log: %w", err)
	}
	defer func() { err = errors.Join(err, removed(unfinished)) }()
	sum := sha256.New()
	n, err := writeLinks(io.MultiWriter(f, sum), links)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write an archive of the audit log: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	a := &Archive{First: from.Number + 1, Last: from.Number + n, File: fmt.Sprintf("audit-%012d-%012d.ndjson.gz", from.Number+1, from.Number+n), SHA256: hex.EncodeToString(sum.Sum(nil))}
	head, err := VerifyFrom(from, readFile(unfinished, a.SHA256), Head{})
	if err != nil {
		return nil, fmt.Errorf("check an archive of the audit log: %w", err)
	}
	if head.Number != a.Last {
		return nil, fmt.Errorf("check an archive of the audit log: it ends with entry %d, not %d", head.Number, a.Last)
	}
	a.Hash = head.Hash
	if err := errors.Join(os.Rename(unfinished, filepath.Join(dir, a.File)), syncDir(dir)); err != nil {
		return nil, fmt.Errorf("name an archive of the audit log: %w", err)
	}
	return a, nil
}

// removed removes a file that may not be there.
func removed(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an unfinished archive: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeLinks writes a line for each link, and counts them.
func writeLinks(w io.Writer, links iter.Seq2[Link, error]) (n int64, err error) {
	z := gzip.NewWriter(w)
	lines := json.NewEncoder(z)
	lines.SetEscapeHTML(false)
	for link, err := range links {
		if err != nil {
			return n, err
		}
		if err := lines.Encode(link); err != nil {
			return n, err
		}
		n++
	}
	return n, z.Close()
}

// Read gives the links of the archive's file in a directory. The last one is an
// error if the file is not what was written.
func (a *Archive) Read(dir string) iter.Seq2[Link, error] {
	return readFile(filepath.Join(dir, a.File), a.SHA256)
}

// readFile reads a file of links whose SHA-256 is known.
func readFile(file, want string) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(Link{}, fmt.Errorf("open an archive of the audit log: %w", err))
			return
		}
		defer f.Close()
		sum := sha256.New()
		in := io.TeeReader(f, sum)
		for l, err := range ReadLinks(in) {
			if !yield(l, err) || err != nil {
				return
			}
		}
		if err := checkSum(in, sum, want); err != nil {
			yield(Link{}, fmt.Errorf("%s: %w", filepath.Base(file), err))
		}
	}
}

// checkSum reads what is left and compares the whole.
func checkSum(in io.Reader, sum hash.Hash, want string) error {
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("its SHA-256 is %s, and was %s when it was written", got, want)
	}
	return nil
}

// ReadLinks reads links, a line each, gzipped or not.
func ReadLinks(in io.Reader) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		buffered := bufio.NewReader(in)
		plain := io.Reader(buffered)
		if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
			z, err := gzip.NewReader(buffered)
			if err != nil {
				yield(Link{}, fmt.Errorf("read the audit log: %w", err))
				return
			}
			plain = z
		}
		for d := json.NewDecoder(plain); ; {
			var l Link
			err := d.Decode(&l)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("read the audit log: %w", err)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}
