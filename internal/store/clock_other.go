//go:build !linux

package store

import "time"

// elapsed is this machine's clock. Go has no other that also runs while the
// machine sleeps; so here a clock that is set shows only against PostgreSQL's.
func elapsed() time.Duration { return time.Duration(time.Now().UnixNano()) }
