//go:build !crashpoints

package obs

// CrashPoint does nothing. In programs built with the tag crashpoints, for
// tests only, it kills the process if it was told to die at this point.
func CrashPoint(string) {}
