// Package faultsim simulates failures for clients of the sandbox that ask for
// them: jobs that fail, servers that are busy, downloads that break off.
//
// A client asks with the header AB2D-Simulate or, where it can change addresses
// only, with the parameter _simulate. Middleware simulates what a single request
// can; Tokens, Jobs and Claims simulate what belongs to a token or to a job.
// They decorate the interfaces of auth and export, so that neither knows of
// them. docs/sandbox.md describes each failure.
package faultsim
