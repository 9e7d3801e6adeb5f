package web_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"ab2d/docs"
)

// TestAttachments: a document leads to the files that it gives to its readers, which come as
// they are.
func TestAttachments(t *testing.T) {
	h := site(t, settings(t))
	page := ask(h, "GET", "/docs/analysis").Body.String()
	for _, name := range []string{"analysis/claims.ipynb", "analysis/claims.R"} {
		want, err := docs.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w := ask(h, "GET", "/docs/"+name)
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v, %d bytes", name, w.Code, w.Header(), w.Body.Len())
		}
		if !strings.Contains(page, `href="`+name+`"`) {
			t.Errorf("the page has no link to %s", name)
		}
	}
}
