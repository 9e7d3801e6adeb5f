// A filter for documents that are mostly tables: only rows with all the words
// are shown.

const rows = [...document.querySelectorAll(".document tbody tr")];
if (rows.length > 40) {
	const texts = rows.map((r) => r.textContent.toLowerCase());
	const label = document.createElement("label");
	label.htmlFor = "filter";
	label.textContent = "Filter the tables";
	const input = document.createElement("input");
	input.type = "search";
	input.id = "filter";
	const found = document.createElement("span");
	found.className = "note";
	found.setAttribute("role", "status");
	const box = document.createElement("div");
	box.className = "filter";
	box.append(label, input, found);
	document.querySelector(".document h2").before(box);
	input.addEventListener("input", () => {
		const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
		let n = 0;
		rows.forEach((row, i) => {
			row.hidden = !words.every((w) => texts[i].includes(w));
			if (!row.hidden) n++;
		});
		found.textContent = words.length ? `${n} of ${rows.length} rows` : "";
	});
}
