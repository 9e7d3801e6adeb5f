package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"
)

// limits are what the machine can do at most, in MB/s of one core, of
// uncompressed bytes.
type limits struct {
	memcpy, sha256, gzip, inflate, fsync float64
}

// limitBytes is the amount that is measured with: real claims, over and over.
const limitBytes = 64 << 20

func (b *bench) measureLimits() error {
	text, err := b.sampleClaims(limitBytes)
	if err != nil {
		return err
	}
	to := make([]byte, len(text))
	mbs := func(what string, to *float64, n int, f func() error) error {
		seconds, err := repeat(n, f)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		*to = float64(len(text)) / 1e6 / seconds
		b.note("limit: "+what+", one core", *to, "MB/s", "")
		return nil
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, 3)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		what string
		to   *float64
		f    func() error
	}{
		{"memcpy", &b.limits.memcpy, func() error { copy(to, text); return nil }},
		{"SHA-256", &b.limits.sha256, func() error { sha256.Sum256(text); return nil }},
		{"gzip level 3", &b.limits.gzip, func() error {
			zipped.Reset()
			z.Reset(&zipped)
			_, err := z.Write(text)
			if err == nil {
				err = z.Close()
			}
			return err
		}},
		{"inflate", &b.limits.inflate, func() error {
			r, err := gzip.NewReader(bytes.NewReader(zipped.Bytes()))
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return err
		}},
		{"write and fsync", &b.limits.fsync, func() error { return writeSynced(filepath.Join(b.dir, "fsync"), text) }},
	} {
		if err := mbs(m.what, m.to, 5, m.f); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(b.dir, "fsync"))
}

func writeSynced(name string, content []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Sync()
}

// serveOneFile serves a file as net/http does by itself. It prints its address
// and never returns but with an error.
func serveOneFile(name string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		http.ServeContent(w, r, "", time.Time{}, f)
	}))
}
