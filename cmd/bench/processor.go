package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// ticks are the parts of a second in which Linux counts processor time for programs.
const ticks = 100

// processorOf is the processor time of a running process, in seconds. Unlike wall time
// it does not count the time in which others have the processor. It is an error where
// there is no /proc.
func processorOf(process int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(process), "stat"))
	if err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	// proc_pid_stat(5): the name is in parentheses; utime and stime are the 14th and 15th.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the processor time: %q has too few fields", text)
	}
	var sum float64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseFloat(string(f), 64)
		if err != nil {
			return 0, fmt.Errorf("read the processor time: %w", err)
		}
		sum += n
	}
	return sum / ticks, nil
}

// used is the processor time that a process uses while f runs, in seconds.
func used(process int, f func() error) (float64, error) {
	before, err := processorOf(process)
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := processorOf(process)
	return after - before, err
}

// usedHere is the same of this process.
func usedHere(f func() error) (float64, error) { return used(os.Getpid(), f) }
