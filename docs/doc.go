// Package docs holds the documents for sponsors and operators within the program, so
// that the server's pages show the same text as the repository. The documents for
// contributors, performance.md, reliability.md and decisions, are only in the repository.
package docs

import "embed"

// Files are the documents, as NAME.md, and the files that they give to the reader, such as
// analysis/claims.R.
//
//go:embed account.md analysis.md analysis-cclf-tuva.md client.md clouds.md compatibility.md data-dictionary.md importing.md operating.md sandbox.md security.md v3.md analysis
var Files embed.FS
