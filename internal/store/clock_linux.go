package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// elapsed is a clock that nobody can set and that also runs while the machine
// sleeps: what is read of it is good only for differences.
func elapsed() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}
