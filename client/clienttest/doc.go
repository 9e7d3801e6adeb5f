// Package clienttest has a FHIR Bulk Data server for tests of clients. It gives the
// answers that servers of the world give: those of the standard, and those that a
// client must not fall for, such as an error that comes with status 200, a part of
// the file for another range than was asked for, or a body that never ends.
//
//	s := clienttest.NewServer(t)
//	s.Add("a.ndjson", clienttest.Stall(`{"resourceType":"ExplanationOfBenefit"}`))
//	// export from s.BaseURL(), and expect an error
//
// It asks for a token when it has a ClientID, and it keeps a record of the requests.
// It is safe for concurrent use when it is set up before the first request.
package clienttest
