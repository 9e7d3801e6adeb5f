package files

import (
	"fmt"
	"strings"

	"ab2d/internal/export"
)

// Open opens the store at an address, "dir:" and a path.
func Open(address string) (export.Files, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch {
	case scheme == "dir" && rest != "":
		return OpenDir(rest)
	case address == "discard:":
		return Discard{}, nil
	case scheme == "s3":
		return OpenS3(address)
	}
	return nil, fmt.Errorf("file store %q is not supported: write dir:PATH, for example dir:ab2d-data/files, "+
		"or s3://BUCKET/PREFIX?endpoint=https://HOST", scheme+":")
}
