package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"time"

	"github.com/gofrs/flock"
)

var (
	// ErrLocked says that another process works in the folder.
	ErrLocked = errors.New("another export is at work in this folder")
	// ErrOtherSource says that the folder holds what another client exported,
	// or from another server.
	ErrOtherSource = errors.New("the folder belongs to another client or server")
	// ErrOtherVersion says that the folder holds claims of a version of AB2D's API
	// in which they have other ids: those of v3 and of v1 and v2 are not told apart
	// from different claims.
	ErrOtherVersion = errors.New("the folder holds claims of another version of the API")
	// ErrUnfinished says that an export with other parameters is not finished.
	ErrUnfinished = errors.New("an export with other parameters is unfinished in this folder")
)

// source is what a folder is filled from.
type source struct {
	Server   string `json:"server"`          // Config.BaseURL
	ClientID string `json:"clientId"`        // which at AB2D stands for one contract
	Group    string `json:"group,omitempty"` // FolderOptions.Group
}

// FolderOptions say what a Folder is for.
type FolderOptions struct {
	// Group exports the members of a Group, in AB2D a contract such as S1234,
	// rather than all patients.
	Group string
	// Rebind takes over a folder that was filled by another client or from
	// another address: the same contract's new client id or address. From then on
	// the folder is this client's. It does not join v3 of AB2D's API to v1 or v2.
	Rebind bool
}

// Folder is a folder that is kept up to date with what a server has, one
// export after another. Each export is a folder of its own in it, a Run, which
// has its name only when all its files are there and checked.
//
// What is done is noted in the file ab2d.json, before it counts. So a Folder
// opened again after a crash at any moment goes on where it was: the export is
// found again at the server, files that are complete are not fetched again,
// and a half one is fetched from where it broke off. The file holds no secret.
//
// One Folder at a time has a folder, in all processes of all machines that see
// the same lock. A Folder is not safe for concurrent use.
type Folder struct {
	client *Client
	dir    string
	lock   *flock.Flock
	state  state
}

// OpenFolder opens a folder that this client fills, and makes it if it is not
// there. It must be closed. A folder that holds the exports of another client,
// server or group is an ErrOtherSource, unless FolderOptions.Rebind is set, and one
// that holds claims with other ids, of another version of AB2D's API, an
// ErrOtherVersion.
func (c *Client) OpenFolder(dir string, o FolderOptions) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	f := &Folder{client: c, dir: dir, lock: flock.New(filepath.Join(dir, "ab2d.lock"), flock.SetPermissions(0o600))}
	switch got, err := f.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	case !got:
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	if err := f.open(source{Server: c.address, ClientID: c.id, Group: o.Group}, o.Rebind); err != nil {
		return nil, errors.Join(err, f.lock.Close())
	}
	return f, nil
}

func (f *Folder) open(from source, rebind bool) error {
	if err := f.state.read(f.statePath()); err != nil {
		return err
	}
	if before := f.state.Source.Server; f.filled() && otherIDs(before, from.Server) {
		return fmt.Errorf("%w: %s was filled from %s, and not from %s", ErrOtherVersion, f.dir, shown(before), shown(from.Server))
	}
	if f.state.Source == (source{}) || rebind {
		f.state.Source = from
	}
	if f.state.Source != from {
		return fmt.Errorf("%w: %s holds the exports of client %s at %s", ErrOtherSource, f.dir, f.state.Source.ClientID, shown(f.state.Source.Server))
	}
	return nil
}

// filled tells whether there is anything of the folder's source in it, or on its
// way there.
func (f *Folder) filled() bool { return len(f.state.Runs) > 0 || f.state.Current != nil }

// ab2dAPI is a base URL of AB2D's API.
var ab2dAPI = regexp.MustCompile(`/api/(v[0-9]+)/fhir/?$`)

// otherIDs tells whether two base URLs are of versions of AB2D's API that give the
// same claim different ids. v1 and v2 give it the same one, v3 another.
func otherIDs(a, b string) bool {
	x, y := ab2dAPI.FindStringSubmatch(a), ab2dAPI.FindStringSubmatch(b)
	return x != nil && y != nil && (x[1] == "v3") != (y[1] == "v3")
}

// Close lets another process have the folder.
func (f *Folder) Close() error { return f.lock.Close() }

// Dir is the folder's path.
func (f *Folder) Dir() string { return f.dir }

// Since is the moment up to which the folder is complete: where the next export
// starts. Zero when there is none yet.
func (f *Folder) Since() time.Time { return f.state.Since }

// Runs are the names of the folders of the exports that are complete, the
// oldest first. Those that somebody has removed since are left out.
func (f *Folder) Runs() (names []string) {
	for _, name := range f.state.Runs {
		if there, err := exists(filepath.Join(f.dir, name)); err != nil || there {
			names = append(names, name)
		}
	}
	return names
}

// Job is the export that is not finished; its StatusURL is empty when there is
// none, or the server has not taken it yet.
func (f *Folder) Job() Job {
	if f.state.Current == nil {
		return Job{}
	}
	return f.state.Current.Job
}

// Unfinished tells whether an export was begun and not finished.
func (f *Folder) Unfinished() bool { return f.state.Current != nil }

// SyncOptions say what a Folder exports, and how.
type SyncOptions struct {
	// Request is what to export. Its Since asks for another start than the end of
	// the last export. Its Group and IdempotencyKey are the folder's.
	Request Request
	// Full exports everything, rather than what changed since the last export.
	Full bool
	// NewMembers exports the whole history of the patients whom the server lists and
	// the folder does not have: see Folder.NewMembers. Request may not have bounds
	// or patients of its own. ErrNoNewMembers if there are none.
	NewMembers bool
	// First is Since for an export of everything, for servers that without it
	// would go on from some earlier download of anybody's, as AB2D does in v2.
	First time.Time
	// Floor is the earliest Since that the server takes; zero for any. A folder that
	// ends before it is exported whole once more: to start at the Floor would leave
	// a gap.
	Floor time.Time
	// Parallel is how many files are fetched at once; zero for four.
	Parallel int
	// Event, which may be nil, is told what happens. It is called from several
	// goroutines, one at a time.
	Event func(Event)
}

// Sync brings the folder up to date: it goes on with the export that was begun, or
// starts one, waits for it, and fetches and checks its files.
//
// The run is complete and on disk when it is returned. Until Finish is called
// the next Sync returns it again, so that what is done with a run can go on
// after a crash, too. An export that is gone at the server, because it expired,
// was canceled, or its files were fetched elsewhere, is started anew, once. An
// unfinished export that was begun with other parameters is an ErrUnfinished.
func (f *Folder) Sync(ctx context.Context, o SyncOptions) (*Run, error) {
	w := &work{Folder: f, parallel: o.Parallel, told: o.Event}
	if err := f.begin(ctx, o, w); err != nil {
		return nil, err
	}
	run, err := w.run(ctx)
	if gone, ok := errors.AsType[*goneError](err); ok {
		w.tell(Event{Kind: EventRestarted, Text: gone.Error()})
		if err := f.again(); err != nil {
			return nil, err
		}
		run, err = w.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	return run, nil
}

// begin makes the export that is to be done the current one, unless one is
// under way.
func (f *Folder) begin(ctx context.Context, o SyncOptions, w *work) error {
	r := o.Request
	r.Group = f.state.Source.Group
	a := wish{Request: r, Full: o.Full, NewMembers: o.NewMembers}
	if current := f.state.Current; current != nil {
		if !reflect.DeepEqual(current.Asked, a.normal()) {
			return ErrUnfinished
		}
		w.tell(Event{Kind: EventContinued, Text: current.Job.shown()})
		return nil
	}
	switch {
	case o.NewMembers:
		members, err := f.newMembers(ctx, o.First)
		if err != nil {
			return err
		}
		r.Patients = members[:min(len(members), MaxPatients)]
	case len(r.Patients) > 0: // whose history is asked for, unless it is bounded
	case r.Since.IsZero():
		if r.Since = f.state.Since; o.Full || r.Since.IsZero() || r.Since.Before(o.Floor) {
			r.Since = o.First
		}
	}
	r.IdempotencyKey, r.AllowPartial = rand.Text(), true
	f.state.Current = &ongoing{Asked: a.normal(), Request: r}
	return f.save()
}

// again forgets the job and what was fetched of it, so that the export starts
// anew.
func (f *Folder) again() error {
	old := f.state.Current
	f.state.Current = &ongoing{Asked: old.Asked, Request: old.Request}
	f.state.Current.Request.IdempotencyKey = rand.Text()
	if err := f.save(); err != nil {
		return err
	}
	return f.removeHalf(old)
}

// Finish says that all is done with the run that Sync returned: the next Sync
// begins a new export.
func (f *Folder) Finish() error {
	f.state.Current = nil
	return f.save()
}

// Cancel abandons the export that is not finished: it is canceled at the
// server, and what was fetched of it is removed. Without one it does nothing.
func (f *Folder) Cancel(ctx context.Context) error {
	old := f.state.Current
	if old == nil {
		return nil
	}
	if old.Job.StatusURL != "" && !old.Complete {
		if err := f.client.Delete(ctx, old.Job); err != nil && !over(err) {
			return err
		}
	}
	f.state.Current = nil
	if err := f.save(); err != nil || old.Complete {
		return err
	}
	return f.removeHalf(old)
}

// removeHalf removes what was fetched of an export that is not finished.
func (f *Folder) removeHalf(c *ongoing) error {
	if c.Run == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(f.dir, c.Run+partial)); err != nil {
		return fmt.Errorf("removing the half export: %w", err)
	}
	return nil
}

// exists tells whether there is something at a path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
