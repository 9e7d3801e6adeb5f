package files

import (
	"fmt"
	"strings"
)

// splitKey divides a key of the form "job/name". Neither can lead outside.
func splitKey(key string) (job, name string, err error) {
	job, name, ok := strings.Cut(key, "/")
	if !ok || !plain(job) || !plain(name) {
		return "", "", fmt.Errorf("file key %q is not of the form job/name", key)
	}
	return job, name, nil
}

// plain tells whether s is one element of a path.
func plain(s string) bool {
	return s != "" && s[0] != '.' && !strings.ContainsAny(s, `/\`+"\x00")
}
