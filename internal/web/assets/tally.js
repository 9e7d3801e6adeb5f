// What claims are about: counts by type, month and chapter of diagnoses.

import { kind } from "./claims.js";
import { el, number } from "./dom.js";
import { columns } from "./plot.js";

// The chapters of ICD-10-CM, by the first and last category of each (CDC, NCHS).
const chapters = [["A00", "B99", "Infectious diseases"], ["C00", "D49", "Neoplasms"], ["D50", "D89", "Blood and immunity"], ["E00", "E89", "Endocrine, nutritional, metabolic"],
	["F01", "F99", "Mental disorders"], ["G00", "G99", "Nervous system"], ["H00", "H59", "Eye"], ["H60", "H95", "Ear"], ["I00", "I99", "Circulatory system"], ["J00", "J99", "Respiratory system"],
	["K00", "K95", "Digestive system"], ["L00", "L99", "Skin"], ["M00", "M99", "Musculoskeletal system"], ["N00", "N99", "Genitourinary system"], ["O00", "O9A", "Pregnancy and childbirth"],
	["P00", "P96", "Perinatal conditions"], ["Q00", "Q99", "Congenital conditions"], ["R00", "R99", "Symptoms and findings"], ["S00", "T88", "Injury and poisoning"], ["U00", "U85", "Special purposes"],
	["V00", "Y99", "External causes"], ["Z00", "Z99", "Health status and services"]];

function chapter(code) {
	const category = code.slice(0, 3).toUpperCase();
	return chapters.find(([from, to]) => category >= from && category <= to)?.[2] ?? "Other";
}

// Tally counts claims.
export class Tally {
	constructor() {
		this.claims = 0;
		this.types = new Map();
		this.months = new Map();
		this.chapters = new Map();
	}

	add(claim) {
		if (claim.resourceType !== "ExplanationOfBenefit") return;
		this.claims++;
		count(this.types, kind(claim));
		const month = claim.billablePeriod?.start?.slice(0, 7);
		if (month) count(this.months, month);
		const found = new Set();
		for (const d of claim.diagnosis ?? []) {
			const coding = d.diagnosisCodeableConcept?.coding?.find((c) => c.code && !/icd-?9/i.test(c.system ?? ""));
			if (coding) found.add(chapter(coding.code));
		}
		for (const f of found) count(this.chapters, f);
	}

	// charts are elements for a page of so many pixels.
	charts(width) {
		const months = [...this.months].sort(([a], [b]) => (a < b ? -1 : 1));
		return [
			el("h3", {}, "By type"), bars(this.types, this.claims, "Type"),
			el("h3", {}, "By month of service"), columns(months, width, "Claims by month of service", number),
			el("details", {}, el("summary", {}, "The months as a table"), bars(this.months, this.claims, "Month", true)),
			el("h3", {}, "By diagnosis"), el("p", { class: "note" }, "Claims with a diagnosis of each chapter of ICD-10-CM. A claim can count for several."), bars(this.chapters, this.claims, "Chapter"),
		];
	}
}

function count(map, key) {
	map.set(key, (map.get(key) ?? 0) + 1);
}

// bars is a table whose rows have a bar, the longest first or in order.
function bars(map, total, what, ordered = false) {
	const rows = [...map].sort(([a, n], [b, m]) => (ordered ? (a < b ? -1 : 1) : m - n));
	const most = Math.max(1, ...map.values());
	const cell = (label, ...content) => el("td", { role: "cell", "data-label": label }, ...content);
	return el("table", { role: "table", class: "bars" },
		el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...[what, "Claims", "Share", ""].map((h, i) => el("th", { role: "columnheader", scope: "col", class: i === 1 || i === 2 ? "number" : false }, h || el("span", { class: "unseen" }, "Bar"))))),
		el("tbody", { role: "rowgroup" }, ...rows.map(([name, n]) => el("tr", { role: "row" }, el("th", { role: "rowheader", scope: "row" }, name),
			el("td", { role: "cell", class: "number", "data-label": "Claims" }, number(n)), el("td", { role: "cell", class: "number", "data-label": "Share" }, `${((100 * n) / total).toFixed(n / total < 0.1 ? 1 : 0)} %`),
			cell(false, el("progress", { max: most, value: n, "aria-hidden": "true" }))))));
}
