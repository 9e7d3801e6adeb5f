// A search for pages that list much: .filter says what is searched (data-search), and
// which sections have it (data-sections). What has none of the words is hidden, and so
// is a section that has nothing left.

import { el } from "./dom.js";

const box = document.querySelector(".filter[data-search]");

function build() {
	const items = [...document.querySelectorAll(box.dataset.search)];
	const sections = [...document.querySelectorAll(box.dataset.sections)];
	const texts = items.map((i) => i.textContent.toLowerCase());
	const input = el("input", { type: "search", id: "filter", autocomplete: "off" });
	const found = el("span", { class: "note", role: "status" });
	box.append(el("label", { for: "filter" }, "Search"), input, found);
	box.hidden = false;
	const show = () => {
		const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
		let n = 0;
		items.forEach((item, i) => {
			item.hidden = !words.every((w) => texts[i].includes(w));
			if (!item.hidden) n++;
		});
		for (const s of sections) s.hidden = words.length > 0 && !items.some((i) => !i.hidden && s.contains(i));
		found.textContent = words.length ? `${n} of ${items.length} ${box.dataset.what}` : "";
		const query = input.value ? "?q=" + encodeURIComponent(input.value) : location.pathname;
		history.replaceState(null, "", query + location.hash);
	};
	input.addEventListener("input", show);
	input.value = new URLSearchParams(location.search).get("q") ?? "";
	if (input.value) show();
}

if (box) build();
