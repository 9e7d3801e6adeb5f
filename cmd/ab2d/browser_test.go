package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// The widths, in pixels, at which pages are looked at.
const (
	desktop = 1400
	phone   = 360
)

// TestBrowser clicks through the pages in a real browser, one for all of them. Each
// leaves a screenshot in AB2D_TEST_SCREENSHOTS.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b, data := testserver.Browser(t), t.TempDir()
	p := startProcess(t, nil, "--listen=localhost:0", "--data="+data)
	b.Permit(p.url)
	for _, test := range []struct {
		name string
		run  func(*testserver.Tab, string)
	}{
		{"every page", everyPage}, {"tutorial", clickTutorial}, {"try", tryExport}, {"try empty", tryEmpty}, {"try v3", tryV3}, {"try canceled", tryCancel}, {"try in production", tryInProduction},
		{"dictionary", filterDictionary}, {"reference", searchReference}, {"error page", errorPage}, {"keyboard", keyboard}, {"tabulator", walkByTabulator},
		{"account in the sandbox", accountInSandbox}, {"account in production", accountInProduction},
		{"dashboard", func(b *testserver.Tab, url string) { watchDashboard(b, url, adminToken(b.T, data)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.In(t)
			test.run(b, p.url)
		})
	}
}

// everyPage looks at each page on a desktop and a phone, light and dark.
func everyPage(b *testserver.Tab, url string) {
	for name, path := range map[string]string{
		"tutorial": "/", "try": "/try", "reference": "/reference", "operation": "/reference/exportPatientsV2", "schemas": "/reference/schemas", "reference-admin": "/reference/admin",
		"setup-macos": "/setup/macos", "setup-linux": "/setup/linux", "setup-windows": "/setup/windows", "documents": "/docs/",
		"data-dictionary": "/docs/data-dictionary", "compatibility": "/docs/compatibility", "operating": "/docs/operating", "importing": "/docs/importing",
		"v3": "/docs/v3", "changelog": "/docs/changelog", "dashboard": "/dashboard", "account-login": "/account",
	} {
		b.Open(url+path, desktop)
		fits(b, path)
		b.Accessible()
		b.Screenshot(name)
		if slices.Contains([]string{"/", "/try", "/docs/importing", "/docs/data-dictionary", "/reference/exportPatientsV2", "/docs/"}, path) { // whose colors are all that there are
			b.Dark(true)
			b.Accessible("color-contrast")
			b.Screenshot(name + "-dark")
			b.Dark(false)
		}
		b.Open(url+path, phone)
		fits(b, path)
		b.Screenshot(name + "-phone")
	}
}

// fits tells that nothing sticks out at the side.
func fits(b *testserver.Tab, path string) {
	b.Helper()
	if out := testserver.Eval[[]string](b, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".skip, .unseen, thead")).
		map(e => e.tagName + " " + e.textContent.slice(0, 60)).slice(0, 5)`); len(out) > 0 {
		b.Errorf("%s: too wide: %q", path, out)
	}
}

// clickTutorial chooses each sponsor, terminal and version, and copies every
// command; what is copied is what the page has when it is asked for the same
// choice, whose commands TestTutorialPage types.
func clickTutorial(b *testserver.Tab, url string) {
	b.Open(url+"/", desktop)
	for _, s := range synth.Sponsors() {
		testserver.Eval[bool](b, fmt.Sprintf(`(e => { e.value = %q; return e.dispatchEvent(new Event("change", {bubbles: true})) })(document.getElementById("sponsor"))`, s.Name))
		for _, shell := range []string{"bash", "powershell"} {
			b.Click(fmt.Sprintf(`label:has(input[value="%s"])`, shell))
			for _, api := range []string{"v1", "v2", "v3"} {
				b.Click(fmt.Sprintf(`label:has(input[value="%s"])`, api))
				query := fmt.Sprintf("?sponsor=%s&shell=%s&api=%s", s.Name, shell, api)
				b.Until(fmt.Sprintf("location.search === %q", query))
				page := fetchPage(b.T, url+"/"+query)
				want := append(commandsOf(page, shell), commandsOf(page, "program")...)
				if got := copied(b); strings.Join(got, "\n---\n") != strings.Join(want, "\n---\n") {
					b.Errorf("%s: copied\n%s\nwant\n%s", query, strings.Join(got, "\n---\n"), strings.Join(want, "\n---\n"))
				}
			}
		}
		if !strings.Contains(testserver.Eval[string](b, `document.querySelector("tr.chosen").textContent`), basic(s.Credentials[0])) {
			b.Errorf("%s is not the row that is marked", s.Name)
		}
	}
	b.Screenshot("tutorial-powershell")
}

// copied presses every copy button that can be seen, and reads the clipboard.
func copied(b *testserver.Tab) []string {
	b.Helper()
	return testserver.Eval[[]string](b, `(async () => {
		const texts = [];
		for (const button of document.querySelectorAll(".command .copy")) {
			if (!button.checkVisibility()) continue;
			await navigator.clipboard.writeText("");
			button.click();
			for (let text = ""; !text;) text = await navigator.clipboard.readText();
			texts.push(await navigator.clipboard.readText());
		}
		return texts;
	})()`)
}

// tryExport runs an export in the page, looks into its claims and downloads
// them.
func tryExport(b *testserver.Tab, url string) {
	b.Expect("the server responded with a status of 4") // the browser's word for what is refused here
	b.Open(url+"/try", desktop)
	fill(b, "since", "yesterday")
	b.Click("#start")
	b.Until(`document.querySelector("#fault").textContent.includes("is not a FHIR instant")`)
	b.Screenshot("try-refused")

	fill(b, "since", "")
	b.Click("#start")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	for _, want := range []string{"202", "200", "content-location: " + url, "${BEARER_TOKEN}", "transactionTime"} {
		if wire := testserver.Eval[string](b, `document.getElementById("exchanges").textContent`); !strings.Contains(wire, want) {
			b.Errorf("the wire does not show %s", want)
		}
	}
	b.Click(`button[aria-label="Look inside Z0000_0001.ndjson"]`)
	b.Until(`document.querySelectorAll("article.claim").length === 5`)
	b.Click("#more")
	b.Until(`document.querySelectorAll("article.claim").length === 10`)
	b.Accessible()
	b.Screenshot("try-claims")

	b.Click(`button[aria-label="Download Z0000_0001.ndjson"]`)
	b.Until(`document.querySelector(".file-row").textContent.includes("Saved and verified")`)
	count := testserver.Eval[string](b, `document.querySelector(".file-row [data-label=Claims]").textContent`)
	if got := lines(b.T, b.Downloads, waitFor(b, "Z0000_0001.ndjson")); strings.ReplaceAll(count, ",", "") != fmt.Sprint(got) {
		b.Errorf("%d claims were downloaded of %s", got, count)
	}
	b.Screenshot("try-downloaded")
	b.Resize(phone)
	fits(b, "/try")
	b.Screenshot("try-claims-phone")
	chartClaims(b, url)
}

// chartClaims exports again, draws the claims, and loads the page again: the job is in
// the address.
func chartClaims(b *testserver.Tab, url string) {
	b.Open(url+"/try?sponsor=PDP-100&api=v2", desktop)
	if same := testserver.Eval[string](b, `document.querySelector("#same code").textContent.replace(/\s+\\?\s*/g, " ")`); same != "ab2d export --url "+url+" --api v2 --sponsor PDP-100 --full --out claims" {
		b.Errorf("the same in a terminal is %q", same)
	}
	b.Click("#start")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	address := testserver.Eval[string](b, `location.href`)
	if !strings.Contains(address, "job=") {
		b.Errorf("the job is not in the address: %s", address)
	}
	b.Open(address, desktop)
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	b.Click("#show-charts")
	b.Until(`document.getElementById("charts-note").textContent.startsWith("All ")`)
	sum := testserver.Eval[int](b, `[...document.querySelector(".bars").querySelectorAll("[data-label=Claims]")].reduce((n, c) => n + Number(c.textContent.replace(",", "")), 0)`)
	count := testserver.Eval[int](b, `Number(document.querySelector(".file-row [data-label=Claims]").textContent.replace(",", ""))`)
	if sum != count || count == 0 || !testserver.Eval[bool](b, `document.getElementById("charts-body").textContent.includes("Circulatory system") && document.querySelectorAll("#charts-body rect").length > 24`) {
		b.Errorf("the types add up to %d of %d claims", sum, count)
	}
	b.Accessible()
	b.Screenshot("try-charts")
	b.Resize(phone)
	fits(b, "/try charts")
}

// tryEmpty asks for what changed since now, with the date picker, and is told why there
// is nothing.
func tryEmpty(b *testserver.Tab, url string) {
	b.Open(url+"/try?api=v2", desktop)
	testserver.Eval[bool](b, `(e => { const t = new Date(Date.now() - 1000); e.value = new Date(t - t.getTimezoneOffset() * 60000).toISOString().slice(0, 19); return e.dispatchEvent(new Event("input", {bubbles: true})) })(document.querySelector("[data-picks=since]"))`)
	b.Until(`/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/.test(document.getElementById("since").value)`)
	b.Click("#start")
	b.Until(`document.getElementById("empty").textContent.includes("No claim was added or changed after 20")`)
	b.Accessible()
	b.Screenshot("try-empty")
}

// tryInProduction: /try asks for a client id and a secret, and tells what the token
// address says of them. A job in the address waits for them.
func tryInProduction(b *testserver.Tab, _ string) {
	data := b.TempDir()
	p := startProcess(b.T, nil, "serve", "--pages", "--listen=localhost:0", "--data="+data, "--claims=synthetic:")
	id, secret := addClient(b.T, synth.Sponsors()[0].Contract, "--data="+data)
	b.Expect("the server responded with a status of 401")
	b.Open(p.url+"/try", desktop)
	fill(b, "client", id)
	fill(b, "secret", "wrong")
	b.Click("#start")
	b.Until(`document.querySelector("#fault").textContent.includes("secret is wrong")`)
	fill(b, "secret", secret)
	b.Click("#start")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	hidden := fmt.Sprintf(`document.body.textContent.includes(%q) || location.href.includes(%q) || localStorage.length + sessionStorage.length > 0`, secret, secret)
	if testserver.Eval[bool](b, hidden) {
		b.Error("the secret is shown or stored")
	}
	b.Accessible()
	b.Screenshot("try-production")
	b.Open(testserver.Eval[string](b, "location.href"), desktop)
	fill(b, "client", id)
	fill(b, "secret", secret)
	b.Click("#resume-now")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
}

// fill writes into a field.
func fill(b *testserver.Tab, id, text string) {
	b.Helper()
	testserver.Eval[bool](b, fmt.Sprintf(`(e => { e.value = %q; return e.dispatchEvent(new Event("input", {bubbles: true})) })(document.getElementById(%q))`, text, id))
}

// waitFor waits until a download stands where the browser puts it.
func waitFor(b *testserver.Tab, name string) string {
	b.Helper()
	b.Wait("the download of "+name, func() bool {
		_, err := os.Stat(filepath.Join(b.Downloads, name))
		return err == nil
	})
	return name
}

// tryCancel cancels a large export while it runs.
func tryCancel(b *testserver.Tab, url string) {
	b.Open(url+"/try?sponsor=PDP-10000&api=v2", desktop)
	fill(b, "from", "2023-01-01")
	b.Click("#start")
	b.Until(`!document.getElementById("cancel").disabled && document.getElementById("state").textContent.includes("complete")`)
	b.Screenshot("try-progress")
	b.Click("#cancel")
	b.Until(`document.getElementById("state").textContent.startsWith("Canceled")`)
	if wire := testserver.Eval[string](b, `document.getElementById("exchanges").textContent`); !strings.Contains(wire, "service-date%3Dge2023-01-01") || !strings.Contains(wire, "DELETE") {
		b.Errorf("the wire shows %s", wire)
	}
}

// tryV3 exports claims of version 3 by their dates, and looks at how the page shows
// them: codes with their systems, and providers with their numbers.
func tryV3(b *testserver.Tab, url string) {
	b.Open(url+"/try?api=v3", desktop)
	fill(b, "from", "2025-01-01")
	b.Click("#start")
	b.Until(`document.querySelectorAll("#files tr").length === 1`)
	b.Click(`button[aria-label="Look inside Z0000_0001.ndjson"]`)
	b.Until(`document.querySelectorAll("article.claim").length === 5`)
	shown := testserver.Eval[string](b, `document.getElementById("cards").innerText`)
	for _, want := range []string{"ICD-10-CM ", "HCPCS ", "NPI 9", "ZIP ", "control number ", "Rendering provider", "active"} {
		if !strings.Contains(shown, want) {
			b.Errorf("the claims do not show %q:\n%s", want, shown)
		}
	}
	if wire := testserver.Eval[string](b, `document.getElementById("exchanges").textContent`); !strings.Contains(wire, "/api/v3/fhir/Patient/") || !strings.Contains(wire, "service-date%3Dge2025-01-01") {
		b.Errorf("the wire shows %s", wire)
	}
	b.Accessible()
	b.Screenshot("try-v3")
	b.Resize(phone)
	fits(b, "/try?api=v3")
}

// filterDictionary finds a field; sections without one are not shown.
func filterDictionary(b *testserver.Tab, url string) {
	b.Open(url+"/docs/data-dictionary", desktop)
	fill(b, "filter", "diagnosis drg")
	b.Until(`document.querySelector(".filter [role=status]").textContent.endsWith("fields")`)
	shown := testserver.Eval[[]string](b, `[...document.querySelectorAll(".dictionary-fields tbody tr")].filter(r => r.checkVisibility()).map(r => r.textContent)`)
	if len(shown) == 0 || len(shown) > 10 || !strings.Contains(strings.Join(shown, ""), "claims.drg") {
		b.Errorf("shown are %q", shown)
	}
	if empty := testserver.Eval[int](b, `[...document.querySelectorAll(".searched")].filter(s => s.checkVisibility() && ![...s.querySelectorAll("tbody tr")].some(r => r.checkVisibility())).length`); empty > 0 {
		b.Errorf("%d sections are empty", empty)
	}
	b.Screenshot("data-dictionary-filtered")
	b.Open(url+"/docs/data-dictionary?q=betos", phone)
	b.Until(`document.getElementById("filter").value === "betos" && document.querySelector(".filter [role=status]").textContent.startsWith("1 of")`)
	fits(b, "/docs/data-dictionary?q=betos")
}

// searchReference finds an operation, opens it and chooses a language, which stays.
func searchReference(b *testserver.Tab, url string) {
	b.Open(url+"/reference", desktop)
	fill(b, "filter", "cancel v2")
	b.Until(`[...document.querySelectorAll(".operations li")].filter(l => l.checkVisibility()).length === 1`)
	b.Screenshot("reference-search")
	b.Click(".operations li:not([hidden]) a")
	b.Until(`document.querySelector("h1")?.textContent.includes("v2") && document.querySelector(".sample")`)
	b.Click(`.samples label:has([value="python"])`)
	b.Until(`document.querySelector(".sample.python")?.checkVisibility() && !document.querySelector(".sample.curl").checkVisibility()`)
	b.Open(url+"/reference/admin/addClient", desktop)
	b.Until(`document.querySelector(".sample.python")?.checkVisibility()`)
	b.Screenshot("operation-admin")
}

// errorPage opens an address of the API that needs a token.
func errorPage(b *testserver.Tab, url string) {
	b.Expect("the server responded with a status of 4")
	b.Open(url+"/api/v2/fhir/Job", desktop)
	b.Until(`document.querySelector("h1")?.textContent === "Unauthorized"`)
	b.Accessible()
	b.Screenshot("error-page")
	b.Open(url+"/nothing", phone)
	fits(b, "/nothing")
}

// keyboard goes from the top of the page to its content without a mouse.
func keyboard(b *testserver.Tab, url string) {
	b.Open(url+"/", desktop)
	b.Press(testserver.Tabulator)
	b.Until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`)
	b.Press(testserver.Enter)
	b.Until(`document.activeElement.id === "main"`)
	for range 40 {
		b.Press(testserver.Tabulator)
		if testserver.Eval[bool](b, `document.activeElement.name === "shell"`) {
			break
		}
	}
	b.Press(testserver.ArrowRight)
	b.Until(`document.getElementById("main").dataset.shell === "powershell"`)
}

// walkByTabulator goes through pages with the tabulator alone. It comes to everything
// that can be used, in the order of the page, and each thing shows that it has the focus.
func walkByTabulator(b *testserver.Tab, url string) {
	for _, path := range []string{"/", "/try", "/dashboard", "/account", "/docs/", "/reference", "/reference/exportPatientsV2"} {
		b.Open(url+path, desktop)
		all := testserver.Eval[[]string](b, controls+`controls.map(e => e.tagName + " " + (e.name || e.textContent || e.placeholder).trim().slice(0, 40))`)
		if len(all) < 5 {
			b.Fatalf("%s: only %q can be used", path, all)
		}
		for i := range all {
			at := i - 1
			for press := 0; at == i-1 && press < fields; press++ {
				b.Press(testserver.Tabulator)
				at = testserver.Eval[int](b, `controls.indexOf(document.activeElement)`)
			}
			if at != i {
				b.Fatalf("%s: after %q comes %s and not %q", path, all[max(i-1, 0)], testserver.Eval[string](b, `document.activeElement.outerHTML.slice(0, 200)`), all[i])
			}
			if !testserver.Eval[bool](b, `showsFocus(document.activeElement)`) {
				b.Errorf("%s: %q does not show that it has the focus", path, all[i])
			}
		}
	}
}

// fields is how many fields a control has at most: that of a time has one for each unit.
const fields = 10

// controls finds what can be used on a page, in its order: of radio buttons with one
// name the chosen one, to which the tabulator goes.
const controls = `
	controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(e =>
		e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}) && (e.type !== "radio" || e.checked));
	showsFocus = e => {
		const r = e.getBoundingClientRect();
		const seen = [e, e.labels?.[0], e.parentElement].filter(Boolean).some(s => {
			const style = getComputedStyle(s);
			return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
		});
		return seen && r.bottom > 0 && r.top < innerHeight;
	};
	`
