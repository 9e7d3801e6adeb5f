// The operators' dashboard: asks the administration once a second, and shows
// what it says.

import { say } from "./copy.js";
import { bytes, el, moment, number } from "./dom.js";
import { jobPicture, overTime } from "./plot.js";

const root = new URL("../../", import.meta.url);
const $ = (id) => document.getElementById(id);
const every = 1000; // ms
const kept = 300; // points of throughput

let token = "";
let maintenance = null;
let chosen = null; // the job whose picture is shown
const written = new Map(); // bytes by job, as last heard
const progress = new Map(); // by job: [ms, percent] each
const spans = new Map(); // by job and part: {worker, part, from, to}
const rates = []; // [ms, bytes a second] each
const known = new Map(); // when a worker was seen last, in ms
let heard = null; // when, in ms
let shown = {}; // how many rows of a table are shown, where that is not the usual number

const few = 8; // rows of a table, until more are asked for
const store = "dashboard"; // what the pictures are made of, for a page that is loaded again; no token, and nothing of persons

// keep stores the history of this tab, and restore gets it.
function keep(now) {
	const young = (list) => list.filter(([t]) => now - t < 3_600_000);
	const of = (map) => [...map].slice(-50);
	sessionStorage.setItem(store, JSON.stringify({ heard, rates: young(rates), written: of(written), progress: of(progress), spans: of(spans), known: of(known) }));
}

function restore() {
	const kept = JSON.parse(sessionStorage.getItem(store) ?? "null");
	if (!kept || Date.now() - kept.heard > 3_600_000) return;
	heard = kept.heard;
	rates.push(...kept.rates);
	for (const [map, list] of [[written, kept.written], [progress, kept.progress], [spans, kept.spans], [known, kept.known]]) for (const [k, v] of list) map.set(k, v);
}

// ask sends a request to the administration and gives the answer's body.
async function ask(method, path, body) {
	const response = await fetch(new URL(`admin/v1/${path}`, root), {
		method, headers: { Accept: "application/json", Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
		body: body && JSON.stringify(body), credentials: "omit", cache: "no-store",
	});
	const answer = await response.json().catch(() => null);
	if (response.ok) return answer;
	const text = answer?.issue?.[0]?.details?.text ?? `The server answered ${response.status}.`;
	const error = new Error(response.status === 404 ? "This server has no administration over HTTP." : text);
	error.login = response.status === 401 || response.status === 404;
	throw error;
}

// look asks for everything once.
async function look() {
	const [jobs, workers, failures, downloads, m] = await Promise.all([
		ask("GET", "jobs?limit=50"), ask("GET", "workers?idle=true"), ask("GET", "failures?limit=20"), ask("GET", "downloads?limit=200"), ask("GET", "maintenance")]);
	const now = Date.now();
	remember(jobs, workers, now);
	heard = now;
	maintenance = m;
	showTotals(jobs, workers);
	$("throughput").replaceChildren(overTime(rates, $("main").clientWidth, "Throughput", 1e6, bytes));
	rows("jobs", jobs.map(jobRow));
	rows("workers", byWorker(workers).map(workerRow));
	rows("failures", failures.map(troubleRow));
	rows("downloads", together(downloads.map((d) => d.entry)).map(downloadRow));
	showPicture(jobs);
	showMaintenance();
	$("heard").textContent = `As of ${moment(now)}.`;
	keep(now);
}

// remember keeps what the pictures are made of.
function remember(jobs, workers, now) {
	let exported = 0;
	for (const j of jobs) {
		const before = written.get(j.id) ?? (heard && Date.parse(j.accepted) > heard - every ? 0 : j.bytes);
		exported += Math.max(0, j.bytes - before); // files go when a job expires
		written.set(j.id, j.bytes);
		const points = progress.get(j.id) ?? [];
		if (j.state === "running" || j.state === "accepted" || (points.length && points.at(-1)[1] < j.percent)) points.push([now, j.percent]);
		progress.set(j.id, points);
	}
	if (heard) rates.push([now, (1000 * exported) / (now - heard)]);
	if (rates.length > kept) rates.shift();
	for (const w of workers) {
		known.set(w.worker, now);
		if (!w.part) continue;
		const of = spans.get(w.job) ?? [];
		const span = of.find((s) => s.part === w.part && s.worker === w.worker);
		if (span) span.to = now;
		else of.push({ worker: w.worker, part: w.part, from: heard ?? now, to: now });
		spans.set(w.job, of);
	}
}

function showTotals(jobs, workers) {
	const count = (state) => jobs.filter((j) => j.state === state).length;
	const facts = [["Running", count("running")], ["Waiting", count("accepted")], ["Failed", count("failed")], ["Busy workers", `${new Set(workers.filter((w) => w.job).map((w) => w.worker)).size} of ${known.size}`],
		["Throughput", `${bytes(rates.at(-1)?.[1] ?? 0)}/s`], ["Stored files", bytes(jobs.reduce((n, j) => n + j.stored, 0))]];
	$("totals").replaceChildren(...facts.map(([name, n]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(n)))));
}

// rows fills a table, or shows that there is nothing.
function rows(id, list) {
	const focus = document.activeElement?.dataset?.job; // a row that is written anew keeps it
	const most = shown[id] ?? few;
	const more = $(`${id}-more`);
	$(id).replaceChildren(...(more ? list.slice(0, most) : list));
	if (more) {
		more.hidden = list.length <= few;
		more.textContent = list.length > most ? `Show all ${list.length}` : "Show fewer";
		more.onclick = () => {
			shown[id] = list.length > most ? Infinity : few;
			look().catch(failed);
		};
	}
	const none = $(`no-${id}`);
	if (none) {
		none.hidden = list.length > 0;
		$(`${id}-table`).hidden = list.length === 0;
	}
	if (focus && id === "jobs") $(id).querySelector(`[data-job="${focus}"]`)?.focus();
}

const cell = (label, ...content) => el("td", { role: "cell", "data-label": label }, ...content);
const figure = (label, text) => el("td", { role: "cell", class: "number", "data-label": label }, text);
const row = (...cells) => el("tr", { role: "row" }, ...cells);

function jobRow(j) {
	const choose = el("button", { type: "button", class: "link", "data-job": j.id, title: j.id, "aria-pressed": String(chosen === j.id), onclick: () => { chosen = chosen === j.id ? null : j.id; look().catch(failed); } }, j.contract);
	const bar = el("progress", { max: 100, value: j.percent, "aria-label": `Progress of ${j.contract}, job ${j.id}` });
	return row(el("th", { scope: "row", role: "rowheader" }, choose, el("span", { class: "note" }, ` ${j.version}`)),
		cell("State", j.state, j.reason ? el("span", { class: "note" }, ` ${j.reason}`) : null), cell("Progress", bar, el("span", { class: "note" }, `${j.percent} %`)),
		figure("Parts", `${number(j.partsDone)} of ${number(j.parts)}`), figure("Claims", j.finished ? number(j.claims) : ""), figure("Size", bytes(j.bytes)),
		figure("Downloads", `${j.downloads} of ${j.files}`), cell("Accepted", moment(j.accepted)), figure("Took", took(j)));
}

// byWorker are the workers that were seen within the last minutes, with the step that
// they work on. A worker that is not heard of any more is forgotten.
function byWorker(workers) {
	for (const [name, t] of known) if (heard - t > 600_000) known.delete(name);
	return [...known.keys()].sort().map((name) => workers.find((w) => w.worker === name && w.job) ?? { worker: name });
}

function workerRow(w) {
	const step = w.part ? `part ${w.part} of job ${w.job.slice(0, 8)}` : w.job ? `job ${w.job.slice(0, 8)}` : "idle";
	return row(el("th", { scope: "row", role: "rowheader" }, w.worker), cell("Running step", w.job ? step : el("span", { class: "note" }, step)),
		figure("Lease ends in", w.job ? `${Math.max(0, Math.round((Date.parse(w.until) - Date.now()) / 1000))} s` : ""));
}

function troubleRow(t) {
	return row(el("th", { scope: "row", role: "rowheader" }, t.job.slice(0, 8)), cell("Step", t.part ? `part ${t.part}` : t.step), figure("Times", number(t.failures)), cell("Last error", t.fault.split("\n")[0]));
}

// together makes one row of all ranges of a file that a client downloaded.
function together(entries) {
	const rows = new Map();
	for (const e of entries) {
		const key = [e.job, e.file, e.client, e.from].join(" ");
		const row = rows.get(key);
		if (row) {
			row.requests++;
			row.bytes += e.bytes ?? 0;
		} else rows.set(key, { ...e, bytes: e.bytes ?? 0, requests: 1 });
	}
	return [...rows.values()];
}

function downloadRow(d) {
	return row(cell("When", moment(d.time)), cell("Client", d.client ?? ""), cell("From", d.from ?? ""), cell("File", el("code", {}, d.file ?? "")),
		figure("Requests", number(d.requests)), figure("Sent", bytes(d.bytes)));
}

function took(j) {
	const end = j.finished ? Date.parse(j.finished) : j.state === "running" || j.state === "accepted" ? Date.now() : NaN;
	return Number.isNaN(end) ? "" : `${((end - Date.parse(j.accepted)) / 1000).toFixed(1)} s`;
}

// showPicture draws the job that was chosen, or else the newest that runs.
function showPicture(jobs) {
	const j = jobs.find((x) => x.id === chosen) ?? jobs.find((x) => x.state === "running") ?? jobs.find((x) => progress.get(x.id)?.length > 1);
	const points = j ? progress.get(j.id) : [];
	$("picture").hidden = !j;
	if (!j) return;
	$("picture-title").textContent = `Contract ${j.contract}, job ${j.id}`;
	$("picture-plot").replaceChildren(...(points.length > 1 ? [jobPicture(points, spans.get(j.id) ?? [], $("main").clientWidth)] : []));
	$("picture-note").textContent = points.length > 1 ? "Progress in percent; below, which worker exported which part. Parts that took less than a second may be missing." : "It did not run while this page was open.";
}

function showMaintenance() {
	$("maintenance-state").textContent = maintenance.on ? `On since ${moment(maintenance.since)}. New exports are rejected. ${maintenance.message ?? ""}` : "Off: exports are taken.";
	$("maintenance-fields").hidden = maintenance.on;
	$("maintenance-switch").textContent = maintenance.on ? "End maintenance" : "Start maintenance";
}

function failed(e) {
	$("fault").replaceChildren(el("div", { class: "fault" }, el("p", {}, e instanceof TypeError ? "The server does not respond. Trying again." : e.message)));
	if (!e.login) return;
	token = "";
	$("live").hidden = true;
	$("login").hidden = false;
}

// watch looks as long as there is a token and somebody sees the page.
async function watch() {
	while (token) {
		if (!document.hidden) {
			try {
				await look();
				$("fault").replaceChildren();
			} catch (e) {
				failed(e);
			}
		}
		await new Promise((resolve) => setTimeout(resolve, every));
	}
}

restore();

$("login").addEventListener("submit", async (event) => {
	event.preventDefault();
	token = $("token").value.trim();
	try {
		await look();
	} catch (e) {
		failed(e);
		return;
	}
	$("fault").replaceChildren();
	$("login").reset();
	$("login").hidden = true;
	$("live").hidden = false;
	say("The dashboard is live.");
	watch();
});

$("maintenance").addEventListener("submit", async (event) => {
	event.preventDefault();
	try {
		if (maintenance.on) await ask("DELETE", "maintenance");
		else await ask("PUT", "maintenance", { message: $("message").value, for: $("for").value });
		await look();
		say($("maintenance-state").textContent);
	} catch (e) {
		failed(e);
	}
});
