package main

import (
	"fmt"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// accountInSandbox looks at the account of a published client, which cannot be changed,
// and cancels a job, or deletes it if it is completed. That is asked for twice.
func accountInSandbox(b *testserver.Tab, url string) {
	p := process{url: url}
	if _, err := p.newClient(b.T, synth.Sponsors()[0]).Start(b.Context(), client.Request{}); err != nil {
		b.Fatal(err)
	}
	b.Open(url+"/account", desktop)
	b.Click("#login .main")
	b.Until(`!document.getElementById("live").hidden && document.querySelector("#jobs button")`)
	if !testserver.Eval[bool](b, `document.getElementById("read-only").textContent.includes("sandbox") && !document.querySelector("#secrets button") && !document.getElementById("rotate").checkVisibility()`) {
		b.Error("the account of a published client can be changed")
	}
	b.Accessible()
	b.Screenshot("account-sandbox")
	b.Click("#jobs button")
	b.Until(`document.querySelector("#jobs button").textContent.endsWith(" now?")`)
	b.Click("#jobs button")
	b.Until(`document.querySelector("#jobs [data-label=State]").textContent === "canceled" && document.activeElement.id === "jobs-title"`)
}

// accountInProduction replaces a secret, is kept from locking itself out, and asks an
// operator for wider networks.
func accountInProduction(b *testserver.Tab, _ string) {
	data := "--data=" + b.TempDir()
	p := startProcess(b.T, nil, "serve", "--pages", "--listen=127.0.0.1:0", data, "--claims=synthetic:")
	id, secret := addClient(b.T, synth.Sponsors()[0].Contract, data)
	b.Expect("the server responded with a status of 4")
	b.Open(p.url+"/account", desktop)
	b.Click("#login .main")
	b.Until(`document.getElementById("fault").textContent.includes("Enter your client id")`)
	signIn(b, id, "wrong")
	b.Until(`document.getElementById("fault").textContent.includes("secret is wrong")`)
	signIn(b, id, secret)
	b.Until(`!document.getElementById("live").hidden`)
	b.Click("#rotate-now")
	b.Until(`document.activeElement.id === "fresh-title" && document.querySelectorAll("#secrets tr").length === 2`)
	b.Screenshot("account-new-secret")
	renewed := testserver.Eval[string](b, `document.getElementById("fresh-secret").textContent`)
	b.Click("#fresh-done")
	b.Click("#leave")
	signIn(b, id, renewed)
	b.Until(`document.querySelectorAll("#secrets button").length === 2`)
	old := testserver.Eval[string](b, `(e => { e.id = "old"; return "#old" })([...document.querySelectorAll("#secrets tr")].find(r => !document.getElementById("facts").textContent.includes("secret " + r.querySelector("th").textContent)).querySelector("button"))`)
	b.Click(old)
	b.Click(old)
	b.Until(`document.querySelectorAll("#secrets tr").length === 1 && document.activeElement.id === "secrets-title"`)
	setNetworks(b, "192.0.2.0/24")
	b.Until(`document.getElementById("fault").textContent.includes("lock itself out")`)
	setNetworks(b, "127.0.0.0/8\n::1")
	b.Until(`document.getElementById("audit").textContent.includes("networks [127.0.0.0/8")`)
	askOperator(b, p.url, id, renewed, data)
}

// askOperator asks for wider networks than an operator set, and withdraws that.
func askOperator(b *testserver.Tab, url, id, secret, data string) {
	b.Helper()
	runAB2D(b.T, "admin", "client", "set", id, "--network=127.0.0.1", data)
	b.Click("#refresh")
	b.Until(`document.getElementById("operator-networks").textContent.includes("127.0.0.1/32")`)
	setNetworks(b, "")
	b.Until(`document.getElementById("requests").textContent.includes("anywhere") && document.activeElement.id === "requests-title"`)
	b.Accessible()
	b.Screenshot("account")
	b.Dark(true)
	b.Accessible("color-contrast")
	b.Screenshot("account-dark")
	b.Dark(false)
	b.Resize(phone)
	fits(b, "/account")
	b.Screenshot("account-phone")
	b.Resize(desktop)
	b.Click("#requests button")
	b.Click("#requests button")
	b.Until(`document.getElementById("requests").textContent.includes("withdrawn")`)
	// It leaked: the page goes on with the new secret, and no secret or token is stored.
	testserver.Eval[bool](b, `(e => { e.value = "0s"; return e.dispatchEvent(new Event("change", {bubbles: true})) })(document.getElementById("overlap"))`)
	b.Click("#rotate-now")
	b.Until(fmt.Sprintf(`!document.getElementById("fresh").hidden && document.getElementById("fresh-secret").textContent !== %q && document.querySelectorAll("#secrets tr").length === 1`, secret))
	if testserver.Eval[bool](b, fmt.Sprintf(`document.body.textContent.includes(%q) || location.href !== %q || localStorage.length + sessionStorage.length > 0 || document.cookie !== ""`, secret, url+"/account")) {
		b.Error("the secret is shown, or something is stored")
	}
	runAB2D(b.T, "admin", "client", "rotate", id, "--overlap=0", data)
	b.Click("#refresh")
	b.Until(`document.getElementById("live").hidden && document.getElementById("fault").textContent.includes("Sign in again")`)
}

func signIn(b *testserver.Tab, id, secret string) {
	b.Helper()
	fill(b, "client", id)
	fill(b, "secret", secret)
	b.Click("#login .main")
}

func setNetworks(b *testserver.Tab, list string) {
	b.Helper()
	fill(b, "list", list)
	b.Click("#networks-now")
}
