// Package client is a client of a FHIR Bulk Data server (HL7 FHIR Bulk Data
// Access IG) that hands out tokens by OAuth2 client credentials (RFC 6749
// §4.4): this server, CMS's AB2D, or another one. It needs the standard
// library only.
//
// An export goes through four calls:
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
//   - export.go    starting an export, and deleting it
//   - wait.go      asking for its status until it has ended
//   - manifest.go  what an export resulted in
//   - download.go  fetching and checking one file
//   - retry.go     which faults pass, and how long to wait
//   - error.go     what a server's refusal says
package client
