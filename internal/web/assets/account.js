// The account of a sponsor: gets a token, asks /account/v1, and shows what it says. The
// token is only in this module's memory: whoever loads the page again signs in again.

import { say } from "./copy.js";
import { bytes, el, moment, number } from "./dom.js";

const root = new URL("../../", import.meta.url); // this file is /assets/CHECKSUM/account.js
const $ = (id) => document.getElementById(id);
const rowsOfAPage = 20;

let token = "";
let until = 0; // when the token ends, in ms; 0 if that is not known
let account = null; // what the server said last

// fetchToken gets a token for the account, alone: it does not read claims.
async function fetchToken(id, secret) {
	const basic = btoa(String.fromCharCode(...new TextEncoder().encode(`${id}:${secret}`)));
	const response = await request("POST", `oauth2/${$("main").dataset.authServer}/v1/token`, { Authorization: `Basic ${basic}`, "Content-Type": "application/x-www-form-urlencoded" },
		"grant_type=client_credentials&scope=account");
	const answer = await response.json().catch(() => null);
	if (!response.ok) throw new Error(answer?.error_description ?? `The server answered ${response.status}.`);
	token = answer.access_token;
	until = Date.now() + answer.expires_in * 1000;
}

async function request(method, path, headers, body) {
	try {
		return await fetch(new URL(path, root), { method, headers: { Accept: "application/json", ...headers }, body, credentials: "omit", cache: "no-store" });
	} catch (e) {
		throw new Error("The server does not respond. Check that it is running and that this computer is connected to the network.", { cause: e });
	}
}

// ask sends a request to the account and gives the answer's body.
async function ask(method, path, body) {
	const response = await request(method, `account/v1/${path}`, { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) }, body && JSON.stringify(body));
	const answer = await response.json().catch(() => null);
	if (response.ok) return answer;
	const error = new Error(answer?.issue?.[0]?.details?.text ?? `The server answered ${response.status}.`);
	error.login = response.status === 401;
	throw error;
}

function failed(e) {
	$("fault").replaceChildren(el("div", { class: "fault" }, el("p", {}, e.login ? `${e.message} Sign in again.` : e.message)));
	if (e.login) leave();
}

// leave forgets the token and what was shown with it. A new secret stays until it is copied.
function leave() {
	token = "";
	until = 0;
	account = null;
	for (const id of ["facts", "requests", "secrets", "keys", "jobs", "downloads", "audit"]) $(id).replaceChildren();
	$("list").value = "";
	$("live").hidden = true;
	$("login").hidden = false;
}

// act does something that may fail, with its button switched off. Where it changed a
// section, the focus goes to the heading of that.
async function act(button, heading, what) {
	button.disabled = true;
	try {
		$("fault").replaceChildren();
		const said = await what();
		if (heading && token) $(heading).focus();
		if (said) say(said);
	} catch (e) {
		failed(e);
	} finally {
		button.disabled = false;
	}
}

// twice is a button for what cannot be taken back. It asks once more.
function twice(text, label, heading, what) {
	const sure = `${text} now?`;
	const button = el("button", { type: "button", "aria-label": `${text} ${label}`, onclick: () => {
		if (button.textContent === sure) {
			act(button, heading, what);
			return;
		}
		button.textContent = sure;
		button.setAttribute("aria-label", `${sure} ${label}`);
		say(`Press again to confirm: ${text} ${label}.`);
	} }, text);
	button.addEventListener("blur", () => {
		button.textContent = text;
		button.setAttribute("aria-label", `${text} ${label}`);
	});
	return button;
}

const cell = (label, ...content) => el("td", { role: "cell", "data-label": label }, ...content);
const figure = (label, text) => el("td", { role: "cell", class: "number", "data-label": label }, text);
const head = (...content) => el("th", { scope: "row", role: "rowheader" }, ...content);
const row = (...cells) => el("tr", { role: "row" }, ...cells);
const end = (button) => el("td", { role: "cell" }, button);

// rows fills a table, or shows that there is nothing.
function rows(id, list) {
	$(id).replaceChildren(...list);
	nothing(id);
}

function nothing(id) {
	const none = $(id).children.length === 0;
	$(`${id}-table`).hidden = none;
	if ($(`no-${id}`)) $(`no-${id}`).hidden = !none;
}

// show shows what the server says of the client.
function show(a) {
	account = a;
	const facts = [["Client id", a.client], ["Name", a.name], ["Contract", a.contract], ["Sponsor", a.sponsor], ["Attested", a.attested ?? "no: there is no data"], ["Exports at once", number(a.maxJobs)],
		["Signed in by", a.signedInBy], ["Your address", a.address]].filter(([, value]) => value);
	$("facts").replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
	$("read-only").textContent = a.readOnly ?? "";
	$("read-only").hidden = !a.readOnly;
	for (const e of document.querySelectorAll(".changes")) e.hidden = Boolean(e.closest("#networks") ? a.networksReadOnly : a.readOnly);
	const remove = (label, heading, path, said) => (a.readOnly ? null : twice("Remove", label, heading, async () => {
		show(await ask("DELETE", path));
		await showAudit();
		return said;
	}));
	rows("secrets", a.secrets.map((s) => row(head(s.id), cell("Created", moment(s.created)), cell("Expires", s.expires ? moment(s.expires) : "never"),
		end(remove(`secret ${s.id}`, "secrets-title", `secrets/${encodeURIComponent(s.id)}`, "The secret was removed.")))));
	const keys = a.keys.map((k) => row(head(k.kid), cell("Algorithm", k.alg), cell("Thumbprint", el("code", {}, k.id)), end(remove(`key ${k.kid}`, "keys-title", `keys/${encodeURIComponent(k.id)}`, "The key was removed."))));
	if (a.keysUrl) keys.push(row(head("those at the address"), cell("Algorithm", ""), cell("Address", el("code", {}, a.keysUrl)), end(remove("the address of the keys", "keys-title", "keys-url", "The address was removed."))));
	rows("keys", keys);
	$("operator-networks").textContent = networksText(a);
	$("list").value = a.networks.join("\n");
	$("until").textContent = until ? `You are signed in until ${moment(until)}.` : "";
}

function networksText(a) {
	if (a.networksReadOnly) return `Your client may come from ${a.networks.join(", ") || "anywhere"}.`;
	if (!a.operatorNetworks.length) return "The operator allows your client from anywhere. You can choose its networks.";
	return `The operator allows ${a.operatorNetworks.join(", ")}. Within these, a change takes effect at once. Anything wider waits for an operator.`;
}

const wanted = (w) => (w.networks ? `networks: ${w.networks.join(", ") || "anywhere"}` : `keys at ${w.keysUrl}`);

async function showRequests() {
	const list = await ask("GET", `requests?limit=${rowsOfAPage}`);
	$("requests-section").hidden = list.length === 0;
	rows("requests", list.map((r) => row(head(wanted(r.wanted)), cell("State", r.state), cell("Sent", moment(r.created)), cell("Reason", r.reason ?? ""),
		end(r.state === "waiting" ? twice("Withdraw", `the request for ${wanted(r.wanted)}`, "requests-title", async () => {
			await ask("DELETE", `requests/${r.id}`);
			await showRequests();
			return "The request was withdrawn.";
		}) : null))));
}

function jobRow(j) {
	const over = j.state !== "accepted" && j.state !== "running";
	const action = j.state === "completed" ? "Delete" : over ? null : "Cancel";
	return row(head(el("code", {}, j.id), el("span", { class: "note" }, ` ${j.version}`)), cell("State", j.state === "cancelled" ? "canceled" : over ? j.state : `${j.state}, ${j.percent} %`), cell("Accepted", moment(j.accepted)),
		figure("Files", number(j.files)), figure("Claims", number(j.claims)), figure("Size", bytes(j.bytes)),
		end(action && twice(action, `job ${j.id}`, "jobs-title", async () => {
			const effect = await ask("DELETE", `jobs/${j.id}`);
			await Promise.all([pages.jobs(), showAudit()]);
			return `Done: ${effect.effect}.`;
		})));
}

const downloadRow = (e) => row(head(moment(e.time)), cell("Client", e.client ?? ""), cell("From", e.from ?? ""), cell("File", el("code", {}, e.file ?? "")), figure("Sent", bytes(e.bytes ?? 0)));

function auditRow(e) {
	const detail = [e.job && `job ${e.job}`, e.file, e.status && `status ${e.status}`, e.detail, e.omitted && `${number(e.omitted)} more of the kind`].filter(Boolean).join(", ");
	return row(head(moment(e.time)), cell("Event", el("code", {}, e.event)), cell("By", e.actor === `client ${account.client}` ? "this client" : e.actor ?? ""), cell("From", e.from ?? ""), cell("Detail", detail));
}

// paged makes what shows the first page of a list, and puts the next ones below it.
function paged(id, toRow) {
	const more = $(`${id}-more`);
	let next = "";
	const load = async (before) => {
		const page = await ask("GET", `${id}?limit=${rowsOfAPage}${before && `&before=${encodeURIComponent(before)}`}`);
		const list = page.items.map(toRow);
		if (before) $(id).append(...list);
		else $(id).replaceChildren(...list);
		next = page.next ?? "";
		more.hidden = !next;
		nothing(id);
		return list;
	};
	more.addEventListener("click", () => act(more, null, async () => {
		const list = await load(next);
		list[0]?.querySelector("th").setAttribute("tabindex", "-1");
		list[0]?.querySelector("th").focus();
		return list.length ? `${list.length} more rows.` : "There are no more.";
	}));
	return () => load("");
}

const pages = { jobs: paged("jobs", jobRow), downloads: paged("downloads", downloadRow), audit: paged("audit", auditRow) };
const showAudit = () => pages.audit();

async function showAll() {
	show(await ask("GET", "client"));
	await Promise.all([showRequests(), ...Object.values(pages).map((load) => load())]);
	$("login").hidden = true;
	$("live").hidden = false;
}

// credentials are those of the form: of a sponsor of the sandbox, or what is written.
function credentials() {
	const option = $("sponsor")?.selectedOptions[0];
	return option?.dataset.id ? [option.dataset.id, option.dataset.secret] : [$("client").value.trim(), $("secret").value];
}

$("login").addEventListener("submit", (event) => {
	event.preventDefault();
	act($("login").querySelector(".main"), "client-title", async () => {
		if (!$("own").hidden && $("token").value.trim()) {
			token = $("token").value.trim();
			until = 0;
		} else {
			const [id, secret] = credentials();
			if (!id || !secret) throw new Error("Enter your client id and secret, or an access token.");
			await fetchToken(id, secret);
		}
		await showAll();
		$("secret").value = "";
		$("token").value = "";
		return "You are signed in.";
	});
});

$("sponsor")?.addEventListener("change", () => {
	$("own").hidden = $("sponsor").value !== "";
});

$("rotate").addEventListener("submit", (event) => {
	event.preventDefault();
	act($("rotate-now"), null, async () => {
		const leaked = $("overlap").value === "0s";
		const a = await ask("POST", "secrets", { overlap: $("overlap").value });
		$("fresh-secret").textContent = a.secret;
		$("fresh").hidden = false;
		if (leaked && a.signedInBy?.startsWith("secret ")) await fetchToken(a.client, a.secret); // the token ended with the old secret
		await showAll();
		$("fresh-title").focus();
		return "There is a new secret.";
	});
});

$("fresh-done").addEventListener("click", () => {
	$("fresh-secret").textContent = "";
	$("fresh").hidden = true;
	(token ? $("secrets-title") : $("main")).focus();
});

$("networks").addEventListener("submit", (event) => {
	event.preventDefault();
	act($("networks-now"), null, async () => {
		const list = $("list").value.split(/[\s,]+/).filter(Boolean);
		show(await ask("PUT", "networks", { networks: list }));
		await Promise.all([showRequests(), showAudit()]);
		const waits = account.waiting.some((r) => r.wanted.networks);
		$(waits ? "requests-title" : "networks-title").focus();
		return waits ? "The change waits for an operator." : "The networks were changed.";
	});
});

$("refresh").addEventListener("click", () => act($("refresh"), null, async () => {
	await showAll();
	return "Refreshed.";
}));

$("leave").addEventListener("click", () => {
	leave();
	say("You are signed out.");
	$("main").focus();
});
