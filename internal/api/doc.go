// Package api is the HTTP API of sponsors.
//
// # Request flow
//
//  1. api.go lists the middleware in the order in which it runs: an id and the
//     caller's address, log and metrics, fixed headers, CORS, limits of the body.
//  2. routes.go has the one table of all routes, for v1 and v2 alike, with what
//     each needs. Paths are written nowhere else.
//  3. A route that is not public finds the client of the access token
//     (auth.Checker), anew for each request.
//  4. The handler parses, makes one call into the domain and writes the
//     response, or returns an error.
//  5. rest.Responder turns an error into a status, an OperationOutcome and a log
//     line. Internal texts stay in the log.
//
// openapi.yaml describes all of this for those who write clients. Tests fail if
// a route, status, header or field is missing from it.
//
// The operator's routes are in package admin, and simulated failures of the
// sandbox in package faultsim.
package api
