// The way of an export: token, kick-off, status until it is done, files.

import { say } from "./copy.js";
import { ClaimReader, card } from "./claims.js";
import { Tally } from "./tally.js";
import { el, bytes, number, offset } from "./dom.js";
import { download, keep } from "./download.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const page = $("main");
const form = $("export");
const wire = new Wire($("exchanges"), page.dataset.origin);

let token = null; // {value, client, until}
let job = null; // {path, stop, pages} of the job under way: pages are those of its manifest
let files = []; // with claims, of the job that is completed, or of what is completed of it

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
	showSame(api);
}

// showSame shows what the form asks for as a command.
function showSame(api) {
	const given = new FormData(form);
	const text = (name) => given.get(name)?.trim() ?? "";
	const words = ["ab2d export", `--url ${page.dataset.origin}`, `--api ${api}`];
	words.push(given.has("sponsor") ? `--sponsor ${text("sponsor")}` : `--client-id ${text("client") || "ID"} --client-secret-file FILE`);
	words.push(text("_since") ? `--since '${text("_since")}'` : "--full");
	if (api !== "v1") {
		if (text("_until")) words.push(`--until '${text("_until")}'`);
		for (const [prefix, name] of [["ge", "from"], ["le", "to"]]) if (text(name)) words.push(`--service-date ${prefix}${text(name)}`);
	}
	words.push("--out claims");
	$("same").querySelector("code").textContent = words.join(" \\\n    ");
}

// remember writes the form and the job into the address, so that the page can be
// loaded again and shared. Secrets are not in it.
function remember(id) {
	const given = new FormData(form);
	const query = new URLSearchParams();
	for (const name of ["sponsor", "api", "_since", "_until", "from", "to"]) if (given.get(name)) query.set(name, given.get(name));
	if (id) query.set("job", id);
	history.replaceState(null, "", "?" + query);
}

// recall fills the form from the address, and gives the job in it.
function recall() {
	const query = new URLSearchParams(location.search);
	for (const name of ["_since", "_until", "from", "to"]) if (query.get(name) && form.elements[name]) form.elements[name].value = query.get(name);
	const id = query.get("job") ?? "";
	return /^[0-9A-Za-z-]{1,64}$/.test(id) ? id : "";
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

// clear takes away what the page shows of a job before.
function clear() {
	for (const id of ["fault", "cards", "files", "totals", "empty", "exchanges", "charts-body"]) $(id).replaceChildren();
	for (const id of ["result", "claims", "charts", "all", "resume"]) $(id).hidden = true;
	wire.last = null;
	files = [];
	token = null; // so that each run shows the whole way
	state("Getting a token", 0);
	$("run").hidden = false;
}

async function run() {
	clear();
	remember("");
	const began = performance.now();
	const { response } = await wire.json({
		title: "Start the export", path: kickOffPath(), headers: { Accept: "application/fhir+json", Prefer: "respond-async" }, ...await bearer(),
	});
	await finish(wire.path(response.headers.get("Content-Location")));
	const seconds = ((performance.now() - began) / 1000).toFixed(1);
	state(`Completed in ${seconds} s.`, 100);
}

// resume follows a job that was started before.
async function resume(id) {
	clear();
	await finish(`${base()}/Job/${id}/$status`);
	state("Completed.", 100);
}

// finish follows a job to its end, and shows its files.
async function finish(path) {
	job = { path, stop: new AbortController(), pages: [] };
	remember(path.split("/Job/")[1].split("/")[0]);
	$("cancel").disabled = false;
	showResult(await follow());
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
	const added = whole().output.slice(files.length).map(describe);
	files.push(...added);
	$("files").append(...added.map(fileRow));
	$("files-table").hidden = files.length === 0;
	$("result").hidden = files.length === 0;
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
	remember("");
}

function state(text, percent) {
	$("state").textContent = text;
	$("progress").value = percent;
}

// showResult lists the manifest's files.
function showResult(manifest) {
	const totals = manifest.extension?.["https://ab2d.cms.gov/totals"] ?? {};
	showFiles();
	const facts = [["Enrollees", totals.enrollees], ["With claims", totals.delivered], ["Claims", files.reduce((n, f) => n + f.count, 0)],
		["Size", bytes(files.reduce((n, f) => n + f.length, 0))], ["Files", files.length]];
	$("totals").replaceChildren(...facts.filter(([, n]) => n !== undefined).map(([name, n]) => el("div", {}, el("dt", {}, name), el("dd", {}, typeof n === "number" ? number(n) : n))));
	const others = [...manifest.deleted, ...manifest.error].map(describe);
	$("files").append(...others.map(fileRow));
	$("files-table").hidden = files.length + others.length === 0;
	$("empty").replaceChildren(...(files.length ? [] : whyEmpty(totals)));
	$("all").hidden = files.length === 0;
	$("save-all").textContent = files.length === 1 ? "Download" : `Download all ${number(files.length)} files`;
	$("save-all").hidden = files.length === 1;
	$("result").hidden = false;
	say(files.length ? `The export is completed: ${files.length} ${files.length === 1 ? "file" : "files"}.` : "The export is completed. It has no claims.");
}

// whyEmpty explains an export without claims: that is no error.
function whyEmpty(totals) {
	const given = new FormData(form);
	const reasons = [];
	if (given.get("_since")) reasons.push(`No claim was added or changed after ${given.get("_since")}. Claims are loaded once a week. Try an earlier date, or leave _since empty.`);
	else if (given.get("api") === "v2" && !form.elements.sponsor) reasons.push("Without _since, v2 exports what is new since your last export. To get everything, give the day of your attestation as _since.");
	if (given.get("_until") && given.get("api") !== "v1") reasons.push(`Claims that were loaded after ${given.get("_until")} are left out.`);
	if ((given.get("from") || given.get("to")) && given.get("api") !== "v1") reasons.push("Only claims with services between the chosen days are exported.");
	if (totals.enrollees === 0) reasons.push("The contract has no enrollees.");
	if (reasons.length === 0) reasons.push("None of the enrollees has a claim that may be delivered.");
	return [el("div", { class: "hint" }, el("p", {}, el("strong", {}, "The export has no claims. "), "This is not an error: the manifest lists no files."), el("ul", {}, ...reasons.map((r) => el("li", {}, r))))];
}

// saveAll downloads the files one after the other.
async function saveAll() {
	const button = $("save-all");
	button.disabled = true;
	try {
		for (const [i, file] of files.entries()) {
			button.textContent = `Downloading file ${i + 1} of ${files.length}`;
			if (!file.button.disabled) await saveFile(file, file.button);
		}
		button.textContent = "All files are saved";
	} catch (e) {
		button.textContent = "Download the rest";
		button.disabled = false;
		throw e;
	}
}

const mostCharted = 64e6; // bytes of claims that charts are drawn from

// showCharts reads claims, up to a size, and draws what they are about.
async function showCharts() {
	const tally = new Tally();
	$("charts").hidden = false;
	$("show-charts").disabled = true;
	let read = 0;
	let whole = true;
	try {
		for (const file of files) {
			const reader = new ClaimReader(open(file), 4 << 20);
			while (!reader.done && read + reader.at < mostCharted) {
				for (const claim of await reader.next(500)) tally.add(claim);
				$("charts-note").textContent = `${number(tally.claims)} claims are read.`;
			}
			read += reader.at;
			whole &&= reader.done;
			if (reader.whole) file.whole = reader.whole;
			if (!reader.done) break;
		}
	} finally {
		$("show-charts").disabled = false;
	}
	const all = files.reduce((n, f) => n + f.count, 0);
	$("charts-note").textContent = (whole && tally.claims === all ? `All ${number(all)} claims. ` : `The first ${number(tally.claims)} of ${number(all)} claims. `)
		+ (files.some((f) => f.whole) ? "A file that was read completely counts as downloaded. Select Download to save it." : "");
	$("charts-body").replaceChildren(...tally.charts($("charts").clientWidth));
	$("charts-title").focus();
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
	file.button = save;
	return el("tr", { class: "file-row", role: "row" },
		el("th", { scope: "row", role: "rowheader" }, el("code", {}, file.name), el("span", { class: "note", title: file.checksum },
			about[file.type] ?? `SHA-256 ${file.checksum.slice(0, 16)}…`)),
		el("td", { role: "cell", class: "number", "data-label": "Claims" }, number(file.count)),
		el("td", { role: "cell", class: "number", "data-label": "Size" }, bytes(file.length)),
		el("td", { role: "cell" }, look, save));
}

// open reads a range of a file.
const open = (file) => async (from, to) => {
	const response = await wire.send({
		title: `Read a part of ${file.name}`, path: file.path, headers: { Accept: "application/fhir+ndjson", Range: `bytes=${from}-${to}` }, ...await bearer(),
	});
	if (!response.ok) throw new Error(await sentence(response));
	return response;
};

// lookInto shows the first claims of a file.
async function lookInto(file) {
	file.reader ??= new ClaimReader(file.whole ? fromMemory(file.whole) : open(file));
	$("cards").replaceChildren();
	$("claims").hidden = false;
	$("claims-title").textContent = `Claims in ${file.name}`;
	$("claims-note").textContent = "The page has read only the beginning of the file. This does not count as a download.";
	$("more").onclick = guarded(() => more(file));
	await more(file);
	$("claims-title").focus();
}

// fromMemory gives ranges of what was read already.
const fromMemory = (blob) => async (from, to) => {
	const part = blob.slice(from, to + 1);
	return new Response(part, { headers: { "Content-Range": `bytes ${from}-${from + part.size - 1}/${blob.size}` } });
};

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
		const read = file.whole ?? file.reader?.whole;
		const compared = read ? await keep(file, read) : await download(file, () => openFile(file), progress);
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

// busy runs a way of a job, with the buttons as they are meanwhile.
async function busy(way) {
	$("start").disabled = true;
	await guarded(async () => {
		try {
			await way();
		} catch (e) {
			$("result").hidden = true; // what an export that is not completed has listed is no result
			if (e.name !== "AbortError") $("run").hidden = true;
			throw e;
		}
	})();
	$("start").disabled = false;
	$("cancel").disabled = true;
}

form.addEventListener("submit", (event) => {
	event.preventDefault();
	busy(run);
});
$("cancel").addEventListener("click", guarded(cancel));
$("save-all").addEventListener("click", guarded(saveAll));
$("show-charts").addEventListener("click", guarded(showCharts));
form.addEventListener("input", showForm);
for (const picker of document.querySelectorAll("[data-picks]")) {
	picker.addEventListener("input", () => {
		if (picker.value) $(picker.dataset.picks).value = offset(new Date(picker.value));
		showForm();
	});
}
const given = recall();
showForm();
if (given && form.elements.sponsor) busy(() => resume(given));
else if (given) {
	$("resume").hidden = false; // the credentials are asked for first
	$("resume-now").addEventListener("click", () => {
		if (form.reportValidity()) busy(() => resume(given));
	});
}
