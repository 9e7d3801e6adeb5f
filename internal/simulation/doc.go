// Package simulation runs the export engine, the store, the audit log, the API and the
// client's folder through histories of faults, and judges each of them. It has tests only,
// so that nothing of it can be part of the program. docs/reliability.md says what it shows.
//
// A history is decided by its seed. The processes run as goroutines. Each of their calls to
// the database, the bucket and the network waits in world.ask until it may go on, and is
// then done, slow, failed, or lost after it took effect, or it is the last of its process.
// In virtual time (testing/synctest) one call runs at a time, so that a seed gives the same
// history again. Each decision is drawn from the seed and the name of the call, such as
// "w1.1 CommitPart#2": to leave one out does not change the others, so that a failing
// history can be made small.
//
//	world, fault, process       the clock, the calls, the faults; what dies and starts again
//	engine, bucket, network     what processes call: the store, an S3 bucket in memory, HTTP in memory
//	server, sponsor, operator   the API; who exports; who changes the data
//	data                        what sponsors are entitled to, told by what took effect
//	judge, judge_files,         what must not happen: while it happens, about files, and at the end
//	judge_end, reference        what an undisturbed run makes of the same job
//	imports                     histories of imports and of a mirror
//	mutation                    faults that are put into the engine, all of which are to be found
//	simulate, postgres          the tests, in virtual time and on a real PostgreSQL
package simulation
