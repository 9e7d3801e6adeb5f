package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"ab2d/internal/export"
)

// bucket has the semantics of S3: an object is there as a whole or not at all, also
// when the answer is lost or the request arrives late; one that is there is not
// replaced; an upload in parts that is not completed stays until it is removed.
type bucket struct {
	w       *world
	mu      sync.Mutex
	objects map[string]object
	uploads map[string]map[string]bool // by key: ids of uploads in parts
}

type object struct {
	bytes []byte
	mark  string // of its writer
}

func newBucket(w *world) *bucket {
	return &bucket{w: w, objects: map[string]object{}, uploads: map[string]map[string]bool{}}
}

var errExists = errors.New("there is an object with this name already")

// put stores an object, unless there is one of another writer.
func (b *bucket) put(_ context.Context, key, mark, upload string, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o, ok := b.objects[key]; ok {
		if o.mark == mark {
			return nil
		}
		return errExists
	}
	if upload != "" {
		if !b.uploads[key][upload] {
			return errors.New("there is no such upload")
		}
		b.endUpload(key, upload)
	}
	b.objects[key] = object{bytes.Clone(content), mark}
	return nil
}

func (b *bucket) begin(key, upload string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads[key] == nil {
		b.uploads[key] = map[string]bool{}
	}
	b.uploads[key][upload] = true
}

// endUpload forgets an upload. The caller holds mu.
func (b *bucket) endUpload(key, upload string) {
	delete(b.uploads[key], upload)
	if len(b.uploads[key]) == 0 {
		delete(b.uploads, key)
	}
}

func (b *bucket) abort(key, upload string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endUpload(key, upload)
}

func (b *bucket) get(key string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	return o.bytes, ok
}

func (b *bucket) remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
	delete(b.uploads, key)
}

// keys lists the names of objects and uploads that begin with prefix.
func (b *bucket) keys(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]bool{}
	for k := range b.objects {
		all[k] = true
	}
	for k := range b.uploads {
		all[k] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// objects is the bucket, or a mutant of it.
type objects interface {
	put(ctx context.Context, key, mark, upload string, content []byte) error
	get(key string) ([]byte, bool)
	remove(key string)
	keys(prefix string) []string
	begin(key, upload string)
	abort(key, upload string)
}

// processFiles is the bucket as a process calls it.
type processFiles struct{ caller }

func (f *processFiles) Create(ctx context.Context, key string) (export.FileWriter, error) {
	name := f.w.number("writer of " + key)
	r := f.w.random(name)
	w := &writer{files: f, ctx: ctx, key: key, mark: name}
	if r.IntN(2) == 0 {
		w.upload = name
	}
	return w, nil
}

func (f *processFiles) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	return do(ctx, f.caller, "Open file", reads, func(context.Context) (io.ReadSeekCloser, error) {
		content, ok := f.w.objects.get(key)
		if !ok {
			return nil, export.ErrNoFile
		}
		return &content1{bytes.NewReader(content)}, nil
	})
}

type content1 struct{ *bytes.Reader }

func (*content1) Close() error { return nil }

func (f *processFiles) List(ctx context.Context, job string) ([]string, error) {
	return do(ctx, f.caller, "List", reads, func(context.Context) ([]string, error) { return f.w.objects.keys(job + "/"), nil })
}

func (f *processFiles) Remove(ctx context.Context, key string) error {
	return doing(ctx, f.caller, "Remove", writes, func(context.Context) error { f.w.objects.remove(key); return nil })
}

// Jobs lists the jobs of which anything is stored.
func (f *processFiles) Jobs(ctx context.Context) ([]string, error) {
	return do(ctx, f.caller, "Stored jobs", reads, func(context.Context) ([]string, error) {
		var ids []string
		for _, k := range f.w.objects.keys("") {
			id, _, _ := strings.Cut(k, "/")
			ids = append(ids, id)
		}
		return slices.Compact(ids), nil
	})
}

// writer writes an object: at once at its end, or as an upload in parts.
type writer struct {
	files  *processFiles
	ctx    context.Context
	key    string
	mark   string
	upload string
	begun  bool
	buffer []byte
	done   bool
}

func (w *writer) Write(b []byte) (int, error) {
	if w.upload != "" && !w.begun {
		err := doing(w.ctx, w.files.caller, "Begin upload", writes, func(context.Context) error { w.files.w.objects.begin(w.key, w.upload); return nil })
		if err != nil {
			return 0, fmt.Errorf("begin an upload: %w", err)
		}
		w.begun = true
	}
	w.buffer = append(w.buffer, b...)
	return len(b), nil
}

func (w *writer) Commit() error {
	if w.done {
		return errors.New("the file is closed")
	}
	w.done = true
	upload := ""
	if w.begun {
		upload = w.upload
	}
	return doing(w.ctx, w.files.caller, "Put", writes, func(ctx context.Context) error { return w.files.w.objects.put(ctx, w.key, w.mark, upload, w.buffer) })
}

func (w *writer) Abort() {
	if w.done || !w.begun {
		w.done = true
		return
	}
	w.done = true
	ctx := context.WithoutCancel(w.ctx)
	_ = doing(ctx, w.files.caller, "Abort upload", writes, func(context.Context) error { w.files.w.objects.abort(w.key, w.upload); return nil })
}
