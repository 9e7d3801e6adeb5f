package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// file sends a result file (Bulk Data Access IG, "Bulk Data Output File
// Request"): the stored gzip where the client takes it, else inflated.
func file(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	f, err := a.ownFile(r, c)
	if err != nil {
		return err
	}
	stored, err := a.openStored(r, c, f)
	if err != nil {
		return err
	}
	defer stored.Close()
	checked := export.NewCheckedReader(stored, f)
	content, size, etag := io.ReadSeeker(checked), f.Length, fmt.Sprintf(`"%x"`, f.SHA256)
	gzipped := takesGzip(r.Header.Values("Accept-Encoding"))
	if gzipped {
		size, etag = f.Stored, fmt.Sprintf(`"%x-gzip"`, f.SHA256)
	} else {
		content = newInflated(checked, f.Length)
	}
	d := newDelivery(w, gzipped, size)
	watch := a.newWatch(r, c, f, d)
	d.begin = func() error {
		if err := checked.Check(); err != nil {
			return err
		}
		return watch.begin()
	}
	setFileHeaders(d.Header(), f, gzipped, etag)
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // one range a request; the whole is a legal answer to several (RFC 9110 §14.2)
	}
	defer watch.end() // also when the connection breaks off, which is a panic
	http.ServeContent(d, r, f.Name, time.Time{}, content)
	return a.ended(r, c, f, d)
}

func setFileHeaders(h http.Header, f *export.File, gzipped bool, etag string) {
	if gzipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", fhir.TypeNDJSON)
	h.Set("Content-Disposition", `attachment; filename="`+f.Name+`"`)
	h.Set("ETag", etag)
	h.Add("Vary", "Accept-Encoding")
}

// errDamagedFile is the error for a file whose stored bytes are not those that
// were written.
var errDamagedFile = rest.Errorf(http.StatusInternalServerError, fhir.CodeException, "The stored file is damaged, and none of it was sent. "+
	"Start a new export, and report the request id in diagnostics to the operator.")

// openStored opens the stored bytes of a file. A file that has no checksums by
// block was written by an older release: it is read completely before its first
// byte is sent.
func (a *API) openStored(r *http.Request, c call, f *export.File) (io.ReadSeekCloser, error) {
	stored, err := a.Files.Open(r.Context(), f.Key)
	if err != nil {
		return nil, a.unread(r, c, f, err)
	}
	if f.Checksums == nil && f.Stored > 0 {
		if f.Checksums, err = export.Checksum(r.Context(), a.Files, f); err != nil {
			return nil, errors.Join(a.unread(r, c, f, err), stored.Close())
		}
	}
	return stored, nil
}

// unread says why a stored file could not be read. Its job may have ended since the
// request came, and the files of an ended job are deleted: that is no damage.
func (a *API) unread(r *http.Request, c call, f *export.File, err error) error {
	if !errors.Is(err, export.ErrNoFile) && !errors.Is(err, export.ErrDamaged) {
		return fmt.Errorf("read file %s of job %s: %w", f.Name, f.Job, err)
	}
	if _, gone := a.storedFile(r, c); gone != nil {
		return gone
	}
	return a.damaged(r, f, err)
}

// damaged logs that a stored file is damaged, and marks it for the operator.
func (a *API) damaged(r *http.Request, f *export.File, err error) error {
	a.Log.Error("a stored result file is damaged", "request", obs.RequestID(r.Context()), "job", f.Job, "file", f.Name, "key", f.Key, "error", err)
	a.Metrics.FileDamaged()
	if err := a.Deliveries.MarkDamaged(context.WithoutCancel(r.Context()), f, true); err != nil {
		a.Log.Error("mark a damaged file", "job", f.Job, "file", f.Name, "error", err)
	}
	return errDamagedFile
}

// ownFile finds the file that the path names, by its row, if it may be
// downloaded.
func (a *API) ownFile(r *http.Request, c call) (*export.File, error) {
	f, err := a.storedFile(r, c)
	if err != nil {
		return nil, err
	}
	if f.Downloads >= a.MaxDownloads {
		return nil, a.downloadLimit(f)
	}
	return f, nil
}

// storedFile finds the file that the path names, however often it was downloaded.
func (a *API) storedFile(r *http.Request, c call) (*export.File, error) {
	j, err := a.entitledJob(r, c)
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
	return f, err
}

// downloadLimit is the error for a file that was downloaded as often as it may
// be.
func (a *API) downloadLimit(f *export.File) *rest.Error {
	return rest.Errorf(http.StatusGone, fhir.CodeDeleted, "The file %s was downloaded already, and may be downloaded %s. "+
		"To get the claims again, start a new export.", f.Name, times(a.MaxDownloads))
}

// retryWhileDownloading is the Retry-After, in seconds, while other requests
// download a file.
const retryWhileDownloading = 5

// downloading is the error for a file that other requests are downloading as
// often as it may be downloaded.
func (a *API) downloading(f *export.File) *rest.Error {
	e := rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "The file %s may be downloaded %s, and other requests are downloading it. "+
		"Wait until they end. If they break off, the file can be downloaded again.", f.Name, times(a.MaxDownloads))
	e.Header = map[string]string{"Retry-After": strconv.Itoa(retryWhileDownloading)}
	return e
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
