package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// kmsSeed is what the key management service begins with.
const kmsSeed = `Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: 11111111-2222-3333-4444-555555555555
        BackingKeys:
          - 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9
Aliases:
  - AliasName: alias/testing
    TargetKeyId: 11111111-2222-3333-4444-555555555555
`

// KMS starts a key management service with AWS's API, local-kms, and gives the address
// of a wrapping key in it.
func KMS(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("uses a key management service, which -short leaves out")
	}
	path, err := findProgram("local-kms")
	if err != nil {
		missing(t, fmt.Errorf("local-kms: %w", err))
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	seed := filepath.Join(dir, "seed.yaml")
	if err := os.WriteFile(seed, []byte(kmsSeed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port), "KMS_SEED_PATH="+seed, "KMS_DATA_PATH="+filepath.Join(dir, "data"), "KMS_REGION=us-east-1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	look, patience := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			c.Close()
			return fmt.Sprintf("aws-kms:alias/testing?region=us-east-1&endpoint=http://127.0.0.1:%d", port)
		}
		select {
		case <-look.C:
		case <-patience:
			t.Fatal(errors.Join(err, errors.New("local-kms does not answer")))
		}
	}
}
