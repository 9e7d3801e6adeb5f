// Package internal holds no code; its test keeps the import rule of
// ARCHITECTURE.md.
package internal
