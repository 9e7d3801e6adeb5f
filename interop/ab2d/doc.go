// Package ab2d is what oapi-codegen makes of the OpenAPI document: go generate in the folder
// above writes it, and it is not kept.
package ab2d
