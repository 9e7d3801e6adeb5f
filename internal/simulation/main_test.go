package simulation_test

import (
	"os"
	"runtime/debug"
	"testing"

	"ab2d/internal/testserver"
)

// TestMain lets garbage be collected less often: histories are short, and make much.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(testserver.Main(m))
}
