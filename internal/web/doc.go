// Package web is the pages for people: the tutorial with this server's address
// in its commands, the documents, the API reference, a page that runs an export
// in the browser, the account of a sponsor, and the operators' dashboard.
//
// Everything is rendered on the server from what is true here: the address of
// the request, the sandbox's sponsors, docs/*.md and the OpenAPI document. The
// templates and assets are embedded; there is no build step, and nothing is
// loaded from elsewhere. All pages but /try, /account and /dashboard can be used
// without JavaScript; searching needs it.
//
//   - handler.go   makes the pages when the first is asked for
//   - site.go      the pages' addresses; what is not a page goes to the API
//   - header.go    the Content-Security-Policy and the other headers
//   - page.go      what every page has: title, navigation, the way to its root
//   - tutorial.go  the tutorial and the try page: sponsors, and the choice
//   - document.go  Markdown into HTML, by goldmark
//   - index.go     the list of documents
//   - dictionary.go the data dictionary, from dictionary.csv
//   - greeting.go  what a terminal gets at /
//   - fault.go     errors of the API as pages, for people
//   - reference.go the references of the API, the administration and the account
//   - samples.go   each operation for curl, Python, Go and PowerShell
//   - postman.go   the references as Postman collections
//   - openapi.go   reads the OpenAPI documents
//   - schema.go    lists the fields of their schemas
//   - asset.go     style sheet, scripts and picture, under an address that
//     changes with them
//
// templates/ has a file for each kind of page. In assets/ the scripts of a page
// are named for what they do: try.js is the way of an export, dashboard.js asks
// the administration (/admin/v1), and account.js the account (/account/v1).
package web
