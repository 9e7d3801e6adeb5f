// Package account is what a sponsor sees and changes of its client: secrets, keys,
// networks, jobs, downloads, its contract's part of the audit log, and what it asks
// operators for.
//
// Handler serves all of it at /account/v1 to access tokens with the scope account. The
// changes are those of package admin, within the bounds of this package: a sponsor never
// locks itself out, and what goes beyond what an operator set waits for an operator.
// openapi.yaml describes the routes.
//
//   - handler.go   who may ask; the table of routes; what a request sends
//   - account.go   what a sponsor sees of its client
//   - secret.go    new secrets in the place of old ones
//   - key.go       keys, with a proof that the client has them
//   - network.go   networks that its requests may come from
//   - activity.go  jobs, downloads and the audit log, in pages
//   - request.go   what it asks operators for
package account
