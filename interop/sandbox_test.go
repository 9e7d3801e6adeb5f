package interop

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The sponsor PDP-100 as the tutorial prints it.
const (
	clientID     = "0oa2t0lsrdZw5uWRx297"
	clientSecret = "HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw"
	basicAuth    = "MG9hMnQwbHNyZFp3NXVXUngyOTc6SEhkdVdHNkxvZ0l2RElRdVdncDNabG85T1lNVmFsVHRINU9CY3VIdw=="
	tokenPath    = "/oauth2/aus2r7y3gdaFMKBol297/v1/token"
)

var program string

// claimsOfPDP100 is how many claims the sandbox must deliver of PDP-100, and
// claimsOfPDP100V3 how many in version 3, by ab2d sandbox expected: more of them are
// loaded every week.
var claimsOfPDP100, claimsOfPDP100V3 int64

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ab2d-interop-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "ab2d")
		build := exec.Command("go", "build", "-o", program, "./cmd/ab2d")
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
			return 1
		}
		for api, claims := range map[string]*int64{"v2": &claimsOfPDP100, "v3": &claimsOfPDP100V3} {
			expected, err := exec.Command(program, "sandbox", "expected", "--contract=Z0000", "--api="+api).Output()
			if err != nil {
				fmt.Fprintf(os.Stderr, "print the expected results: %v\n", err)
				return 1
			}
			*claims = int64(bytes.Count(expected, []byte("\n")))
		}
		return m.Run()
	}())
}

// sandbox starts a sandbox with its state in a directory of the test's, and
// gives its address.
func sandbox(t *testing.T, flags ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"sandbox", "--listen=127.0.0.1:0", "--data=" + t.TempDir()}, flags...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the sandbox's log:\n%s", log.String())
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "is ready at "); ok {
			go io.Copy(io.Discard, out)
			return url
		}
	}
	t.Fatal("the sandbox did not start")
	return ""
}

// ndjson holds a file against what a manifest says of it: each line is a
// resource of the type.
func ndjson(t *testing.T, file []byte, resourceType string, count, length int64, checksum string) {
	t.Helper()
	n := int64(0)
	for line := range bytes.Lines(file) {
		var resource struct{ ResourceType string }
		if err := json.Unmarshal(line, &resource); err != nil || resource.ResourceType != resourceType {
			t.Fatalf("line %d is no %s: %v", n+1, resourceType, err)
		}
		n++
	}
	if n != count || int64(len(file)) != length || fmt.Sprintf("sha256:%x", sha256.Sum256(file)) != checksum {
		t.Errorf("%d resources in %d bytes, the manifest says %d in %d, or the checksum is wrong", n, len(file), count, length)
	}
}
