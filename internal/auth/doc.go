// Package auth lets sponsors in: it gives OAuth2 clients access tokens for
// their secrets, by the client credentials grant (RFC 6749 §4.4), and checks
// the tokens that come back with each request (RFC 6750).
//
// A token is a JWT signed with ES256. It only says who the client is: whether
// the client is still allowed in is looked up at every request, so that
// disabling it works at once.
//
//   - server.go    the authorization server: what it is made of, how it writes answers
//   - token.go     the token endpoint: from a request to a grant
//   - form.go      the parameters of a token request
//   - scope.go     the scopes a client can have
//   - error.go     the errors of the token endpoint, RFC 6749 §5.2
//   - metadata.go  the public keys as a JWK Set, and the server's metadata, RFC 8414
//   - client.go    clients and the check of their secrets
//   - secret.go    secrets that the server makes, and their fast hashes
//   - guard.go     bounds for guessing secrets
//   - line.go      waiting in turn for a slow hash to be compared
//   - assertion.go clients that sign an assertion instead, private_key_jwt
//   - keyset.go    their keys, registered or at a URL
//   - fetch.go     reading documents of others, safely
//   - issuer.go    tokens of an authorization server of somebody else
//   - credential.go  which secret or key a token was issued for, and whether the client still has it
//   - possession.go  proofs that a client has a key that is to be registered
//   - basic.go     reading a client's id and secret from HTTP Basic
//   - key.go       signing keys
//   - keyring.go   the signing keys at hand, reloaded when they change
//   - rotate.go    new keys in the place of old ones
//   - seal.go      encryption of stored keys
//   - jwt.go       what a token says, and signing it
//   - bearer.go    checking the token of a request
package auth
