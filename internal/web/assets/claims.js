// The first claims of a file, for people. The file is read piece by piece, as
// far as it is looked at.

import { el } from "./dom.js";

const look = 128 << 10; // bytes, for the first claims

// ClaimReader reads a file's claims. fetchRange(from, to) answers with the
// response to a request for these bytes, both inclusive.
export class ClaimReader {
	constructor(fetchRange, piece = look) {
		this.fetchRange = fetchRange;
		this.piece = piece; // bytes of one request
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
			const response = await this.fetchRange(this.at, this.at + this.piece - 1);
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

// card shows a claim of any version.
export function card(claim) {
	const rows = [
		["Patient", claim.patient?.reference],
		["Provider", party(claim.provider, claim)],
		["Diagnoses", list((claim.diagnosis ?? []).map((d) => join(coded(d.diagnosisCodeableConcept ?? d.packageCode), coding(d.type?.[0])?.code)))],
		["Procedures", list((claim.procedure ?? []).map((p) => join(coded(p.procedureCodeableConcept), day(p.date))))],
		["Care team", list((claim.careTeam ?? []).map((c) => join(party(c.provider, claim), display(c.role), c.qualification?.coding?.find((q) => q.display)?.display)))],
		["Lines", list((claim.item ?? []).map(line))],
		["Changed", claim.meta?.lastUpdated],
	].filter(([, value]) => value);
	const control = claim.identifier?.find((i) => i.system?.endsWith("/CLM-CNTL-NUM"))?.value;
	const raw = el("code", {});
	const details = el("details", {}, el("summary", {}, "Complete claim (JSON)"), el("pre", {}, raw));
	details.addEventListener("toggle", () => { raw.textContent = JSON.stringify(claim, null, 2); }, { once: true });
	return el("article", { class: "claim", "aria-label": `Claim ${claim.id}` },
		el("h3", {}, kind(claim), el("span", {}, join(period(claim.billablePeriod), claim.status, action(claim)))),
		el("span", { class: "note mono" }, join(claim.id, control && `control number ${control}`)),
		el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
		details);
}

// kind is the kind of ExplanationOfBenefit, as BFD writes it. Older claims of v3
// have only the code of their type.
export function kind(claim) {
	const types = claim.type?.coding ?? [];
	const of = (name) => types.find((c) => c.system?.toLowerCase().endsWith(name));
	const type = of("/eob-type") ?? of("/clm-type-cd") ?? types[0];
	return type?.display ?? type?.code ?? "Claim";
}

// action tells of a claim of v3 that another action on it is to come.
const action = (claim) => (claim.meta?.tag?.some((t) => t.code === "NotFinalAction") ? "not the final action" : "");

// line is a line of a claim: its service, drug, dates and quantity.
function line(item) {
	const drugs = (item.detail ?? []).map((d) => coded(d.productOrService));
	return join(coded(item.productOrService ?? item.service) || code(item.revenue), ...drugs, period(item.servicedPeriod) || day(item.servicedDate), quantity(item.quantity)) || `line ${item.sequence}`;
}

// party is a provider: its name and numbers. What the claim refers to is in its
// contained resources.
function party(provider, claim) {
	const own = provider?.reference?.startsWith("#") ? claim.contained?.find((r) => `#${r.id}` === provider.reference) : undefined;
	const numbers = [provider?.identifier, ...(own?.identifier ?? [])].filter((i) => i?.value).map(numbered);
	return join(provider?.display, ...numbers, ...(own?.address ?? []).map((a) => a.postalCode && `ZIP ${a.postalCode}`));
}

// numbered is an identifier with the name of its kind.
function numbered(i) {
	const name = /\/(us-npi|CCN)$/.exec(i.system)?.[1].replace("us-npi", "NPI") ?? coding(i.type)?.code?.toUpperCase();
	return name ? `${name} ${i.value}` : i.value;
}

// systems are the names that people know of code systems.
const systems = [[/\/icd-10-cm$/, "ICD-10-CM"], [/\/icd-9-cm$/, "ICD-9-CM"], [/\/ICD10$/, "ICD-10-PCS"], [/\/icd-10$/, "ICD-10"], [/\/icd-?9$/i, "ICD-9"],
	[/\/cpt$/, "CPT"], [/hcpcs/i, "HCPCS"], [/\/ndc$/, "NDC"]];

// coded is a code with the name of its system.
function coded(concept) {
	const c = coding(concept);
	if (c?.system?.endsWith("/data-absent-reason")) return "";
	const name = systems.find(([form]) => form.test(c?.system))?.[1];
	return c?.code && name ? `${name} ${code(concept)}` : code(concept);
}

const coding = (concept) => concept?.coding?.find((x) => x.code) ?? concept?.coding?.[0];

function code(concept) {
	const c = coding(concept);
	if (!c) return concept?.text ?? "";
	return c.display && c.display !== c.code ? `${c.code ?? ""} ${c.display}`.trim() : c.code ?? "";
}

const display = (concept) => concept?.coding?.find((c) => c.display)?.display ?? code(concept);
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
