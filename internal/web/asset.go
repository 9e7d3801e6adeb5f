package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
)

//go:embed assets templates
var embedded embed.FS

// assets are the files that pages load. Their addresses hold a checksum of all
// of them, so that a browser may keep them for ever and yet never mixes those
// of two releases.
type assets struct {
	files fs.FS
	path  string // assets/CHECKSUM/
}

func newAssets() (assets, error) {
	files, err := fs.Sub(embedded, "assets")
	if err != nil {
		return assets{}, err
	}
	h := sha256.New()
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		return err
	})
	return assets{files: files, path: "assets/" + hex.EncodeToString(h.Sum(nil)[:8]) + "/"}, err
}

// handler serves the files at their address.
func (a assets) handler() http.Handler {
	files := http.StripPrefix("/"+a.path, http.FileServerFS(a.files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		files.ServeHTTP(w, r)
	})
}
