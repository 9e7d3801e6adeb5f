package main

import (
	"testing"
	"time"
)

// TestParseDuration: days and weeks can begin a duration, and what is no duration
// is refused.
func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3d": 72 * time.Hour, "2w": 14 * 24 * time.Hour, "1w2d12h30m": (9*24+12)*time.Hour + 30*time.Minute,
		"0d": 0, "0": 0, "72h": 72 * time.Hour, "-1h": -time.Hour, "15s": 15 * time.Second,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "3", "3x", "1d2w", "1d-1h", "3D", "1.5d", "999999999w", "106751d9000000h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
