// The first claims of a file, for people. The file is read piece by piece, as
// far as it is looked at.

import { el } from "./dom.js";

const piece = 128 << 10;

// ClaimReader reads a file's claims. fetchRange(from, to) answers with the
// response to a request for these bytes, both inclusive.
export class ClaimReader {
	constructor(fetchRange) {
		this.fetchRange = fetchRange;
		this.pieces = [];
		this.at = 0; // what was read, in bytes
		this.size = Infinity;
		this.rest = "";
		this.lines = [];
		this.decoder = new TextDecoder();
	}

	// next reads up to n more claims; fewer are left at the end only.
	async next(n) {
		while (this.lines.length < n && this.at < this.size) {
			const response = await this.fetchRange(this.at, this.at + piece - 1);
			const b = new Uint8Array(await response.arrayBuffer());
			const range = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "");
			this.size = range ? Number(range[1]) : this.at + b.length;
			this.at += b.length;
			this.pieces.push(b);
			const lines = (this.rest + this.decoder.decode(b, { stream: true })).split("\n");
			this.rest = lines.pop();
			this.lines.push(...lines);
		}
		return this.lines.splice(0, n).map((line) => JSON.parse(line));
	}

	get done() {
		return this.at >= this.size && this.lines.length === 0;
	}

	// whole is the file if all of it was read, which the server takes for a
	// download, so that there is no second one.
	get whole() {
		return this.at >= this.size ? new Blob(this.pieces, { type: "application/fhir+ndjson" }) : null;
	}
}

// card shows a claim of either version.
export function card(claim) {
	const rows = [
		["Patient", claim.patient?.reference],
		["Diagnoses", list((claim.diagnosis ?? []).map((d) => code(d.diagnosisCodeableConcept ?? d.packageCode)))],
		["Procedures", list((claim.procedure ?? []).map((p) => join(code(p.procedureCodeableConcept), day(p.date))))],
		["Care team", list((claim.careTeam ?? []).map((c) => join(c.provider?.display ?? identifier(c.provider), display(c.role) || display(c.qualification))))],
		["Lines", list((claim.item ?? []).map((i) => join(code(i.productOrService ?? i.service) || code(i.revenue), period(i.servicedPeriod) || day(i.servicedDate), quantity(i.quantity))))],
		["Changed", claim.meta?.lastUpdated],
	].filter(([, value]) => value);
	const raw = el("code", {});
	const details = el("details", {}, el("summary", {}, "Complete claim (JSON)"), el("pre", {}, raw));
	details.addEventListener("toggle", () => { raw.textContent = JSON.stringify(claim, null, 2); }, { once: true });
	return el("article", { class: "claim", "aria-label": `Claim ${claim.id}` },
		el("h3", {}, kind(claim), el("span", {}, [period(claim.billablePeriod), claim.status].filter(Boolean).join(", "))),
		el("span", { class: "note mono" }, claim.id),
		el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
		details);
}

// kind is the kind of ExplanationOfBenefit, as BFD writes it.
function kind(claim) {
	const types = claim.type?.coding ?? [];
	const coding = types.find((c) => c.system?.endsWith("eob-type")) ?? types[0];
	return coding?.display ?? coding?.code ?? "Claim";
}

function code(concept) {
	const c = concept?.coding?.find((x) => x.code) ?? concept?.coding?.[0];
	if (!c) return concept?.text ?? "";
	return c.display && c.display !== c.code ? `${c.code ?? ""} ${c.display}`.trim() : c.code ?? "";
}

const display = (concept) => concept?.coding?.find((c) => c.display)?.display ?? code(concept);
const identifier = (ref) => ref?.identifier?.value ? `NPI ${ref.identifier.value}` : "";
const day = (date) => date?.slice(0, 10) ?? "";
const quantity = (q) => (q?.value === undefined ? "" : `× ${q.value}`);
const join = (...parts) => parts.filter(Boolean).join(", ");

function period(p) {
	if (!p?.start) return "";
	return !p.end || day(p.end) === day(p.start) ? day(p.start) : `${day(p.start)} to ${day(p.end)}`;
}

// list is a list of texts: the first few, and how many more there are.
function list(texts) {
	const most = 6;
	const all = texts.filter(Boolean);
	if (all.length === 0) return null;
	const shown = all.length > most + 1 ? all.slice(0, most) : all;
	return el("ul", { class: "list" }, ...shown.map((t) => el("li", {}, t)), shown.length < all.length ? el("li", { class: "note" }, `and ${all.length - shown.length} more`) : null);
}
