// Package bfd reads claims and enrollment from CMS's FHIR server BFD
// (Beneficiary FHIR Data). It returns raw resources. Packages eob and coverage decide
// what is delivered of them, as they do for files.
//
// BFD can lose claims without an error. In versions 1 and 2, an internal error of the
// server becomes a successful response with an empty Bundle. In version 3, a response
// has pages even if the request has no page size. So the client follows every next
// link and counts the resources. It does not accept an empty result if the caller knows
// that there are claims: see [ErrEmpty].
//
//   - config.go      configuration, and the client
//   - claims.go      claims of a person
//   - enrollment.go  people of a contract in a month
//   - patient.go     a person's number of version 3, by MBI
//   - ping.go        whether a server is active
//   - search.go      all pages of a search, each resource once
//   - link.go        where the next page is
//   - page.go        a Bundle, as a stream
//   - call.go        one call: its deadline, and what it shows about its host
//   - retry.go       which calls are tried again, and when
//   - gate.go        how many calls run at once and start in a second; the circuit breaker
//   - tls.go         certificates, read again when they change
//   - pkcs12.go      a certificate and its key from a PKCS#12 file
//   - error.go       what failed, and how
//
// The URLs of the calls contain identifiers of persons. So errors and logs contain no URL
// and no text that the server wrote.
package bfd
