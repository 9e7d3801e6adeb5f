// Package interop exports with clients that know nothing of this project: one
// that oapi-codegen makes of the OpenAPI document (ab2d/), with golang.org/x/oauth2
// for the access token, and the ways of the clients that sponsors have. It also reads with another library
// what ab2d export writes. It is a
// module of its own, so that what they need stays out of the program's.
//
//	sandbox_test.go    the server they all talk to: the built program, ab2d sandbox
//	generated_test.go  the generated client, which go generate makes, and ./test before it tests
//	cms_test.go        CMS's bash client (testdata/cms.sh, cms-download.sh) and its Python client (cms.py)
//	smart_test.go      SMART's bulk-data-client
//	google_test.go     Google's bulk_fhir_fetch
//	parquet_test.go    the tables of ab2d export, read by Apache Arrow
//
// None of those clients is in a registry, so that what each does is typed anew
// from what is known of it; each file says what that is.
package interop

//go:generate go tool oapi-codegen -generate types,client -package ab2d -o ab2d/ab2d.gen.go ../internal/api/openapi.yaml
