package client

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/client/clienttest"
)

// ranged answers requests without a Range with two claims, and the others as part
// says. Part gets the offsets of the first byte and after the last one.
func ranged(part func(w http.ResponseWriter, from, to int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		var from, last int
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &last); n != 2 {
			io.WriteString(w, twoClaims)
			return
		}
		part(w, from, min(last+1, len(twoClaims)))
	}
}

// answerPart answers with status 206 and a body that is said to be a range.
func answerPart(w http.ResponseWriter, from, to int, body string) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(twoClaims)))
	w.WriteHeader(http.StatusPartialContent)
	io.WriteString(w, body)
}

// TestRangesAnsweredOddly: where ranges are not answered as asked, from the first
// one or from a later one on, the file is fetched whole without them.
func TestRangesAnsweredOddly(t *testing.T) {
	tests := map[string]func(w http.ResponseWriter, from, to int){
		"as asked": func(w http.ResponseWriter, from, to int) { answerPart(w, from, to, twoClaims[from:to]) },
		"a later one ends before a line": func(w http.ResponseWriter, from, to int) {
			answerPart(w, from, to, twoClaims[from:max(from+1, to-len(oneClaim))])
		},
		"a later one is empty": func(w http.ResponseWriter, from, to int) {
			if from > 0 {
				answerPart(w, from, to, "")
				return
			}
			answerPart(w, from, to, twoClaims[from:to])
		},
		"a later one is compressed by itself": func(w http.ResponseWriter, from, to int) {
			if from > 0 {
				w.Header().Set("Content-Encoding", "gzip")
				answerPart(w, from, to, string(deflated(twoClaims[from:to])))
				return
			}
			answerPart(w, from, to, twoClaims[from:to])
		},
		"several parts": func(w http.ResponseWriter, from, to int) {
			w.Header().Set("Content-Type", "multipart/byteranges; boundary=b")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprintf(w, "--b\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s\r\n--b--\r\n", from, to-1, len(twoClaims), twoClaims[from:to])
		},
	}
	for _, status := range []int{400, 403, 405, 416, 501} {
		tests[fmt.Sprint(status)] = func(w http.ResponseWriter, _, _ int) { w.WriteHeader(status) }
		tests[fmt.Sprint(status, " for a later one")] = func(w http.ResponseWriter, from, to int) {
			if from > 0 {
				w.WriteHeader(status)
				return
			}
			answerPart(w, from, to, twoClaims[from:to])
		}
	}
	for name, part := range tests {
		for told, promise := range map[string][]clienttest.Promise{"length told": {clienttest.Length(int64(len(twoClaims)))}, "nothing told": nil} {
			t.Run(name+"/"+told, func(t *testing.T) {
				o := newOdd(t)
				o.Add("a.ndjson", ranged(part), promise...)
				f, run, err := o.sync()
				if err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(filepath.Join(f.Dir(), run.Name, "a.ndjson"))
				if err != nil || string(got) != twoClaims {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
	}
}

// TestLinkExpiresMidway: what was received under the old link is kept, although the
// server refuses the file without a range, too.
func TestLinkExpiresMidway(t *testing.T) {
	o := newOdd(t)
	content := claimLines(2000, "a")
	var asked []string
	o.Add("a.ndjson", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		if r.URL.RawQuery == "signed=1" && len(asked) > 2 {
			clienttest.Answer(http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>", "Content-Type", "application/xml")(w, r)
			return
		}
		out := &breaking{ResponseWriter: w}
		if len(asked) == 2 {
			out.left = int64(len(content) / 2)
		}
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(out, r, "", time.Time{}, strings.NewReader(content))
	})
	o.Manifest = func(poll int) string {
		return strings.ReplaceAll(o.Standard(nil), "/a.ndjson", fmt.Sprintf("/a.ndjson?signed=%d", poll))
	}
	f, run, err := o.sync()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(f.Dir(), run.Name, "a.ndjson"))
	if err != nil || string(got) != content {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	var from int
	if _, err := fmt.Sscanf(asked[len(asked)-1], "bytes=%d-", &from); err != nil || from < 1000 {
		t.Errorf("asked for %q, want to go on from where it broke off", asked)
	}
}
