package export

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPages: however a job's files become ready, its pages list every file once and in
// order, a page never changes, and only the last page of a completed job is final.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.OneOf(rapid.IntRange(0, 30), rapid.IntRange(0, 200_000)).Draw(t, "files")
		seen := map[int]Page{}
		j := &Job{Partial: true, State: Running}
		walk := func() (listed int, final bool) {
			for n := 1; ; n++ {
				p, ok := j.Page(n)
				if !ok {
					return listed, final
				}
				if p.First != listed+1 || p.Last > j.ReadyFiles || p.Last < listed || p.Last-p.First+1 > maxPageFiles {
					t.Fatalf("page %d of %d ready files is %+v after %d", n, j.ReadyFiles, p, listed)
				}
				if before, was := seen[n]; was && (before.First != p.First || before.Last != p.Last || before.Final != p.Final || before.Next && !p.Next) {
					t.Fatalf("page %d was %+v and is %+v", n, before, p)
				}
				_, next := j.Page(n + 1)
				if p.Next != next || p.Final && (next || j.State != Completed) {
					t.Fatalf("page %d of %d ready files is %+v, the next is there: %v", n, j.ReadyFiles, p, next)
				}
				seen[n], listed, final = p, p.Last, p.Final
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "polls") {
			j.ReadyFiles = rapid.IntRange(j.ReadyFiles, total).Draw(t, "ready")
			if _, final := walk(); final {
				t.Fatal("a running job has a last page")
			}
		}
		j.ReadyFiles, j.State = total, Completed
		if listed, final := walk(); listed != total || !final {
			t.Fatalf("%d of %d files are listed, final: %v", listed, total, final)
		}
	})
}
