// Package rest holds what all HTTP servers of this program share: a table of
// routes, the one place where an error becomes a response, the audit of rejected
// requests, and the limits of connections and of time. The sponsor's API (package api) and the operator's
// (package admin) are built on it.
package rest
