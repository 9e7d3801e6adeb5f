// Package api is the HTTP face.
//
// # The way of a request
//
//  1. obs/http.go gives it an id and logs how it ended; headers.go sets the
//     headers that every response has.
//  2. routes.go has the one table of all routes, for v1 and v2 alike, with what
//     each needs. The only place where paths are written.
//  3. bearer.go finds the client of the access token (auth/bearer.go), at every
//     request anew.
//  4. The handler: kickoff.go, status.go, delete.go, file.go, metadata.go,
//     health.go. Parse, one call into the domain, write; or return an error.
//     params.go reads the parameters of a kick-off and reports all their faults
//     together.
//  5. errors.go is the one place where an error becomes a status, an
//     OperationOutcome and a log line. What is internal stays in the log.
//
// practice.go, in a sandbox, gives clients bad days if they ask for them.
//
// openapi.yaml describes all of this to those who write clients, by hand;
// openapi.go serves it. A route that is not in it fails the tests, and so does a
// status, a header or a field.
//
// admin.go has the table of /admin/v1 and admits administrators; admin_client.go,
// admin_contract.go, admin_job.go and admin_system.go are its handlers, which
// ab2d admin uses as well. maintenance.go keeps new exports out. refused.go puts
// refusals on record.
//
// delivery.go decides whether a file was delivered completely, which is what the
// limit of downloads counts; delivery_linux.go and delivery_other.go look at its
// connection. inflate.go reads a stored file as what is in it. url.go makes the
// absolute URLs.
package api
