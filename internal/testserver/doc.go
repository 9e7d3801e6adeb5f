// Package testserver starts real servers, and a real browser, for tests. What cannot be started is
// skipped with a message, or, when AB2D_TEST_SERVERS=require is set, fails the
// test: so nothing is left out unseen where everything should be there.
//
//   - postgres.go  PostgreSQL
//   - s3.go        an S3 server, versitygw
//   - kms.go       a key management service with AWS's API, local-kms
//   - browser.go   a browser, Chromium
package testserver
