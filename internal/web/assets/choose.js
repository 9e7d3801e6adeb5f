// The tutorial's choice of sponsor, terminal and version of FHIR changes the
// commands where they stand, and the address, so that it can be kept.

import { say } from "./copy.js";

const form = document.getElementById("choice");

function show() {
	const choice = new FormData(form);
	document.getElementById("main").dataset.shell = choice.get("shell");
	fill("api", choice.get("api"));
	const sponsor = form.elements.sponsor?.selectedOptions[0];
	if (sponsor) {
		fill("auth", sponsor.dataset.auth);
		fill("sponsor", sponsor.value);
		for (const row of document.querySelectorAll("tr[data-sponsor]")) row.classList.toggle("chosen", row.dataset.sponsor === sponsor.value);
	}
}

function fill(name, text) {
	for (const e of document.querySelectorAll(`[data-fill="${name}"]`)) e.textContent = text;
}

form.addEventListener("change", () => {
	show();
	history.replaceState(null, "", "?" + new URLSearchParams(new FormData(form)) + location.hash);
	say("The commands have changed.");
});
form.addEventListener("submit", (event) => event.preventDefault());
show(); // a browser that goes back keeps what was chosen
