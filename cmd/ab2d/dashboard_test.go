package main

import (
	"os/exec"
	"strings"
	"testing"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// TestDashboard watches a large export on the dashboard, and begins and ends a
// maintenance.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b := testserver.Browser(t)
	data := t.TempDir()
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+data)
	out, err := exec.CommandContext(t.Context(), program, "admin", "token", "add", "--data="+data, "--scope=read,maintenance", "browser").Output()
	if err != nil {
		t.Fatalf("add an admin token: %v", err)
	}
	watchDashboard(b, p.url, strings.TrimSpace(string(out)))
}

func watchDashboard(b *testserver.Tab, url, token string) {
	b.Expect("the server responded with a status of 401")
	b.Open(url+"/dashboard", desktop)
	fill(b, "token", "nonsense")
	b.Click("#login button")
	b.Until(`document.getElementById("fault").textContent.includes("admin token")`)
	fill(b, "token", token)
	b.Click("#login button")
	b.Until(`!document.getElementById("live").hidden`)
	startLargest(b, url)
	b.Until(`document.querySelector("#jobs tr")?.textContent.includes("running") && document.querySelector("#workers tr")`)
	b.Until(`document.querySelector("#picture-plot polyline") && document.querySelector("#throughput polyline")`)
	b.Screenshot("dashboard-running")
	b.Until(`document.querySelector("#jobs tr").textContent.includes("completed")`)
	b.Accessible()
	b.Screenshot("dashboard-completed")
	fill(b, "message", "New disks")
	b.Click("#maintenance-switch")
	b.Until(`document.getElementById("maintenance-state").textContent.includes("New disks")`)
	b.Click("#maintenance-switch")
	b.Until(`document.getElementById("maintenance-state").textContent.startsWith("Off")`)
	b.Open(url+"/dashboard", phone)
	fill(b, "token", token)
	b.Click("#login button")
	b.Until(`document.querySelector("#throughput polyline")`)
	fits(b, "/dashboard")
	b.Screenshot("dashboard-phone")
}

// startLargest starts an export of the largest sponsor.
func startLargest(b *testserver.Tab, url string) {
	b.Helper()
	c := synth.Sponsors()[4].Credentials[0]
	api, err := client.New(client.Config{BaseURL: url + "/api/v2/fhir", TokenURL: url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token", ClientID: c.ID, ClientSecret: c.Secrets[0]})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := api.Start(b.Context(), client.Request{Type: "ExplanationOfBenefit"}); err != nil {
		b.Fatal(err)
	}
}
