package obs

import "golang.org/x/sys/unix"

// FreeSpace returns how many bytes this user can still store in a folder; false if
// that is not known.
func FreeSpace(folder string) (uint64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
