// Copy buttons: one for each command. They copy what is seen, with the choice
// of the moment in it.

// addCopyButton gives a .command its button.
export function addCopyButton(command) {
	const button = document.createElement("button");
	button.type = "button";
	button.className = "copy";
	button.textContent = "Copy";
	let timer;
	button.addEventListener("click", async () => {
		const done = await copy(command.querySelector("code").textContent);
		button.textContent = done ? "Copied" : "Press Ctrl-C";
		button.classList.toggle("done", done);
		say(done ? "The command is in the clipboard." : "The command is selected. Press Control and C.");
		if (!done) getSelection().selectAllChildren(command.querySelector("code"));
		clearTimeout(timer);
		timer = setTimeout(() => {
			button.textContent = "Copy";
			button.classList.remove("done");
		}, 2500);
	});
	command.append(button);
}

// copy puts a text into the clipboard. Browsers have navigator.clipboard only
// where the page came over TLS or from this machine.
async function copy(text) {
	if (!navigator.clipboard) return false;
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return false;
	}
}

// say tells a screen reader.
export function say(text) {
	document.getElementById("said").textContent = text;
}

for (const command of document.querySelectorAll(".command")) addCopyButton(command);

// A long list of contents would push the page down on a phone.
if (matchMedia("(max-width: 40rem)").matches) {
	for (const d of document.querySelectorAll(".contents details")) d.open = false;
}
