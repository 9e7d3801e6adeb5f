// Package ab2d is what oapi-codegen makes of the OpenAPI document.
package ab2d
