// Package admin is the operator's side: sponsors, contracts, clients, jobs,
// signing keys, maintenance, the audit log and admin tokens.
//
// Service does the work. Its methods check what they are given, and each change
// is in the audit log before the method returns. Handler serves the methods at
// /admin/v1, behind admin tokens; LocalHandler serves them without tokens to
// somebody who works on the database itself, which is how "ab2d admin" calls
// them. openapi.yaml describes the routes.
package admin
