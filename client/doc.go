// Package client is a client of a FHIR Bulk Data server (HL7 FHIR Bulk Data
// Access IG) that hands out tokens by OAuth2 client credentials (RFC 6749
// §4.4): this server, CMS's AB2D, or another one. Beside the standard library it
// needs go-jose for private keys, gofrs/flock for the lock of a folder, and
// errgroup.
//
// There are two ways to use it. A Folder does everything: it exports into a
// folder, again and again, and goes on after a crash at any moment.
//
//	folder, err := client.OpenFolder("claims", client.Source{Server: base, ClientID: id}, false)
//	run, err := folder.Export(ctx, c, client.Request{Type: "ExplanationOfBenefit"}, client.Options{})
//	// use folder.Paths(run, "output"), then
//	err = folder.Finish()
//
// Or an export goes through four calls of one's own:
//
//	c, err := client.New(client.Config{
//		BaseURL:      "https://sandbox.ab2d.cms.gov/api/v2/fhir",
//		TokenURL:     "https://test.idp.idm.cms.gov/oauth2/aus2r7y3gdaFMKBol297/v1/token",
//		ClientID:     id,
//		ClientSecret: secret,
//	})
//	job, err := c.Start(ctx, client.Request{Type: "ExplanationOfBenefit"})
//	manifest, err := c.Wait(ctx, job, func(p client.Progress) { fmt.Println(p.Text) })
//	for _, f := range manifest.Output {
//		path, err := c.Download(ctx, f, "claims", nil)
//	}
//
// and, when all is safely kept, a fifth: c.Delete(ctx, job).
//
// What the server refused is an *Error. The token goes to the origin of
// BaseURL and nowhere else, and neither it nor the client's secret is ever
// part of an error. Every method is safe for concurrent use, and ends when its
// context does.
//
//   - client.go    Config, Client, and the way of one request
//   - token.go     the access token: fetched, kept, renewed
//   - key.go       a private key instead of a secret
//   - discover.go  finding the token endpoint
//   - export.go    starting an export, and deleting it
//   - wait.go      asking for its status until it has ended
//   - manifest.go  what an export resulted in
//   - download.go  fetching and checking one file
//   - folder.go    a folder that is kept up to date
//   - state.go     what of it is done, in a file that survives a crash
//   - work.go      the way of one export into it
//   - transfer.go  one file into it, resumed where it broke off
//   - ranges.go    asking for a part of a file
//   - stream.go    what comes of it, kept while it is checked
//   - run.go       an export that is complete in it
//   - event.go     what happens meanwhile
//   - issue.go     what the server reports in its error files
//   - retry.go     which faults pass, and how long to wait
//   - error.go     what a server's refusal says
package client
