// Package export is the heart: jobs, their parts and their files, from the
// accepted request to the expired result.
//
// # The way of a job
//
//		            Accept           plan            last part + finish
//		request ──────────▶ accepted ────▶ running ────────────────────▶ completed ──▶ expired
//		                        │             │                              │   time is up
//		                        ├─────────────┤ Delete                       │ Delete
//		                        │             ▼                              ▼
//		                        │         canceled ◀────────────────────────┘
//		                        └──▶ failed ◀──┘ a step failed for the last time
//
//	 1. accept.go: the rules of a request, then one INSERT. The job's row is the
//	    queue entry; there is no second record that could fall out of step. The
//	    transactionTime is fixed here.
//	 2. worker.go: a worker leases a step (queue.go) for a quarter of a minute
//	    and extends the lease while it works. A lapsed lease is simply free
//	    again: that is the recovery from a crash, and there is no other.
//	 3. plan.go: StepPlan reads the contract's enrollment as one snapshot and cuts
//	    it into parts of a few hundred enrollees. A job that is limited to patients
//	    has those of them who are enrolled (patients.go).
//	 4. part.go: StepPart reads the claims of its enrollees (source.go), keeps
//	    those that coverage.Selection delivers, and writes them by output.go,
//	    which hashes, counts and compresses while it writes and begins a new
//	    file at the size limit. Every enrollee gets one outcome (ledger.go).
//	 5. A part becomes visible by one transaction, Queue.CommitPart, which stores
//	    its files and its ledger, and only if the lease is still held.
//	    Its file of deletions names claims that were withdrawn (deleted.go). If the
//	    client allows it, files can be downloaded from then on (page.go).
//	 6. finish.go: StepFinish reconciles the ledger with the enrollment, numbers the
//	    files in enrollee order, writes the error file, and completes the job.
//	 7. sweep.go: StepSweep deletes what is stored for the job and is none of its
//	    files: what crashed attempts left behind, and everything once the job has
//	    been canceled, has failed or has expired.
//
// All moves between states are compare-and-swap on the state and the lease, so
// a canceled job is never overwritten by a late "failed" or "completed".
//
// The same job gives the same files: enrollees are taken in ascending order of
// id, a source gives an enrollee's claims always in the same order, and file
// borders depend on lengths alone.
//
// The package knows no database, no file system and no source of claims: Jobs,
// Queue, Files, Roster and Claims stand here, with those who call them; the
// suites in exporttest hold every implementation to their contracts.
package export
