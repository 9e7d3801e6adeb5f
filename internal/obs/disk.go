//go:build linux || darwin

package obs

import (
	"fmt"
	"syscall"
)

// disk tells how many bytes the file system of a path has, and how many of them this
// user can still write.
func disk(path string) (size, free uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, fmt.Errorf("read the free space of %s: %w", path, err)
	}
	return s.Blocks * uint64(s.Bsize), s.Bavail * uint64(s.Bsize), nil
}
