package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// paged is a server that lists files while its export runs. Each status names what is
// there so far, in pages; the export is complete when every file that it named early was
// fetched.
type paged struct {
	*bulk
	early []string // files that are listed early, in order, one a page

	mu      sync.Mutex
	polls   int
	fetched map[string]int
	fails   bool // the export fails in the end
}

func newPaged(t *testing.T, early ...string) *paged {
	p := &paged{bulk: newBulk(t), early: early, fetched: map[string]int{}}
	for i, name := range append(slices.Clone(early), "last.ndjson") {
		p.files[name] = claimLines(20, fmt.Sprint(i))
	}
	p.bulk.status = p.status
	p.bulk.file = func(_ http.ResponseWriter, r *http.Request, name string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fetched[name]++
		return false
	}
	return p
}

// status answers as the server would.
func (p *paged) status(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	page := 1
	fmt.Sscanf(r.URL.Query().Get("page"), "%d", &page)
	done := true
	for _, name := range p.early {
		done = done && p.fetched[name] > 0
	}
	if page == 1 && !done {
		p.polls++
	}
	there := min(p.polls-1, len(p.early)) // nothing is there at first
	last := len(p.early) + 1
	switch {
	case done && p.fails:
		w.Header().Set("Content-Type", "application/fhir+json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception","details":{"text":"It failed."}}]}`)
		return true
	case !done && page > there:
		w.Header().Set("X-Progress", "1% complete")
		w.WriteHeader(http.StatusAccepted)
		return true
	}
	name := "last.ndjson"
	if page < last {
		name = p.early[page-1]
	}
	link := ""
	if done && page < last || !done && page < there {
		link = fmt.Sprintf(`,"link":[{"relation":"next","url":"%s?page=%d"}]`, p.url+r.URL.Path, page+1)
	}
	if !done {
		w.WriteHeader(http.StatusAccepted)
	}
	fmt.Fprintf(w, `{"transactionTime":%q,"request":"%s/fhir/Patient/$export?%s","requiresAccessToken":true,"output":[%s],"error":[]%s}`,
		p.at, p.url, p.query, listed(p.bulk, r.PathValue("job"), name), link)
	return true
}

// listed is a file as a manifest has it.
func listed(b *bulk, job, name string) string {
	f := (&server{url: ""}).file(name, b.files[name])
	return fmt.Sprintf(`{"type":%q,"url":"%s/fhir/Job/%s/file/%s","count":%d,"extension":[{"url":"%s","valueString":"sha256:%x"},{"url":"%s","valueDecimal":%d}]}`,
		f.Type, b.url, job, name, f.Count, extChecksum, f.SHA256, extLength, f.Length)
}

// TestEarly: what is listed while the export runs is fetched then, once, and the run has
// all files in the order of the manifest. The server completes the export only when they
// are fetched, so that a client which waits for the end would wait for ever.
func TestEarly(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "a.ndjson", "b.ndjson", "c.ndjson")
	f := p.open(t.TempDir())
	var kinds []string
	run, err := f.Sync(t.Context(), SyncOptions{Event: func(e Event) { kinds = append(kinds, string(e.Kind)+" "+e.File) }})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range run.OutputPaths() {
		b, err := os.ReadFile(path)
		if name := filepath.Base(path); err != nil || string(b) != p.files[name] {
			t.Errorf("%s: %v", name, err)
		}
		names = append(names, filepath.Base(path))
	}
	if want := []string{"a.ndjson", "b.ndjson", "c.ndjson", "last.ndjson"}; !slices.Equal(names, want) {
		t.Errorf("the files are %v", names)
	}
	for _, name := range []string{"a.ndjson", "b.ndjson", "c.ndjson"} {
		early, ready := slices.Index(kinds, "early "+name), slices.Index(kinds, "ready ")
		if early < 0 || early > ready || slices.Contains(kinds, "fetched "+name) || !slices.Contains(kinds, "skipped "+name) {
			t.Errorf("%s: %v", name, kinds)
		}
		if size := int64(len(deflated(p.files[name]))); p.moved[name] != size {
			t.Errorf("%d bytes of %s came, of %d", p.moved[name], name, size)
		}
	}
	if !strings.Contains(p.whole, "allowPartialManifests=true") || f.Since() != aDay {
		t.Errorf("%s until %s", p.query, f.Since())
	}
}

// TestEarly_Fails: of an export that fails nothing stays.
func TestEarly_Fails(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "a.ndjson")
	p.fails = true
	dir := t.TempDir()
	f := p.open(dir)
	if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || !strings.Contains(err.Error(), "It failed.") {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(left) > 0 || f.Unfinished() {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestEarly_Changed: a file that the manifest describes otherwise in the end, which the
// standard forbids, is fetched again.
func TestEarly_Changed(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "a.ndjson")
	p.plain = true
	was := p.files["a.ndjson"]
	changed := strings.ToUpper(was[len(was)-40:len(was)-4]) + was[len(was)-4:]
	p.bulk.status = func(w http.ResponseWriter, r *http.Request) bool {
		p.mu.Lock()
		if p.fetched["a.ndjson"] > 0 {
			p.bulk.mu.Lock()
			p.files["a.ndjson"] = was[:len(was)-40] + changed
			p.bulk.mu.Unlock()
		}
		p.mu.Unlock()
		return p.status(w, r)
	}
	f := p.open(t.TempDir())
	run, err := f.Sync(t.Context(), SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(run.OutputPaths()[0]); err != nil || string(b) != p.files["a.ndjson"] || string(b) == was {
		t.Errorf("the file is not that of the manifest: %v", err)
	}
}

// TestAllowPartial_Refused: a server that rejects the parameter is asked again without
// it, and one that rejects the request for another reason says so.
func TestAllowPartial_Refused(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(3, "a")
	asked := 0
	b.kick = func(w http.ResponseWriter, r *http.Request) bool {
		asked++
		if !r.URL.Query().Has("allowPartialManifests") {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	f := b.open(t.TempDir())
	run, err := f.Sync(t.Context(), SyncOptions{})
	if err != nil || asked != 2 || len(run.OutputPaths()) != 1 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	b.kick = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","details":{"text":"The _since is wrong."}}]}`)
		return true
	}
	_, err = b.client().Start(t.Context(), Request{AllowPartial: true})
	if err == nil || !strings.Contains(err.Error(), "The _since is wrong.") {
		t.Error(err)
	}
}

// TestAllowPartial_Body: a request that is a POST has the parameter in its body.
func TestAllowPartial_Body(t *testing.T) {
	t.Parallel()
	r := Request{Patients: []string{"1"}, AllowPartial: true, Since: time.Unix(0, 0)}
	b, err := r.body()
	if err != nil || !strings.Contains(string(b), `{"name":"allowPartialManifests","valueBoolean":true}`) || !json.Valid(b) {
		t.Errorf("%s %v", b, err)
	}
}
