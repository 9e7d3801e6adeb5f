// Package bfd reads claims and enrollment from CMS's FHIR server BFD
// (Beneficiary FHIR Data). It gives what the server holds, as raw resources, and
// decides nothing about them: packages eob and coverage do that, as for files.
//
// BFD can lose claims without saying so. In versions 1 and 2, a fault inside the
// server becomes a good answer with an empty Bundle. In version 3, an answer is cut
// into pages although nobody asked for pages. So the client follows every next
// link, counts what comes, and never takes "nothing" for "there is nothing" where
// the caller knows better: see [ErrEmpty].
//
//   - config.go      configuration, and the client
//   - claims.go      claims of a person
//   - enrollment.go  people of a contract in a month
//   - patient.go     a person's number of version 3, by MBI
//   - ping.go        whether a server is active
//   - search.go      all pages of a search, each resource once
//   - link.go        where the next page is
//   - page.go        a Bundle, as a stream
//   - call.go        one call: its deadline, and what it says of its host
//   - retry.go       which failures are tried again, and when
//   - gate.go        calls at a time and in a second; the circuit breaker
//   - tls.go         certificates, read again when they change
//   - pkcs12.go      a certificate and its key from a PKCS#12 file
//   - error.go       what failed, and how
//
// Identifiers of persons are in the URLs of the calls. No URL, and no text that the
// server wrote, gets into an error or a log.
package bfd
