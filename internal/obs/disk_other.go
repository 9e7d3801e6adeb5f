//go:build !linux && !darwin

package obs

import "errors"

// disk is not known on this system.
func disk(string) (size, free uint64, err error) { return 0, 0, errors.ErrUnsupported }
