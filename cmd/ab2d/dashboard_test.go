package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// adminToken makes a token as the page says.
func adminToken(t *testing.T, data string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "admin", "token", "add", "dashboard", "--scope", "read,maintenance", "--lifetime", "12h", "--data", data).Output()
	if err != nil {
		t.Fatalf("add an admin token: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// watchDashboard watches a large export on the dashboard, begins and ends a
// maintenance, and loads the page again.
func watchDashboard(b *testserver.Tab, url, token string) {
	readInRanges(b, url)
	b.Expect("the server responded with a status of 401")
	b.Open(url+"/dashboard", desktop)
	fill(b, "token", "nonsense")
	b.Click("#login .main")
	b.Until(`document.getElementById("fault").textContent.includes("admin token")`)
	fill(b, "token", token)
	b.Click("#login .main")
	b.Until(`!document.getElementById("live").hidden`)
	b.Until(`document.getElementById("workers").textContent.includes("idle") && /0 of [1-9]/.test(document.getElementById("totals").textContent)`)
	// What was read in ranges is one row.
	if got := testserver.Eval[int](b, `Math.max(0, ...[...document.querySelectorAll("#downloads [data-label=Requests]")].map(c => Number(c.textContent)))`); got < 2 {
		b.Errorf("no download has more than %d requests: %s", got, testserver.Eval[string](b, `document.getElementById("downloads").textContent`))
	}
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
	points := testserver.Eval[int](b, `document.querySelector("#throughput polyline").points.length`)
	b.Open(url+"/dashboard", phone)
	fill(b, "token", token)
	b.Click("#login .main")
	b.Until(fmt.Sprintf(`document.querySelector("#throughput polyline")?.points.length >= %d && document.querySelector("#picture-plot polyline")`, points))
	if testserver.Eval[bool](b, fmt.Sprintf(`JSON.stringify({...localStorage, ...sessionStorage}).includes(%q)`, token)) {
		b.Error("the token is stored")
	}
	fits(b, "/dashboard")
	b.Screenshot("dashboard-phone")
}

// readInRanges looks into a file for so long that the page asks for a second range of it.
func readInRanges(b *testserver.Tab, url string) {
	b.Helper()
	b.Open(url+"/try?sponsor=PDP-100&api=v2", desktop)
	b.Click("#start")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	b.Click(`button[aria-label="Look inside Z0000_0001.ndjson"]`)
	twice := `/Read a part.* times/.test(document.getElementById("exchanges").lastElementChild.querySelector("h3").textContent)`
	for n := 5; !testserver.Eval[bool](b, twice); n += 5 {
		b.Until(fmt.Sprintf(`document.querySelectorAll("article.claim").length === %d`, n))
		b.Click("#more")
	}
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
