package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// file sends a result file (Bulk Data Access IG, "Bulk Data Output File
// Request"): the stored gzip where the client takes it, else inflated.
func file(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	f, err := a.ownFile(r, c)
	if err != nil {
		return err
	}
	stored, err := a.Files.Open(r.Context(), f.Key)
	if err != nil {
		return fmt.Errorf("open file %s of job %s: %w", f.Name, f.Job, err)
	}
	defer stored.Close()
	content, size, etag := io.ReadSeeker(stored), f.Length, fmt.Sprintf(`"%x"`, f.SHA256)
	gzipped := takesGzip(r.Header.Values("Accept-Encoding"))
	if gzipped {
		size, etag = f.Stored, fmt.Sprintf(`"%x-gzip"`, f.SHA256)
	} else {
		content = newInflated(stored, f.Length)
	}
	d := newDelivery(w, gzipped, size)
	d.begin = func() error { return a.began(r, f) }
	h := d.Header()
	if gzipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", fhir.TypeNDJSON)
	h.Set("Content-Disposition", `attachment; filename="`+f.Name+`"`)
	h.Set("ETag", etag)
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // one range a request; the whole is a legal answer to several (RFC 9110 §14.2)
	}
	http.ServeContent(d, r, f.Name, time.Time{}, content)
	a.delivered(r, f, d)
	return d.refusal()
}

// fileName is what a file's name may consist of. A database is not asked for
// any other: PostgreSQL takes a NUL or bad UTF-8 for a fault.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)

// ownFile finds the file that the path names, by its row, if it may be
// downloaded.
func (a *API) ownFile(r *http.Request, c call) (*export.File, error) {
	j, err := a.ownJob(r, c)
	if err != nil {
		return nil, err
	}
	if e := ended(j); e != nil && j.State != export.Failed {
		return nil, e
	}
	name := r.PathValue("name")
	if !rest.FileName.MatchString(name) {
		return nil, noFile(name)
	}
	f, err := a.Jobs.File(r.Context(), j.ID, name)
	if errors.Is(err, export.ErrNoFile) {
		return nil, noFile(name)
	}
	if err != nil {
		return nil, err
	}
	if f.Downloads >= a.MaxDownloads {
		return nil, rest.Errorf(http.StatusGone, fhir.CodeDeleted, "The file %s was downloaded already, and may be %s. "+
			"To get the claims again, start a new export.", f.Name, times(a.MaxDownloads))
	}
	return f, nil
}

func noFile(name string) *rest.Error {
	return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "The job has no file %s. When it is completed, its status lists the files' addresses in output.",
		rest.Quoted(name))
}

func times(n int) string {
	if n == 1 {
		return "only once"
	}
	return fmt.Sprintf("%d times only", n)
}

// takesGzip reads Accept-Encoding (RFC 9110 §12.5.3): whether gzip is welcome
// at all. Without the header nothing is encoded.
func takesGzip(headers []string) bool {
	star := false
	for _, item := range strings.Split(strings.Join(headers, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		welcome := quality(parameters) > 0
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return welcome
		case "*":
			star = welcome
		}
	}
	return star
}

// quality reads ";q=0.5"; 1 when there is none, 0 when it cannot be read.
func quality(parameters string) float64 {
	for _, p := range strings.Split(parameters, ";") {
		if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return 0
			}
			return q
		}
	}
	return 1
}
