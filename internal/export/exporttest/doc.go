// Package exporttest holds every implementation of the interfaces of package
// export to their contracts, with one suite for all of each kind. A new one
// joins with a test of a few lines:
//
//		func TestDir(t *testing.T) {
//			exporttest.RunFiles(t, func(t *testing.T) export.Files { … })
//		}
//
//	  - clock.go   a clock that tests move by hand
//	  - files.go   the suite for export.Files
//	  - jobs.go    the suite for export.Jobs
//	  - jobs_base.go  which job the next one continues from
//	  - queue.go   the suite for export.Queue
//	  - source.go  enrollees and claims written down by a test
package exporttest
