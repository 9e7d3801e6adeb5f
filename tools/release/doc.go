// Command release builds what a release of ab2d consists of: static programs for
// Linux, macOS and Windows, a list of their components (CycloneDX), packages for
// Debian and Red Hat, an image for containers, shell completions, manual pages, and
// the checksums of all. The same commit gives the same bytes.
//
//   - main.go      the steps, and the programs
//   - sbom.go      the components
//   - packages.go  .deb and .rpm
//   - image.go     the image
//
// It is a module of its own, so that what it needs is no dependency of ab2d.
package main
