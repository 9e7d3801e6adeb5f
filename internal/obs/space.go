package obs

import (
	"fmt"
	"syscall"
)

// minSpace is what must be free on a disk, so that a server can still record what it
// does.
const minSpace = 32 << 20

// CheckSpace returns an error that is syscall.ENOSPC if less than 32 MiB are free in
// a folder.
func CheckSpace(folder string) error {
	if free, ok := FreeSpace(folder); ok && free < minSpace {
		return fmt.Errorf("%d KiB are free: %w", free>>10, syscall.ENOSPC)
	}
	return nil
}
