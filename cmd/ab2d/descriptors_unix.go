//go:build !windows && !plan9

package main

import "syscall"

// descriptors is how many files and connections this process may have open; 0 if
// that is not known.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
