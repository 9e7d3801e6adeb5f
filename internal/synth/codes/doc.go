// Package codes holds the code tables of synthetic claims: diagnoses, procedures,
// services, hospital stays, providers, states and claim types. Each table names
// its source.
//
// The tables use only code systems that are free to use. They contain no CPT
// codes. The order of each table and its weights decide which claims a seed gives,
// so every change to a table changes the generator version.
//
// Callers must not change the tables. Reading them is safe for concurrent use.
package codes
