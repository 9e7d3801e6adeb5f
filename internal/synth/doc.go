// Package synth is a source of synthetic people and their Medicare Part A and
// Part B claims. It implements export.Roster and export.Claims. Nothing is stored:
// every value is computed from a seed when it is asked for, and is the same on
// every machine and in every run.
//
// [Source] answers an export: contracts, snapshots, enrollees and claims. Everything
// is as of a moment that comes from outside, the job's snapshot and transactionTime.
// So the same seed and moment give the same bytes, a running sandbox has new claims
// every week, and a claim changes only together with its lastUpdated.
//
// Versions 1 and 2 of the API have all versions of a claim. Version 3 has the newest
// only, under ids and patient numbers of its own, and loads on Mondays. The people,
// the claims and what happens to them are the same.
//
// For tests of a pipeline, [Source.Expected] computes independently which claims an
// export must deliver, [Source.Dataset] writes the same claims as import files, and
// [Dataset.Statistics] counts them.
//
// The packages below this one do the work, each using only those before it:
// random (random streams), codes (code tables), population (people), claimgen
// (claims) and eobjson (claims as JSON).
package synth
