package web

import (
	"slices"
	"strings"
)

// shelf is a part of the list of documents.
type shelf struct {
	Name      string
	Documents []entry
}

// entry is a page in the list of documents.
type entry struct{ Path, Title, Text string }

// index lists all documents, and the other pages that people read, by who reads them.
func (s *Site) index() []shelf {
	shelves := []shelf{
		{Name: "For sponsors", Documents: []entry{
			{"/", "Tutorial", "Seven steps from your credentials to the claims of your enrollees."},
			{Path: "/docs/client", Text: "Download claims every week with ab2d export, resume after interruptions, and convert them to tables."},
			{Path: "/docs/account", Text: "Replace your secret, move to a key, choose networks, and see your jobs and audit log."},
			{Path: "/docs/analysis", Text: "Answer questions about the claims with DuckDB, Python or R."},
			{Path: "/docs/analysis-cclf-tuva", Text: "How the tables map to CMS's claim and claim line feed and to the Tuva data model."},
			{Path: "/docs/data-dictionary", Text: "Every field of a claim in the three versions, with examples, codes and Parquet columns."},
			{Path: "/docs/v3", Text: "What changes between versions 2 and 3, and how to move."},
			{Path: "/docs/compatibility", Text: "How this server differs from CMS's AB2D, and why."},
			{Path: "/docs/sandbox", Text: "Sponsors, credentials, synthetic people and claims, simulated failures and expected results."},
			{"/reference", "API reference", "Every operation with its parameters, responses and examples, an OpenAPI document and a Postman collection."},
		}},
		{Name: "For operators", Documents: []entry{
			{Path: "/docs/operating", Text: "Run a server on one machine or on many: settings, keys, metrics, backups and updates."},
			{Path: "/docs/clouds", Text: "What to order from AWS, Google Cloud or Azure, which permissions, and what it costs."},
			{Path: "/docs/importing", Text: "Import contracts, enrollment, opt-outs and claims."},
			{Path: "/docs/security", Text: "What the server promises against each kind of attacker, and what the operator must do."},
			{"/reference/admin", "Administration API", "What operators can do over HTTP: contracts, clients, jobs, keys, maintenance and the audit log."},
			{"/dashboard", "Dashboard", "What the server is doing now. It needs an admin token."},
		}},
		{Name: "Set up a computer", Documents: []entry{
			{"/setup/macos", "macOS", "Install curl and jq for the tutorial."}, {"/setup/linux", "Linux", "Install curl and jq for the tutorial."},
			{"/setup/windows", "Windows", "Use PowerShell, or bash in the Windows Subsystem for Linux."},
		}},
		{Name: "More"},
	}
	if s.AccountAPI != nil {
		shelves[0].Documents = append(shelves[0].Documents,
			entry{"/account", "Account", "Your client's secrets, keys, networks, jobs, downloads and audit log. It needs your credentials."},
			entry{"/reference/account", "Account API", "The same for programs."})
	}
	seen := map[string]bool{}
	for i := range shelves {
		for j := range shelves[i].Documents {
			e := &shelves[i].Documents[j]
			if name, ok := strings.CutPrefix(e.Path, "/docs/"); ok {
				e.Title = s.documents[name].Title
				seen[name] = true
			}
		}
		shelves[i].Documents = slices.DeleteFunc(shelves[i].Documents, func(e entry) bool { return e.Title == "" })
	}
	last := &shelves[len(shelves)-1]
	for name, d := range s.documents {
		if !seen[name] {
			last.Documents = append(last.Documents, entry{Path: "/docs/" + name, Title: d.Title, Text: d.Summary})
		}
	}
	slices.SortFunc(last.Documents, func(a, b entry) int { return strings.Compare(a.Title, b.Title) })
	return shelves
}
