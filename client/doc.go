// Package client is a client of a FHIR Bulk Data server (HL7 FHIR Bulk Data
// Access IG) that hands out tokens by OAuth2 client credentials (RFC 6749
// §4.4): this server, CMS's AB2D, or another one. Beside the standard library it
// needs go-jose for private keys, gofrs/flock for the lock of a folder, and
// errgroup.
//
// There are two ways to use it. A Folder does everything: it exports into a
// folder, again and again, and goes on after a crash at any moment.
//
//	folder, err := c.OpenFolder("claims", client.FolderOptions{})
//	run, err := folder.Sync(ctx, client.SyncOptions{Request: client.Request{Type: "ExplanationOfBenefit"}})
//	// use run.OutputPaths(), then
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
// AB2D has three versions of its API, and an export of everything is asked for
// without Request.Since in v1 and v3, and with the earliest that it takes in v2:
// see SyncOptions.First.
//
// What the server refused is an *Error. The token goes to the origin of BaseURL
// and to Config.AllowHosts, and nowhere else, and neither it nor the client's secret is ever
// part of an error. Every method of a Client is safe for concurrent use, and ends
// when its context does. A Folder is for one goroutine.
package client
