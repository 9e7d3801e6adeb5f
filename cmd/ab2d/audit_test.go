package main

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestTheRecordFollowsToSyslog: what is on record already and what comes later.
func TestTheRecordFollowsToSyslog(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), program, "migrate", "--data="+data).CombinedOutput(); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	add := func(contract string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), program, "admin", "contract", "add", contract, "--sponsor=Acme", "--data="+data).CombinedOutput(); err != nil {
			t.Fatalf("%s %v", out, err)
		}
	}
	add("S1234")
	follow := exec.CommandContext(t.Context(), program, "audit", "export", "--follow", "--syslog=udp://"+conn.LocalAddr().String(), "--data="+data)
	var log bytes.Buffer
	follow.Stderr = &log
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		follow.Process.Kill()
		follow.Wait()
	}()
	b := make([]byte, 64<<10)
	for _, contract := range []string{"S1234", "S1235"} {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err, log.String())
		}
		if got := string(b[:n]); !strings.HasPrefix(got, "<86>") || !strings.Contains(got, `"event":"contract.added"`) || !strings.Contains(got, contract) {
			t.Errorf("%q", got)
		}
		add("S1235")
	}
}
