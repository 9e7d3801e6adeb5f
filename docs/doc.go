// Package docs has the documents of this directory within the program, so that
// the server's pages show the same text as the repository.
package docs

import "embed"

// Files are the documents: *.md, and decisions/*.md.
//
//go:embed *.md decisions/*.md
var Files embed.FS
