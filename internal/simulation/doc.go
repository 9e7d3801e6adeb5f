// Package simulation runs the export engine through histories of faults.
package simulation
