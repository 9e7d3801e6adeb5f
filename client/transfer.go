package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"time"
)

// received ends the name of what came of a file so far, as it came.
const received = ".received"

// held is how much of the end of a gzip file is left for later: the checksum
// and length that RFC 1952 §2.3.1 has there. The claims before them can be
// checked against the manifest without.
//
// So a server that counts complete downloads, and allows one, counts it only
// when the file is checked and on disk. Were the client killed after the last
// byte came and before it was kept, the file could not be had again.
const held = 8

// transfer is one file on its way into a folder.
type transfer struct {
	*work
	file    File
	url     *url.URL
	name    string // in the folder
	path    string // of the complete file
	arrival *arrival
	came    int64 // bytes received in the last attempt
}

// fetchOne fetches a file that is not there yet. It goes on where it broke off,
// as often as that brings it further. A damaged file is fetched again from its
// start, once.
func (w *work) fetchOne(ctx context.Context, f File, name string) error {
	u, err := w.client.fileURL(f)
	if err != nil {
		return err
	}
	w.saving.Lock()
	h := w.state.Current.Files[name]
	if h == nil {
		h = &arrival{}
		w.state.Current.Files[name] = h
	}
	w.saving.Unlock()
	t := &transfer{work: w, file: f, url: u, name: name, path: filepath.Join(w.dir, w.state.Current.Run+partial, name), arrival: h}
	there, err := t.there()
	if err != nil {
		return err
	}
	if there {
		w.tell(Event{Kind: EventSkipped, File: name, Bytes: max(f.Length, 0)})
	} else if err := t.get(ctx); err != nil {
		return err
	}
	if err := os.Remove(t.path + received); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.settle(ctx)
}

// there tells whether the complete file is there. One that was noted as checked
// is not read again; one that got its name just before a crash is.
func (t *transfer) there() (bool, error) {
	info, err := os.Lstat(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, t.set(func(h *arrival) { h.Done, h.Settled = false, false })
	case err != nil:
		return false, err
	case t.arrival.Done && (t.file.Length < 0 || info.Size() == t.file.Length) && (t.arrival.SHA256 == "" || t.arrival.SHA256 == t.file.promised()):
		return true, nil
	}
	whole, err := os.Open(t.path)
	if err != nil {
		return false, err
	}
	measured := newTally(io.Discard, t.file, func(int64) {})
	_, err = io.Copy(measured, whole)
	if err := errors.Join(err, whole.Close()); err != nil {
		return false, err
	}
	if t.file.SHA256 == nil || measured.check(t.file) != nil {
		return false, errors.Join(os.Remove(t.path), t.set(func(h *arrival) { h.Done, h.Settled = false, false }))
	}
	return true, t.set(func(h *arrival) { h.Done = true; h.measure(measured) })
}

// set changes what is noted of the file. It writes only what is news.
func (t *transfer) set(change func(*arrival)) error {
	t.saving.Lock()
	defer t.saving.Unlock()
	before := *t.arrival
	if change(t.arrival); reflect.DeepEqual(before, *t.arrival) {
		return nil
	}
	return t.save()
}

// get fetches the file until it is complete.
func (t *transfer) get(ctx context.Context) error {
	again, renewed := false, false
	for faults := 1; ; faults++ {
		err := t.attempt(ctx)
		if err == nil {
			t.tell(Event{Kind: EventFetched, File: t.name, Bytes: t.arrival.Bytes})
			return nil
		}
		if (errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotPromised)) && !again && ctx.Err() == nil {
			again, faults = true, 0
			t.fault(t.name, err, 0)
			if err := t.forget(); err != nil {
				return err
			}
			continue
		}
		if t.came > 0 && t.arrival.ETag != "" {
			faults, renewed = 1, false
		}
		if t.linkExpired(err) && !renewed && ctx.Err() == nil {
			if renewed = t.renew(ctx); renewed {
				faults = 0
				continue
			}
		}
		if ctx.Err() != nil || faults >= downloadTries || !retryable(err) && !internal(err) {
			return verdict(err)
		}
		d := t.client.pause(err, faults)
		t.fault(t.name, err, d)
		if err := t.client.sleep(ctx, d); err != nil {
			return err
		}
	}
}

// linkExpired tells whether a file that opens without the token was refused, as
// the signed links of the clouds are when their time is over.
func (t *transfer) linkExpired(err error) bool {
	e := answered(err)
	return e != nil && !t.file.RequiresAccessToken &&
		(e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// renew asks the job's status again, which signs the links anew. It tells whether
// the same file now has another link.
func (t *transfer) renew(ctx context.Context) bool {
	t.saving.Lock()
	job, request := t.state.Current.Job, t.state.Current.Request
	t.saving.Unlock()
	m, err := t.client.Wait(ctx, job, nil)
	if err != nil {
		return false // the refusal of the file says more
	}
	files := m.files()
	for i, named := range newRun("", request, m).Files {
		f := files[i]
		if named.Name != t.name || f.URL == t.file.URL || f.Length != t.file.Length || f.Count != t.file.Count || !bytes.Equal(f.SHA256, t.file.SHA256) {
			continue
		}
		u, err := t.client.fileURL(f)
		if err != nil {
			return false
		}
		t.file, t.url = f, u
		return true
	}
	return false
}

// verdict tells an answer that the file cannot be had, which is the end of the
// export, from other faults.
func verdict(err error) error {
	if over(err) || internal(err) {
		return &goneError{err}
	}
	return err
}

// internal tells whether the server answered 500, as AB2D does for a file that
// has expired.
func internal(err error) bool {
	e := answered(err)
	return e != nil && e.Status == http.StatusInternalServerError
}

// forget drops what was received.
func (t *transfer) forget() error {
	if err := os.Remove(t.path + received); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.set(func(h *arrival) { *h = arrival{} })
}

// attempt fetches what is missing, in one request or two, and checks the whole.
func (t *transfer) attempt(ctx context.Context) error {
	t.came = 0
	have, err := t.kept()
	if err != nil {
		return err
	}
	if have == 0 {
		whole, err := t.probe(ctx)
		if err != nil {
			return err
		}
		if whole != nil { // ranges are not to be had
			return t.receiveWhole(whole)
		}
		have = 1
	}
	kept, err := os.OpenFile(t.path+received, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer kept.Close()
	last := t.arrival.Size - t.hold()
	if have >= last {
		return t.receive(kept, last, nil)
	}
	resp, err := t.ask(ctx, have, last)
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusOK: // it is another one now: all of it comes
		return errors.Join(t.forget(), t.receiveWhole(resp))
	default:
		err = t.receive(kept, have, resp)
	}
	if errors.Is(err, errOddRange) {
		return t.instead(ctx)
	}
	return err
}

// instead fetches the file whole because its ranges are not answered as asked.
// What was received is dropped only when that begins.
func (t *transfer) instead(ctx context.Context) error {
	whole, err := t.client.open(ctx, t.file, t.url)
	if err != nil {
		return err
	}
	if err := t.forget(); err != nil {
		whole.Body.Close()
		return err
	}
	return t.receiveWhole(whole)
}

// kept is how much was received of a representation that can be resumed.
func (t *transfer) kept() (int64, error) {
	if t.arrival.ETag == "" {
		return 0, t.forget()
	}
	info, err := os.Stat(t.path + received)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, t.forget()
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// hold is how many of the last bytes are left for later.
func (t *transfer) hold() int64 {
	if t.arrival.Gzip && t.file.SHA256 != nil && t.file.Length >= 0 && t.arrival.Size > 2*held {
		return held
	}
	return 0
}

// receive makes the file of the first have bytes that are kept and those that
// come, which are kept, too.
func (t *transfer) receive(kept *os.File, have int64, resp *http.Response) error {
	s := newStream(kept, have)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		if resp == nil {
			s.fill(http.NoBody)
			return
		}
		// No more is kept than was asked for.
		wanted := t.arrival.Size - t.hold() - have
		s.fill(&bounded{r: &part{r: &counted{r: wire{resp.Body}, n: &t.came}, left: wanted}, left: wanted + 1})
	}()
	err := t.write(s, t.arrival.Gzip, t.hold())
	if resp != nil {
		resp.Body.Close() // which ends fill when the writing failed
	}
	<-filled
	return err
}

// receiveWhole makes the file of an answer that cannot be resumed.
func (t *transfer) receiveWhole(resp *http.Response) error {
	defer resp.Body.Close()
	encoding, err := encoding(resp)
	if err != nil {
		return err
	}
	return t.write(&bounded{r: wire{resp.Body}, left: t.client.maxWire(t.file)}, encoding == "gzip", 0)
}

// write makes the file of a body, of which the last hold bytes are missing. It
// has its name only when it is checked and on disk.
func (t *transfer) write(body io.Reader, gzipped bool, hold int64) error {
	body, err := unpacked(body, gzipped)
	if err != nil {
		return err
	}
	if z, ok := body.(inflater); ok {
		body = unfinished{z, hold > 0}
	}
	part := t.path + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	measured, err := receive(out, body, t.file, t.client.maxFile, func(n int64) {
		t.tell(Event{Kind: EventFetching, File: t.name, Bytes: n, Of: max(t.file.Length, 0)})
	})
	if err := errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := publish(part, t.path); err != nil {
		return err
	}
	return t.set(func(h *arrival) {
		h.Done, h.Settled, h.SHA256 = true, hold == 0, t.file.promised()
		h.measure(measured)
	})
}

// settle fetches the last bytes of a file that is checked and on disk, so that
// the server knows it delivered. It may have sent them before a crash already,
// and refuse them now. If they are not to be had, nothing is lost.
func (t *transfer) settle(ctx context.Context) error {
	if t.arrival.Settled {
		return nil
	}
	if t.arrival.ETag != "" {
		err := t.client.persevere(ctx, downloadTries, func() error {
			resp, err := t.ask(ctx, t.arrival.Size-t.hold(), t.arrival.Size)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			_, err = io.Copy(io.Discard, io.LimitReader(wire{resp.Body}, t.hold()))
			return err
		}, func(err error, d time.Duration) { t.fault(t.name, err, d) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && answered(err) == nil {
			t.fault(t.name, err, 0)
			return nil
		}
	}
	return t.set(func(h *arrival) { h.Settled = true })
}

// unfinished reads gzip whose last bytes are not there: it ends before them.
type unfinished struct {
	inflater
	held bool
}

func (u unfinished) Read(p []byte) (int, error) {
	n, err := u.inflater.Read(p)
	if u.held && errors.Is(err, io.ErrUnexpectedEOF) && !lost(err) {
		err = io.EOF // whether it was all is what the checksum tells
	}
	return n, err
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n *int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
