// Package ab2d holds the changelog within the program, so that the server's pages
// show the same text as the repository.
package ab2d

import _ "embed"

// Changelog is CHANGELOG.md, in Markdown.
//
//go:embed CHANGELOG.md
var Changelog []byte
