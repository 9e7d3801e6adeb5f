// The way of an export: token, kick-off, status until it is done, files.

import { say } from "./copy.js";
import { ClaimReader, card } from "./claims.js";
import { el, bytes, number } from "./dom.js";
import { download, keep } from "./download.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const page = $("main");
const form = $("export");
const wire = new Wire($("exchanges"), page.dataset.origin);

let token = null; // {value, client, until}
let job = null; // {path, stop, pages, shown} of the job under way: the pages of its manifest, and how many claim files are shown

// parameters are those of the kick-off, in the order of the form.
function parameters() {
	const given = new FormData(form);
	const p = [["_outputFormat", "application/fhir+ndjson"], ["_type", "ExplanationOfBenefit"]];
	const more = given.get("api") !== "v1"; // v2 and v3 have more parameters
	if (more) p.push(["allowPartialManifests", "true"]);
	for (const name of more ? ["_since", "_until"] : ["_since"]) {
		if (given.get(name)?.trim()) p.push([name, given.get(name).trim()]);
	}
	const dates = [["ge", given.get("from")], ["le", given.get("to")]].filter(([, date]) => more && date);
	if (dates.length) p.push(["_typeFilter", "ExplanationOfBenefit?" + dates.map(([prefix, date]) => `service-date=${prefix}${date}`).join("&")]);
	return p;
}

const base = () => `/api/${new FormData(form).get("api")}/fhir`;
const kickOffPath = () => `${base()}/Patient/$export?` + parameters().map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");

// showForm shows what the form would ask for.
function showForm() {
	const api = new FormData(form).get("api");
	for (const e of document.querySelectorAll("[data-only]")) e.hidden = !e.dataset.only.split(" ").includes(api);
	$("address").textContent = "GET " + kickOffPath();
}

function credentials() {
	const option = form.elements.sponsor?.selectedOptions[0];
	return option ? [option.dataset.id, option.dataset.secret] : [form.elements.client.value.trim(), form.elements.secret.value];
}

// bearer is the header of a token that is good for another minute.
async function bearer() {
	const [id, secret] = credentials();
	if (token?.client !== id || token.until < Date.now() + 60_000) {
		const basic = btoa(String.fromCharCode(...new TextEncoder().encode(`${id}:${secret}`)));
		const { body } = await wire.json({
			title: "Get a token", method: "POST", path: `/oauth2/${page.dataset.authServer}/v1/token?grant_type=client_credentials&scope=clientCreds`,
			headers: { Accept: "application/json" }, secret: `Basic ${basic}`, secretName: "Basic ${AUTH}",
		}, (b) => (b.access_token ? { ...b, access_token: b.access_token.slice(0, 12) + "…" } : b));
		token = { value: body.access_token, client: id, until: Date.now() + body.expires_in * 1000 };
	}
	return { secret: `Bearer ${token.value}`, secretName: "Bearer ${BEARER_TOKEN}" };
}

async function run() {
	for (const id of ["fault", "cards", "files", "totals", "exchanges"]) $(id).replaceChildren();
	for (const id of ["result", "claims"]) $(id).hidden = true;
	wire.last = null;
	token = null; // so that each run shows the whole way
	const began = performance.now();
	state("Getting a token", 0);
	$("run").hidden = false;
	const { response } = await wire.json({
		title: "Start the export", path: kickOffPath(), headers: { Accept: "application/fhir+json", Prefer: "respond-async" }, ...await bearer(),
	});
	job = { path: wire.path(response.headers.get("Content-Location")), stop: new AbortController(), pages: [], shown: 0 };
	$("cancel").disabled = false;
	const manifest = await follow();
	const seconds = ((performance.now() - began) / 1000).toFixed(1);
	state(`Completed in ${seconds} s.`, 100);
	showResult(manifest);
}

// follow asks for the status until the job is done. A server that is busy or
// stopped for a while says when to ask again.
async function follow() {
	for (;;) {
		let answer;
		try {
			answer = await wire.json({
				title: "Get the status", path: job.path, headers: { Accept: "application/json" }, signal: job.stop.signal, ...await bearer(),
			});
		} catch (e) {
			if (!e.retryAfter) throw e;
			$("state").textContent = `${e.message} Asking again in ${e.retryAfter} s.`;
			await sleep(e.retryAfter * 1000, job.stop.signal);
			continue;
		}
		const { response, body } = answer;
		if (body) await readPages(body);
		if (response.status === 200) return whole();
		if (body) showFiles();
		const progress = response.headers.get("X-Progress") ?? "";
		const wait = Number(response.headers.get("Retry-After")) || 1;
		state(`${progress}. Asking again in ${wait} s.`, parseInt(progress, 10) || 0);
		await sleep(wait * 1000, job.stop.signal);
	}
}

// readPages reads the pages of the manifest that are there: the first is the status, and
// each leads to the next. A page gets its link when the next one is there.
async function readPages(first) {
	const read = async (page) => {
		const { response, body } = await wire.json({
			title: "Get the next page of the manifest", path: page, headers: { Accept: "application/json" }, signal: job.stop.signal, ...await bearer(),
		});
		return body && { ...body, path: page, status: response.status };
	};
	const pages = job.pages;
	if (pages.length > 1) pages.splice(-1, 1, await read(pages.at(-1).path));
	else pages.splice(0, 1, first);
	for (let next; (next = pages.at(-1).link?.find((l) => l.relation === "next")?.url); ) {
		const page = await read(wire.path(next));
		if (!page) return;
		pages.push(page);
	}
}

// whole is the manifest that the pages make. The last one has the totals.
function whole() {
	const all = (list) => job.pages.flatMap((page) => page[list] ?? []);
	return { ...job.pages.at(-1), output: all("output"), error: all("error"), deleted: all("deleted") };
}

// showFiles shows the files that are new in the pages.
function showFiles() {
	const files = whole().output;
	$("files").append(...files.slice(job.shown).map((f) => fileRow(describe(f))));
	job.shown = files.length;
	$("result").hidden = job.shown === 0;
}

function sleep(ms, signal) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener("abort", () => {
			clearTimeout(timer);
			reject(signal.reason);
		});
	});
}

async function cancel() {
	$("cancel").disabled = true;
	job.stop.abort();
	await wire.json({ title: "Cancel the export", method: "DELETE", path: job.path, headers: { Accept: "application/json" }, ...await bearer() });
	state("Canceled. The job and its files were deleted.", 0);
}

function state(text, percent) {
	$("state").textContent = text;
	$("progress").value = percent;
}

// showResult lists the manifest's files.
function showResult(manifest) {
	const totals = manifest.extension?.["https://ab2d.cms.gov/totals"] ?? {};
	const files = manifest.output.map(describe);
	const facts = [["Enrollees", totals.enrollees], ["With claims", totals.delivered], ["Claims", files.reduce((n, f) => n + f.count, 0)],
		["Size", bytes(files.reduce((n, f) => n + f.length, 0))], ["Files", files.length]];
	$("totals").replaceChildren(...facts.filter(([, n]) => n !== undefined).map(([name, n]) => el("div", {}, el("dt", {}, name), el("dd", {}, typeof n === "number" ? number(n) : n))));
	showFiles();
	$("files").append(...[...manifest.deleted, ...manifest.error].map((f) => fileRow(describe(f))));
	$("result").hidden = false;
	say(`The export is completed. ${files.length} files.`);
}

// describe takes what the page shows of a file out of the manifest.
function describe(output) {
	const extension = (name) => output.extension?.find((e) => e.url.endsWith(name));
	return {
		name: output.url.slice(output.url.lastIndexOf("/") + 1), path: wire.path(output.url), count: output.count ?? 0, type: output.type,
		length: extension("file_length")?.valueDecimal ?? 0, checksum: (extension("checksum")?.valueString ?? "").replace("sha256:", ""),
	};
}

// about is what files have that have no claims.
const about = { OperationOutcome: "what the server has to say", Bundle: "claims that were withdrawn" };

function fileRow(file) {
	const look = el("button", { type: "button", "aria-label": `Look inside ${file.name}`, onclick: guarded(() => lookInto(file)) }, "Look inside");
	const save = el("button", { type: "button", "aria-label": `Download ${file.name}`, onclick: guarded(() => saveFile(file, save)) }, "Download");
	return el("tr", { class: "file-row", role: "row" },
		el("th", { scope: "row", role: "rowheader" }, el("code", {}, file.name), el("span", { class: "note", title: file.checksum },
			about[file.type] ?? `SHA-256 ${file.checksum.slice(0, 16)}…`)),
		el("td", { role: "cell", class: "number", "data-label": "Claims" }, number(file.count)),
		el("td", { role: "cell", class: "number", "data-label": "Size" }, bytes(file.length)),
		el("td", { role: "cell" }, look, save));
}

// lookInto shows the first claims of a file.
async function lookInto(file) {
	file.reader ??= new ClaimReader(async (from, to) => {
		const response = await wire.send({
			title: `Read ${file.name} from byte ${number(from)}`, path: file.path, headers: { Accept: "application/fhir+ndjson", Range: `bytes=${from}-${to}` }, ...await bearer(),
		});
		if (!response.ok) throw new Error(await sentence(response));
		return response;
	});
	$("cards").replaceChildren();
	$("claims").hidden = false;
	$("claims-title").textContent = `Claims in ${file.name}`;
	$("claims-note").textContent = "The page has read only the beginning of the file. This does not count as a download.";
	$("more").onclick = guarded(() => more(file));
	await more(file);
	$("claims-title").focus();
}

async function more(file) {
	const claims = await file.reader.next(5);
	$("cards").append(...claims.map(file.type === "ExplanationOfBenefit" ? card : note));
	$("more").hidden = file.reader.done;
	if (file.reader.whole) $("claims-note").textContent = "The page has read the whole file, which counts as a download. Select Download to save what was read.";
}

// note shows a line of a file of OperationOutcomes, or of Bundles of deletions.
function note(outcome) {
	if (outcome.resourceType === "Bundle") return el("article", { class: "claim" }, ...outcome.entry.map((e) => el("p", {}, `${e.request.method} ${e.request.url}`)));
	return el("article", { class: "claim" }, ...outcome.issue.map((i) => el("p", {}, `${i.severity}: ${i.details?.text ?? i.code}`)));
}

async function saveFile(file, button) {
	button.disabled = true;
	try {
		const progress = (n) => { button.textContent = file.length ? `${Math.floor((100 * n) / file.length)} %` : bytes(n); };
		const compared = file.reader?.whole ? await keep(file, file.reader.whole) : await download(file, () => openFile(file), progress);
		button.textContent = compared ? "Saved and verified" : "Saved";
		say(`${file.name} is saved.`);
	} catch (e) {
		button.textContent = "Download";
		button.disabled = false;
		throw e;
	}
}

async function openFile(file) {
	const response = await wire.send({ title: `Download ${file.name}`, path: file.path, headers: { Accept: "application/fhir+ndjson" }, ...await bearer() });
	if (!response.ok) throw new Error(await sentence(response));
	return response;
}

async function sentence(response) {
	const outcome = await response.json().catch(() => null);
	return outcome?.issue?.[0]?.details?.text ?? `The server answered ${response.status}.`;
}

// guarded shows what goes wrong in an action, in one place.
function guarded(action) {
	return async () => {
		$("fault").replaceChildren();
		try {
			await action();
		} catch (e) {
			if (e.name === "AbortError") return; // the person's own wish
			$("fault").replaceChildren(el("div", { class: "fault" }, ...e.message.split("\n").map((line) => el("p", {}, line))));
			$("fault").scrollIntoView({ block: "nearest" });
		}
	};
}

form.addEventListener("submit", async (event) => {
	event.preventDefault();
	$("start").disabled = true;
	await guarded(async () => {
		try {
			await run();
		} catch (e) {
			$("result").hidden = true; // what an export that is not completed has listed is no result
			if (e.name !== "AbortError") $("run").hidden = true;
			throw e;
		}
	})();
	$("start").disabled = false;
	$("cancel").disabled = true;
});
$("cancel").addEventListener("click", guarded(cancel));
form.addEventListener("input", showForm);
showForm();
